//! Builds each published crate from its package alone, as a stranger would who adds it to a
//! program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::crate_tree;
use crate::runner::Verdict;
use crate::steps::no_arguments;
use crate::workspace::{Member, Workspace};

/// What a package must bring besides its code.
const CONTENTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    no_arguments(args)?;
    let members: Vec<Member> = workspace
        .members()?
        .into_iter()
        .filter(|member| member.manifest.is_published())
        .collect();
    let version = workspace
        .manifest()?
        .value("workspace.package", "version")
        .ok_or("the workspace has no version")?
        .to_owned();
    let target = workspace.target()?;
    let place = Place {
        packages: target.join("package"),
        scratch: target.join("xtask-package"),
        version,
    };
    place.clear()?;

    // Cargo cannot verify these packages itself before the crates are on a registry, and afterwards
    // it would verify them against the published siblings: hence the packages first, and a
    // consumer of our own for each.
    let packing = [
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        "--locked",
        "--allow-dirty",
        "--no-verify",
    ];
    command::run(&mut workspace.cargo(packing))?;
    for member in &members {
        place.unpack(member)?;
    }
    let mut failures = Vec::new();
    for member in &members {
        match place.check(workspace, member, &members) {
            Ok(count) => println!("{}: builds alone, {count} crates in its tree", member.name),
            Err(why) => failures.push(format!("{}: {why}", member.name)),
        }
    }
    if failures.is_empty() {
        Ok(Verdict::Passed)
    } else {
        Err(failures.join("\n"))
    }
}

/// The folders that this step reads and writes.
struct Place {
    packages: PathBuf,
    scratch: PathBuf,
    version: String,
}

impl Place {
    /// Removes what an earlier run left, except what was built: a file that is no longer packed
    /// must not be found.
    fn clear(&self) -> Result<(), String> {
        for folder in ["unpacked", "consumers"] {
            let folder = self.scratch.join(folder);
            if folder.exists() {
                fs::remove_dir_all(&folder)
                    .map_err(|error| format!("{}: {error}", folder.display()))?;
            }
            fs::create_dir_all(&folder)
                .map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        Ok(())
    }

    fn package_name(&self, member: &Member) -> String {
        format!("{}-{}", member.name, self.version)
    }

    /// Unpacks with `tar`, which every platform of ours brings. The archive is copied to where it
    /// is unpacked and named without a folder, because GNU tar takes the colon of a Windows
    /// path for a host name. `-m` dates the files now: cargo gives all files in a package one
    /// old date, and would take changed code for what it has built before.
    fn unpack(&self, member: &Member) -> Result<(), String> {
        let archive = format!("{}.crate", self.package_name(member));
        let unpacked = self.scratch.join("unpacked");
        fs::copy(self.packages.join(&archive), unpacked.join(&archive))
            .map_err(|error| format!("{archive}: {error}"))?;
        command::run(
            Command::new("tar")
                .current_dir(unpacked)
                .args(["-xzmf", &archive]),
        )
    }

    /// Checks the contents and the build of one package; gives the number of crates that it brings.
    fn check(
        &self,
        workspace: &Workspace,
        member: &Member,
        all: &[Member],
    ) -> Result<usize, String> {
        let package = self
            .scratch
            .join("unpacked")
            .join(self.package_name(member));
        if let Some(missing) = CONTENTS
            .into_iter()
            .find(|name| !package.join(name).is_file())
        {
            return Err(format!("{missing} is not in the package"));
        }
        let consumer = self.write_consumer(workspace, member, all)?;
        let mut check = workspace.cargo(["check", "--target-dir"]);
        command::run(
            check
                .arg(self.scratch.join("target"))
                .current_dir(&consumer),
        )?;
        let mut tree =
            crate_tree::crates(workspace.cargo(["tree", "--locked"]).current_dir(&consumer))?;
        tree.retain(|name| !name.starts_with(CONSUMER));
        let count = tree.len();
        if count > crate_tree::MOST {
            return Err(format!(
                "{count} crates in its tree, at most {} are allowed",
                crate_tree::MOST
            ));
        }
        Ok(count)
    }

    /// Writes a program that depends on nothing but the one package, with the versions of the
    /// workspace's lock.
    fn write_consumer(
        &self,
        workspace: &Workspace,
        member: &Member,
        all: &[Member],
    ) -> Result<PathBuf, String> {
        let folder = self.scratch.join("consumers").join(&member.name);
        let siblings = member.manifest.dependencies();
        let patches: String = all
            .iter()
            .filter(|other| {
                siblings
                    .iter()
                    .any(|dependency| dependency.name == other.name && !dependency.is_dev)
            })
            .map(|other| self.by_path(other))
            .collect();
        let manifest = format!(
            "[package]\nname = \"{CONSUMER}-{}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{}\n\
             [patch.crates-io]\n{patches}",
            member.name,
            self.by_path(member),
        );
        write(&folder.join("Cargo.toml"), &manifest)?;
        write(
            &folder.join("src/lib.rs"),
            &format!("pub use {};\n", member.name.replace('-', "_")),
        )?;
        let lock = workspace.root().join("Cargo.lock");
        fs::copy(&lock, folder.join("Cargo.lock"))
            .map_err(|error| format!("{}: {error}", lock.display()))?;
        Ok(folder)
    }

    fn by_path(&self, member: &Member) -> String {
        format!(
            "{} = {{ path = \"../../unpacked/{}\" }}\n",
            member.name,
            self.package_name(member)
        )
    }
}

/// How the names of the scratch programs begin.
const CONSUMER: &str = "stranger";

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().ok_or("a file without a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}
