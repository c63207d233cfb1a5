//! Records fresh scenarios of the real OTP's supervisor, where Erlang is installed, and replays them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::command;
use crate::runner::Verdict;
use crate::workspace::Workspace;

/// What is recorded: kinds of scenarios with their weights. Those about the window of restarts wait for seconds.
const KINDS: &str = "static:20,static_retry:20,window:1";

/// What is recorded besides where Elixir is installed, whose `DynamicSupervisor` it is about.
const DYNAMIC: &str = ",dynamic:15";

/// How many recorders run side by side. They wait most of the time.
const RECORDERS: usize = 8;

/// After how many scenarios progress is told.
const TOLD_EVERY: usize = 200;

pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    let (seed, count) = parse(args)?;
    let mut erl = Command::new("erl");
    erl.args(["-noshell", "-eval", "halt()"]);
    erl.stdout(Stdio::null()).stderr(Stdio::null());
    if !erl.status().is_ok_and(|status| status.success()) {
        return Err("`erl` does not run here: nothing can be recorded".to_owned());
    }
    let folder = workspace.target()?.join("conformance");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    forget_recordings(&folder)?;
    let mut erlc = Command::new("erlc");
    erlc.arg("-o").arg(&folder);
    erlc.arg(workspace.root().join("xtask/recorder/otp_conf.erl"));
    command::run(&mut erlc)?;
    let elixir = elixir();
    if elixir.is_none() {
        println!("elixir is not installed: nothing is recorded of its DynamicSupervisor");
    }
    let kept = record(&folder, seed, count, elixir.as_deref())?;
    println!("recorded {kept} of {count} scenarios");
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

fn parse(args: &[String]) -> Result<(u64, usize), String> {
    let [seed, count] = args else {
        return Err("takes a SEED and a COUNT".to_owned());
    };
    let seed = seed
        .parse()
        .map_err(|_| format!("SEED must be a whole number, not `{seed}`"))?;
    let count = count.parse().ok().filter(|count| *count > 0);
    let count = count.ok_or("COUNT must be a whole number from 1")?;
    Ok((seed, count))
}

/// Removes what was recorded of other seeds.
fn forget_recordings(folder: &Path) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// Where Elixir's own code is, if it is installed.
fn elixir() -> Option<String> {
    let mut elixir = Command::new("elixir");
    elixir.args(["-e", "IO.write(:code.lib_dir(:elixir))"]);
    elixir.stdin(Stdio::null()).stderr(Stdio::null());
    let found = elixir
        .output()
        .ok()
        .filter(|found| found.status.success())?;
    let folder = String::from_utf8(found.stdout).ok()?;
    Some(format!("{}/ebin", folder.trim()))
}

