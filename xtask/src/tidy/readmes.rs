//! Rules on a crate's README: it is the crate's documentation, and it is complete.

use super::Finding;
use super::rust_text::{code_lines, has_word};
use super::sources::Sources;

const INCLUDE: &str = r#"include_str!("../README.md")"#;

/// The README is included, so that its examples are tested.
pub(super) fn included(sources: &Sources) -> Vec<Finding> {
    indexes(sources)
        .filter(|(_, _, text)| !text.contains(INCLUDE))
        .map(|(_, path, _)| {
            Finding::new(
                &path,
                1,
                "readme",
                format!("the crate's docs are not `{INCLUDE}`"),
            )
        })
        .collect()
}

/// Whoever reads only the README has met every public type.
pub(super) fn types_named(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (folder, path, text) in indexes(sources) {
        let readme = format!("{folder}/README.md");
        let prose = sources.text(&readme).unwrap_or_default();
        for (line, name) in exported_types(text)
            .into_iter()
            .filter(|(_, name)| !has_word(prose, name))
        {
            findings.push(Finding::new(
                &path,
                line,
                "readme",
                format!("`{name}` is not named in {readme}"),
            ));
        }
    }
    findings
}

fn indexes(sources: &Sources) -> impl Iterator<Item = (&str, String, &str)> {
    sources.crates().into_iter().filter_map(|folder| {
        let path = format!("{folder}/src/lib.rs");
        let text = sources.text(&path)?;
        Some((folder, path, text))
    })
}

/// The names in `pub use` that are spelled like types, each with its line.
fn exported_types(index: &str) -> Vec<(usize, String)> {
    let mut types = Vec::new();
    let mut in_use = false;
    for (line, code) in code_lines(index) {
        let code = code.trim();
        let names = match code.strip_prefix("pub use ") {
            Some(names) => names,
            None if in_use => code,
            None => continue,
        };
        for name in names.split([',', '{', '}', ';']) {
            // The last segment counts, or the new name where it is renamed.
            let name = name
                .rsplit(" as ")
                .next()
                .and_then(|name| name.rsplit("::").next())
                .unwrap_or(name)
                .trim();
            let is_type = name.starts_with(char::is_uppercase)
                && (name.len() == 1 || name.contains(char::is_lowercase));
            if is_type {
                types.push((line, name.to_owned()));
            }
        }
        in_use = !code.ends_with(';');
    }
    types
}
