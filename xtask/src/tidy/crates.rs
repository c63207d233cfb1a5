//! Rules on the shape of a crate's folder.

use std::collections::BTreeMap;

use super::Finding;
use super::sources::Sources;

const SKELETON: [&str; 6] = [
    "README.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "src/lib.rs",
    "tests/it/main.rs",
];

/// Each crate has the same files in the same places.
pub(super) fn skeleton(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in sources.crates() {
        let mut missing: Vec<&str> = SKELETON
            .into_iter()
            .filter(|file| sources.text(&format!("{folder}/{file}")).is_none())
            .collect();
        if examples(sources).all(|(owner, _, _)| owner != folder) {
            missing.push("examples/NAME.rs");
        }
        findings.extend(
            missing
                .iter()
                .map(|file| Finding::new(&format!("{folder}/{file}"), 1, "skeleton", "is missing")),
        );
    }
    findings
}

/// An example's name is a demo's name, and all examples are built into one folder.
pub(super) fn unique_examples(sources: &Sources) -> Vec<Finding> {
    let mut first = BTreeMap::new();
    let mut findings = Vec::new();
    for (_, name, path) in examples(sources) {
        if let Some(other) = first.insert(name, path) {
            findings.push(Finding::new(
                path,
                1,
                "example-name",
                format!("the name is taken by {other}"),
            ));
        }
    }
    findings
}

/// Every example of the workspace: its crate's folder, its name, its path.
fn examples(sources: &Sources) -> impl Iterator<Item = (&str, &str, &str)> {
    let crates = sources.crates();
    sources.all().filter_map(move |(path, _)| {
        let (folder, file) = path.split_once("/examples/")?;
        let name = file
            .strip_suffix(".rs")
            .filter(|name| !name.contains('/'))?;
        crates.contains(&folder).then_some((folder, name, path))
    })
}
