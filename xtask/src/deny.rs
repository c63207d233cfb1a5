//! Licences, bans and sources of every dependency, judged by cargo-deny.

use std::env;
use std::process::Stdio;

use crate::command;
use crate::runner::Verdict;
use crate::steps::no_arguments;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    no_arguments(args)?;
    if !is_installed(workspace) {
        return Ok(Verdict::Skipped(
            "nothing was checked, cargo-deny is not installed (`cargo install cargo-deny --locked`)".to_owned(),
        ));
    }
    let mut deny = workspace.cargo([
        "deny",
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    // New advisories appear without a change of ours, so they are asked for and do not break each
    // run.
    if env::var("OTP_DENY_ADVISORIES").is_ok_and(|value| value == "1") {
        deny.arg("advisories");
    }
    command::run(&mut deny)?;
    Ok(Verdict::Passed)
}

fn is_installed(workspace: &Workspace) -> bool {
    let mut version = workspace.cargo(["deny", "--version"]);
    version
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
