//! What the rules judge: the files of the repository, by path and text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::manifest::Manifest;
use crate::workspace::Workspace;

/// Every file that is, or would be, under version control, by its path from the root with forward
/// slashes. A file that is no text is there with an empty text.
pub(super) struct Sources {
    files: BTreeMap<String, String>,
    excluded: Vec<String>,
}

impl Sources {
    /// Reads the repository.
    pub(super) fn read(workspace: &Workspace) -> Result<Self, String> {
        let root = workspace.root();
        let paths = match listed_by_git(root) {
            Some(paths) => paths,
            None => listed_by_walking(root)?,
        };
        // A file that git still lists may be deleted already; it is then not there to be judged.
        let files = paths.into_iter().filter_map(|path| {
            let bytes = fs::read(root.join(&path)).ok()?;
            Some((path, String::from_utf8(bytes).unwrap_or_default()))
        });
        Ok(Self::new(files))
    }

    pub(super) fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files: BTreeMap<_, _> = files.into_iter().collect();
        let root = Manifest::parse(files.get("Cargo.toml").map_or("", String::as_str));
        let excluded = root.value("workspace", "exclude").unwrap_or_default();
        let excluded = excluded
            .split('"')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        Self { files, excluded }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is a file or a folder of that path.
    pub(super) fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(next, _)| next.starts_with(&folder))
    }

    /// The Rust files of the workspace and of what it excludes.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().filter(|(path, _)| {
            path.ends_with(".rs") && (path.starts_with("crates/") || path.starts_with("xtask/"))
        })
    }

    /// The folders of the crates under `crates/` that belong to the workspace.
    pub(super) fn crates(&self) -> Vec<&str> {
        self.all()
            .filter_map(|(path, _)| path.strip_suffix("/Cargo.toml"))
            .filter(|folder| folder.starts_with("crates/") && folder.matches('/').count() == 1)
            .filter(|folder| !self.excluded.iter().any(|excluded| excluded == folder))
            .collect()
    }
}

/// What git tracks, and what is new and not ignored; `None` where git or its folder is missing.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let listing = Command::new("git")
        .current_dir(root)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(listing.stdout).ok()?;
    // Nothing listed means that an outer repository ignores this folder, so its list says nothing
    // about it.
    (listing.status.success() && !text.is_empty())
        .then(|| text.split_terminator('\0').map(str::to_owned).collect())
}

fn listed_by_walking(root: &Path) -> Result<Vec<String>, String> {
    let mut paths = Vec::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        let listing =
            fs::read_dir(root.join(&folder)).map_err(|error| format!("{folder}: {error}"))?;
        for entry in listing {
            let entry = entry.map_err(|error| format!("{folder}: {error}"))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            if !entry.path().is_dir() {
                paths.push(path);
            } else if name != "target" && name != ".git" {
                open.push(path);
            }
        }
    }
    Ok(paths)
}
