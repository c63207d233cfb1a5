//! Rules on manifests: who may depend on whom, and what is inherited.

use super::Finding;
use super::sources::Sources;
use crate::manifest::Manifest;

const INHERITED: [&str; 5] = [
    "version",
    "edition",
    "rust-version",
    "license",
    "repository",
];

/// Inside the workspace a crate depends on the core only, and the core on nothing; tests are no
/// exception.
pub(super) fn direction(sources: &Sources) -> Vec<Finding> {
    let names: Vec<_> = sources
        .crates()
        .into_iter()
        .filter_map(|folder| folder.strip_prefix("crates/"))
        .collect();
    let mut findings = Vec::new();
    for (folder, path, manifest) in manifests(sources) {
        for dependency in manifest.dependencies() {
            let of_ours = names.contains(&dependency.name.as_str()) || dependency.name == "xtask";
            let upwards = folder.starts_with("crates/patterns-") && dependency.name == "otp-core";
            if of_ours && !upwards {
                let message = format!("{folder} must not depend on {}", dependency.name);
                findings.push(Finding::new(&path, dependency.line, "direction", message));
            }
        }
    }
    findings
}

/// What all crates share is written once, in the root manifest.
pub(super) fn inheritance(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, manifest) in manifests(sources) {
        for key in INHERITED
            .into_iter()
            .filter(|key| !manifest.inherits("package", key))
        {
            findings.push(Finding::new(
                &path,
                1,
                "inherit",
                format!("`{key}` is not `.workspace = true`"),
            ));
        }
        if manifest.value("lints", "workspace") != Some("true") {
            findings.push(Finding::new(
                &path,
                1,
                "inherit",
                "`[lints]` has no `workspace = true`",
            ));
        }
        for dependency in manifest.dependencies() {
            // A crate of ours, used in tests, is named by its path alone: cargo drops it when it
            // packs the crate.
            let is_agreed = dependency.inherits || (dependency.is_dev && dependency.path_only);
            if !is_agreed {
                let message = format!("`{}` is not `workspace = true`", dependency.name);
                findings.push(Finding::new(&path, dependency.line, "inherit", message));
            }
        }
    }
    findings
}

fn manifests(sources: &Sources) -> impl Iterator<Item = (&str, String, Manifest)> {
    sources
        .crates()
        .into_iter()
        .chain(["xtask"])
        .filter_map(|folder| {
            let path = format!("{folder}/Cargo.toml");
            let manifest = Manifest::parse(sources.text(&path)?);
            Some((folder, path, manifest))
        })
}
