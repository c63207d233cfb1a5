//! Where the workspace stands on disk, and which crates it has.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::manifest::Manifest;

/// The workspace that this program was started in.
pub(crate) struct Workspace {
    root: PathBuf,
}

/// A crate of the workspace that stands under `crates/`.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
}

impl Workspace {
    /// Finds the workspace by the variable that cargo sets for what it runs.
    pub(crate) fn find() -> Result<Self, String> {
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .ok_or("start this as `cargo xtask`, so that cargo says where")?;
        let root = Path::new(&here)
            .parent()
            .ok_or("xtask stands in no workspace")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A call of the cargo that started this program, from the workspace's root.
    pub(crate) fn cargo<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(args);
        command
    }

    /// The folder that cargo builds into, wherever the user's settings put it.
    pub(crate) fn target(&self) -> Result<PathBuf, String> {
        let metadata =
            command::output(&mut self.cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
        let (_, rest) = metadata
            .split_once(r#""target_directory":""#)
            .ok_or("cargo metadata names no target folder")?;
        let (quoted, _) = rest
            .split_once('"')
            .ok_or("cargo metadata ends inside a name")?;
        Ok(PathBuf::from(quoted.replace(r"\\", r"\")))
    }

    /// The manifest at the workspace's root.
    pub(crate) fn manifest(&self) -> Result<Manifest, String> {
        read_manifest(&self.root.join("Cargo.toml"))
    }

    /// Every crate under `crates/` that the root manifest does not exclude, by name.
    pub(crate) fn members(&self) -> Result<Vec<Member>, String> {
        let excluded = self
            .manifest()?
            .value("workspace", "exclude")
            .unwrap_or_default()
            .to_owned();
        let crates = self.root.join("crates");
        let listing =
            fs::read_dir(&crates).map_err(|error| format!("{}: {error}", crates.display()))?;
        let mut members = Vec::new();
        for entry in listing {
            let folder = entry.map_err(|error| error.to_string())?.path();
            let Some(name) = folder
                .file_name()
                .and_then(|name| name.to_str())
                .map(str::to_owned)
            else {
                continue;
            };
            if !folder.join("Cargo.toml").is_file()
                || excluded.contains(&format!("\"crates/{name}\""))
            {
                continue;
            }
            let manifest = read_manifest(&folder.join("Cargo.toml"))?;
            members.push(Member {
                name,
                folder,
                manifest,
            });
        }
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(members)
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Manifest::parse(&text))
}