/// Has each recorder write its part of the scenarios to a file of its own, and returns how many are kept.
fn record(folder: &Path, seed: u64, count: usize, elixir: Option<&str>) -> Result<usize, String> {
    let parts = RECORDERS.min(count);
    let done = AtomicUsize::new(0);
    let done_one = || {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(TOLD_EVERY) {
            eprintln!("{done} of {count} scenarios tried");
        }
    };
    let results = thread::scope(|scope| {
        let recorders: Vec<_> = (1..=parts)
            .map(|part| {
                let mut erl = recorder(folder, elixir);
                let kinds = match elixir {
                    Some(_) => format!("{KINDS}{DYNAMIC}"),
                    None => KINDS.to_owned(),
                };
                erl.args(["-extra", "gen", &seed.to_string(), &count.to_string()]);
                erl.args([&kinds, &part.to_string(), &parts.to_string()]);
                let file = folder.join(format!("seed{seed}-{part}.jsonl"));
                command::echo(&erl);
                // Every `parts`-th one, from `part` on.
                let share = (count - part) / parts + 1;
                let done_one = &done_one;
                scope.spawn(move || Part::record(erl, &file, done_one)?.checked(share))
            })
            .collect();
        recorders
            .into_iter()
            .map(|recorder| {
                recorder
                    .join()
                    .unwrap_or_else(|_| Err("a thread panicked".to_owned()))
            })
            .collect::<Vec<_>>()
    });
    let mut kept = 0;
    let mut faults = Vec::new();
    for result in results {
        match result {
            Ok(part) => kept += part,
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(kept)
    } else {
        Err(faults.join("\n"))
    }
}

fn recorder(folder: &Path, elixir: Option<&str>) -> Command {
    let mut erl = Command::new("erl");
    // One scheduler: what two processes do at once is left to chance by OTP itself.
    erl.args(["+S", "1:1", "-noshell", "-pa"]).arg(folder);
    if let Some(elixir) = elixir {
        erl.args(["-pa", elixir]);
    }
    erl.args(["-eval", "otp_conf:main(init:get_plain_arguments())"]);
    erl.stdin(Stdio::null()).stdout(Stdio::piped());
    erl
}

/// What one recorder has done.
#[derive(Default)]
struct Part {
    kept: usize,
    dropped: usize,
    failed: usize,
}

impl Part {
    /// Keeps the scenarios that `erl` prints in `file`, and passes on what it says of the others.
    fn record(mut erl: Command, file: &Path, done_one: &dyn Fn()) -> Result<Self, String> {
        let mut part = Self::default();
        let at_file = |error| format!("{}: {error}", file.display());
        let mut kept = BufWriter::new(File::create(file).map_err(at_file)?);
        let mut child = erl
            .spawn()
            .map_err(|error| format!("`{}` did not start: {error}", command::line(&erl)))?;
        let stdout = child.stdout.take().into_iter();
        for line in stdout.flat_map(|stdout| BufReader::new(stdout).lines()) {
            let line = line.map_err(|error| error.to_string())?;
            if part.count(&line) {
                writeln!(kept, "{line}").map_err(at_file)?;
            } else {
                eprintln!("{line}");
            }
            done_one();
        }
        kept.flush().map_err(at_file)?;
        let status = child.wait().map_err(|error| error.to_string())?;
        if part.failed == 0 && !status.success() {
            return Err(format!("`{}` ended with {status}", command::line(&erl)));
        }
        Ok(part)
    }

    /// Counts a line of a recorder; returns whether it holds a scenario.
    fn count(&mut self, line: &str) -> bool {
        let is_scenario = line.starts_with('{');
        if is_scenario {
            self.kept += 1;
        } else if line.starts_with("dropped ") {
            self.dropped += 1;
        } else {
            self.failed += 1;
        }
        is_scenario
    }

    /// How many are kept, if `share` were tried and the recorder is not to blame for those that are not.
    fn checked(&self, share: usize) -> Result<usize, String> {
        let Self {
            kept,
            dropped,
            failed,
        } = self;
        if *failed > 0 {
            return Err(format!("not recorded, see above: {failed}"));
        }
        if kept + dropped != share {
            return Err(format!(
                "a recorder ended after {} of {share} scenarios",
                kept + dropped
            ));
        }
        Ok(*kept)
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, parse};

    fn parsed(args: &[&str]) -> Result<(u64, usize), String> {
        parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_seed_and_a_count_are_taken_and_nothing_else() {
        assert_eq!(parsed(&["0", "10"]), Ok((0, 10)));
        for args in [&[][..], &["1"], &["x", "1"], &["1", "0"], &["1", "2", "3"]] {
            assert!(parsed(args).is_err(), "{args:?}");
        }
    }

    fn part(lines: &[&str]) -> Part {
        let mut part = Part::default();
        for line in lines {
            part.count(line);
        }
        part
    }

    #[test]
    fn scenarios_that_are_left_to_chance_are_no_fault() {
        let lines = ["{}", "dropped seed=1 index=2 kind=static: differs", "{}"];
        assert_eq!(part(&lines).checked(3), Ok(2));
    }

    #[test]
    fn a_recorder_that_fails_or_ends_early_is_a_fault() {
        assert!(part(&["{}", "failed seed=1 index=2"]).checked(2).is_err());
        assert!(
            part(&["{}", "Crash dump is being written"])
                .checked(2)
                .is_err()
        );
        assert!(part(&["{}"]).checked(2).is_err());
    }
}
