//! Rule: the top level of the repository stays as small as it was agreed.

use std::collections::BTreeMap;

use super::Finding;
use super::sources::Sources;

const ALLOWED: [&str; 12] = [
    "Cargo.toml",
    "Cargo.lock",
    "crates",
    "xtask",
    "docs",
    "README.md",
    "deny.toml",
    "rust-toolchain.toml",
    ".github",
    ".cargo",
    ".ci",
    ".gitignore",
];

pub(super) fn only_the_agreed_entries(sources: &Sources) -> Vec<Finding> {
    let mut entries = BTreeMap::new();
    for (path, _) in sources.all() {
        entries
            .entry(path.split('/').next().unwrap_or(path))
            .or_insert(path);
    }
    let extra = entries
        .iter()
        .filter(|(entry, _)| !ALLOWED.contains(entry))
        .map(|(entry, path)| {
            Finding::new(
                path,
                1,
                "top-level",
                format!("`{entry}` does not belong at the top level"),
            )
        });
    let missing = ALLOWED
        .iter()
        .filter(|entry| !entries.contains_key(*entry))
        .map(|entry| Finding::new(entry, 1, "top-level", "is missing"));
    extra.chain(missing).collect()
}
