//! Records fresh scenarios of the real OTP's supervisor, where Erlang is installed, and replays them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command;
use crate::runner::Verdict;
use crate::workspace::Workspace;

/// One scenario in about twice so many is about the window of restarts. Each of those waits for seconds.
const WINDOW_IN: usize = 50;

pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    let [seed, count] = args else {
        return Err("takes a SEED and a COUNT".to_owned());
    };
    for (name, number) in [("SEED", seed), ("COUNT", count)] {
        if number.parse::<u64>().is_err() {
            return Err(format!("{name} must be a whole number, not `{number}`"));
        }
    }
    let silent = |program: &str| {
        let mut command = Command::new(program);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    if silent("erl")
        .args(["-noshell", "-eval", "halt()"])
        .status()
        .is_err()
    {
        return Err("erl is not installed: nothing can be recorded".to_owned());
    }
    let folder = workspace.target()?.join("conformance");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    record(workspace, &folder, seed, count)?;
    let mut cargo = workspace.cargo([
        "test",
        "--locked",
        "-p",
        "otp-core",
        "--test",
        "conformance",
    ]);
    cargo
        .args(["--", "--nocapture"])
        .env("OTP_CONFORMANCE_DIR", &folder);
    command::run(&mut cargo)?;
    Ok(Verdict::Passed)
}

/// Writes the scenarios of `seed` to a file of their own; those of other seeds go.
fn record(workspace: &Workspace, folder: &Path, seed: &str, count: &str) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    let mut compile = Command::new("erlc");
    compile.arg("-o").arg(folder);
    compile.arg(workspace.root().join("xtask/recorder/otp_conf.erl"));
    command::run(&mut compile)?;
    let mut erl = Command::new("erl");
    // One scheduler: what two processes do at once is left to chance by OTP itself.
    erl.args(["+S", "1:1", "-noshell", "-pa"]).arg(folder);
    erl.args(["-eval", "otp_conf:main(init:get_plain_arguments())"]);
    let kinds = format!("{}window", "static,retry,".repeat(WINDOW_IN));
    erl.args(["-extra", "gen", seed, count, &kinds]);
    command::echo(&erl);
    let recorded = command::output(&mut erl)?;
    let path = folder.join(format!("seed{seed}.jsonl"));
    fs::write(&path, recorded).map_err(|error| format!("{}: {error}", path.display()))
}
