//! The steps that are one call of cargo.

use crate::command;
use crate::runner::Verdict;
use crate::workspace::Workspace;

pub(crate) fn fmt(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    no_arguments(args)?;
    command::run(&mut workspace.cargo(["fmt", "--all", "--check"]))?;
    Ok(Verdict::Passed)
}

pub(crate) fn clippy(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    no_arguments(args)?;
    let cargo_args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    command::run(&mut workspace.cargo(cargo_args))?;
    Ok(Verdict::Passed)
}

pub(crate) fn test(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    command::run(
        workspace
            .cargo(["test", "--workspace", "--all-features", "--locked"])
            .args(args),
    )?;
    Ok(Verdict::Passed)
}

pub(crate) fn doc(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    no_arguments(args)?;
    let cargo_args = [
        "doc",
        "--workspace",
        "--all-features",
        "--no-deps",
        "--locked",
    ];
    let mut cargo = workspace.cargo(cargo_args);
    command::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Verdict::Passed)
}

/// Refuses arguments that would be ignored otherwise.
pub(crate) fn no_arguments(args: &[String]) -> Result<(), String> {
    match args.first() {
        None => Ok(()),
        Some(first) => Err(format!("takes no arguments, but was given `{first}`")),
    }
}
