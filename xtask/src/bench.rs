//! Runs the benches, and writes what the comparison with other crates prints to
//! `docs/BENCHMARKS.md`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::command;
use crate::runner::Verdict;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    let (flags, names): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| **flag != "--peers-only") {
        return Err(format!("no flag `{flag}`; there is --peers-only"));
    }
    let name = match names.as_slice() {
        [] => None,
        [name] => Some(name.as_str()),
        [_, second, ..] => return Err(format!("takes one NAME, but `{second}` came too")),
    };
    if flags.is_empty() {
        own(workspace, name)?;
    }
    peers(workspace, name)?;
    Ok(Verdict::Passed)
}

/// The benches of the workspace's crates. A NAME that is no crate of ours may still be one that the
/// comparison knows.
fn own(workspace: &Workspace, name: Option<&str>) -> Result<(), String> {
    let Some(name) = name else {
        return command::run(&mut workspace.cargo([
            "bench",
            "--workspace",
            "--exclude",
            "xtask",
            "--locked",
        ]));
    };
    let pattern = format!("patterns-{name}");
    match workspace
        .members()?
        .iter()
        .find(|member| member.name == name || member.name == pattern)
    {
        Some(member) => {
            command::run(&mut workspace.cargo(["bench", "--locked", "-p", &member.name]))
        }
        None => Ok(()),
    }
}

/// Runs the same work on the BEAM, where Elixir is installed; gives the file with the figures.
fn beam(workspace: &Workspace) -> Result<Option<PathBuf>, String> {
    let installed = Command::new("elixir").arg("--version").output().is_ok();
    if !installed {
        eprintln!("elixir is not installed: docs/BENCHMARKS.md will have no figures of the BEAM");
        return Ok(None);
    }
    let mut elixir = Command::new("elixir");
    elixir.arg(workspace.root().join("crates/peer-bench/beam.exs"));
    command::echo(&elixir);
    let figures = command::output(&mut elixir)?;
    let path = workspace.target()?.join("bench-beam.txt");
    fs::write(&path, figures).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Some(path))
}

/// The comparison has a workspace of its own, so it is built and run from its folder.
fn peers(workspace: &Workspace, name: Option<&str>) -> Result<(), String> {
    let folder = workspace.root().join("crates/peer-bench");
    if !folder.is_dir() {
        return Err("crates/peer-bench is missing".to_owned());
    }
    let mut cargo = workspace.cargo(["run", "--release", "--locked", "--"]);
    cargo.current_dir(folder).args(name);
    if name.is_some() {
        return command::run(&mut cargo);
    }
    // A part would overwrite the whole document, so only the run of everything is kept.
    if let Some(figures) = beam(workspace)? {
        cargo.arg("--beam").arg(figures);
    }
    command::echo(&cargo);
    let document = command::output(&mut cargo)?;
    let path = workspace.root().join("docs/BENCHMARKS.md");
    fs::write(&path, document.trim_end().to_owned() + "\n")
        .map_err(|error| format!("{}: {error}", path.display()))?;
    println!("wrote docs/BENCHMARKS.md");
    Ok(())
}
