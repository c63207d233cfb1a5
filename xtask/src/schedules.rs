//! Runs the crates' real code under a schedule checker, which tries orders in which threads take turns.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::command;
use crate::runner::Verdict;
use crate::workspace::Workspace;

/// How many schedules each of the two schedulers tries of each scenario, unless told otherwise.
const COUNT: usize = 30_000;

/// What is said of the run by the scenarios themselves, one on a line.
const MARK: &str = "schedules: ";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// All scenarios, or those of one concept.
    Try { name: String, count: Option<String> },
    /// One schedule of one scenario.
    Replay { scenario: String, schedule: String },
    /// To show that the checker finds a fault that is there.
    Broken,
}

pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    let mut cargo = match parse(args)? {
        Asked::Broken => return finds_the_fault(workspace),
        Asked::Try { name, count } => {
            let mut cargo = tests(workspace, &checked(workspace)?, &name, "")?;
            let count = count.or_else(|| env::var("OTP_SCHEDULES").ok());
            cargo.env("OTP_SCHEDULES", count.unwrap_or_else(|| COUNT.to_string()));
            cargo
        }
        Asked::Replay { scenario, schedule } => {
            let mut cargo = tests(workspace, &checked(workspace)?, "", "")?;
            cargo.env("OTP_SCHEDULES_SCENARIO", scenario);
            cargo.env("OTP_SCHEDULES_REPLAY", schedule);
            cargo
        }
    };
    let run = listen(&mut cargo)?;
    let (scenarios, schedules) = tally(&run.said);
    let failures = failures(&run.said);
    if !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    if !run.passed {
        return Err("it did not come to an end, see above".to_owned());
    }
    if scenarios == 0 {
        return Err("no scenario of that name".to_owned());
    }
    println!("{schedules} schedules in {scenarios} scenarios");
    Ok(Verdict::Passed)
}

fn parse(args: &[String]) -> Result<Asked, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (mut name, mut count) = ("", None);
    match args.as_slice() {
        ["--broken"] => return Ok(Asked::Broken),
        ["--replay", scenario, schedule] => {
            return Ok(Asked::Replay {
                scenario: (*scenario).to_owned(),
                schedule: (*schedule).to_owned(),
            });
        }
        _ => {}
    }
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg {
            "--count" => {
                let given = args
                    .next()
                    .filter(|count| count.parse::<usize>().is_ok_and(|count| count > 0));
                count = Some(given.ok_or("--count takes a number from 1")?.to_owned());
            }
            _ if arg.starts_with('-') || !name.is_empty() => {
                return Err(format!(
                    "`{arg}` is too much: it takes [NAME] [--count N], --replay SCENARIO SCHEDULE, or --broken"
                ));
            }
            _ => name = arg,
        }
    }
    Ok(Asked::Try {
        name: name.to_owned(),
        count,
    })
}

/// The crates that have scenarios: those that build with what scenarios need.
fn checked(workspace: &Workspace) -> Result<Vec<String>, String> {
    let members = workspace.members()?;
    let checked = members.into_iter().filter(|member| {
        let dependencies = member.manifest.dependencies();
        dependencies
            .iter()
            .any(|dependency| dependency.name == "schedules")
    });
    Ok(checked.map(|member| member.name).collect())
}

/// The tests of the scenarios, built with the checker's primitives in the place of the real ones.
fn tests(
    workspace: &Workspace,
    packages: &[String],
    name: &str,
    more_flags: &str,
) -> Result<Command, String> {
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    let flags = format!("{flags} --cfg otp_schedules {more_flags}");
    let mut cargo = workspace.cargo([
        "test",
        "--lib",
        "--profile",
        "schedules",
        "--locked",
        "--no-fail-fast",
    ]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.arg("--");
    cargo.arg(format!("schedules::{name}")).arg("--nocapture");
    cargo.env("RUSTFLAGS", flags.trim());
    // A folder of its own: other flags would have cargo build the usual one anew each time.
    cargo.env("CARGO_TARGET_DIR", workspace.target()?.join("schedules"));
    Ok(cargo)
}

/// Shows that a fault is found, by one that is put into the code on purpose.
fn finds_the_fault(workspace: &Workspace) -> Result<Verdict, String> {
    let mut cargo = tests(
        workspace,
        &["otp-core".to_owned()],
        "mailbox",
        "--cfg otp_schedules_broken",
    )?;
    let run = listen(&mut cargo)?;
    let found = failures(&run.said).len();
    if run.passed || found == 0 {
        return Err("a fault is in the code and no schedule failed".to_owned());
    }
    println!("the fault is found by {found} scenarios");
    Ok(Verdict::Passed)
}

struct Run {
    /// What the scenarios said, without the mark.
    said: Vec<String>,
    passed: bool,
}

/// Runs `command`, passes on what it prints, and keeps what the scenarios say.
fn listen(command: &mut Command) -> Result<Run, String> {
    command::echo(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{}` did not start: {error}", command::line(command)))?;
    let mut said = Vec::new();
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|stdout| BufReader::new(stdout).lines())
    {
        let line = line.map_err(|error| error.to_string())?;
        println!("{line}");
        said.extend(line.split_once(MARK).map(|(_, said)| said.to_owned()));
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok(Run {
        said,
        passed: status.success(),
    })
}

/// What the scenarios said that failed.
fn failures(said: &[String]) -> Vec<&str> {
    let failed = said.iter().map(String::as_str);
    failed
        .filter(|line| line.contains(" failed in schedule "))
        .collect()
}

/// How many scenarios were run, and how many schedules of all of them.
fn tally(said: &[String]) -> (usize, u64) {
    let counts = said
        .iter()
        .filter_map(|line| line.split_once(" of ")?.0.parse::<u64>().ok());
    counts.fold((0, 0), |(scenarios, schedules), count| {
        (scenarios + 1, schedules + count)
    })
}

#[cfg(test)]
mod tests {
    use super::{Asked, failures, parse, tally};

    fn parsed(args: &[&str]) -> Result<Asked, String> {
        parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_and_a_count_may_be_given_in_any_order() {
        let asked = |name: &str, count: Option<&str>| {
            Ok(Asked::Try {
                name: name.to_owned(),
                count: count.map(str::to_owned),
            })
        };
        assert_eq!(parsed(&[]), asked("", None));
        assert_eq!(parsed(&["reply"]), asked("reply", None));
        assert_eq!(
            parsed(&["--count", "5", "reply"]),
            asked("reply", Some("5"))
        );
        assert_eq!(
            parsed(&["reply", "--count", "5"]),
            asked("reply", Some("5"))
        );
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        for args in [
            &["a", "b"][..],
            &["--cuont"],
            &["--count"],
            &["--count", "0"],
            &["--broken", "a"],
            &["--replay", "a"],
        ] {
            assert!(parsed(args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn schedules_are_added_up_and_failures_are_told() {
        let said = [
            "40 of a call of two in 0.1 s",
            "2 of another in 0.1 s",
            "a third failed in schedule 7",
        ];
        let said = said.map(str::to_owned);
        assert_eq!(tally(&said), (2, 42));
        assert_eq!(failures(&said), ["a third failed in schedule 7"]);
    }
}
