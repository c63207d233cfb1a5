//! The workspace's gates: `cargo xtask ci` is exactly what CI runs, and each of its steps is
//! callable alone.

mod bench;
mod command;
mod conformance;
mod crate_tree;
mod demo;
mod deny;
mod manifest;
mod package;
mod runner;
mod schedules;
mod steps;
mod tidy;
mod workspace;

use std::env;
use std::process::ExitCode;

use runner::Step;
use workspace::Workspace;

/// What `cargo xtask ci` runs, in this order: the cheap and telling steps come first.
const CI: [Step; 8] = [
    Step::new("fmt", "check the formatting of all code", steps::fmt),
    Step::new(
        "clippy",
        "lint all targets, warnings are errors",
        steps::clippy,
    ),
    Step::new("tidy", "check this project's own rules", tidy::run),
    Step::new(
        "test [ARGS]",
        "run all tests and doc tests; ARGS go to cargo test",
        steps::test,
    ),
    Step::new(
        "doc",
        "build the documentation, warnings are errors",
        steps::doc,
    ),
    Step::new(
        "demo [NAME [ARGS]]",
        "run every demo, or one by name; --list names them",
        demo::run,
    ),
    Step::new(
        "package",
        "build each crate from its package, as a stranger's dependency",
        package::run,
    ),
    Step::new(
        "deny",
        "check licences, bans and sources (OTP_DENY_ADVISORIES=1: advisories too)",
        deny::run,
    ),
];

/// What stays out of `ci`, because it is too slow to run on each change.
const BESIDE_CI: [Step; 3] = [
    Step::new(
        "bench [NAME]",
        "run the benches and write docs/BENCHMARKS.md; --peers-only skips criterion's",
        bench::run,
    ),
    Step::new(
        "schedules [NAME]",
        "try otp-core in many orders of its threads; --count N, --replay SCENARIO SCHEDULE, --broken",
        schedules::run,
    ),
    Step::new(
        "conformance SEED COUNT",
        "record fresh scenarios of the real OTP's supervisor, where erl is installed, and replay them",
        conformance::run,
    ),
];

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = args.collect();

    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<&Step> = match name.as_str() {
        "ci" if rest.is_empty() => CI.iter().collect(),
        "ci" => {
            eprintln!("error: `ci` takes no arguments");
            return ExitCode::FAILURE;
        }
        _ => CI
            .iter()
            .chain(&BESIDE_CI)
            .filter(|step| step.name() == name)
            .collect(),
    };
    if chosen.is_empty() {
        eprint!("error: no command `{name}`\n\n{}", usage());
        return ExitCode::FAILURE;
    }
    match Workspace::find() {
        Ok(workspace) => runner::run(&workspace, &chosen, &rest),
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n\n");
    text += &usage_line(
        "ci",
        "run the steps below up to deny, in this order, and list all failures",
    );
    for step in CI.iter().chain(&BESIDE_CI) {
        text += &usage_line(step.synopsis, step.about);
    }
    text + &usage_line("help", "print this text")
}

fn usage_line(synopsis: &str, about: &str) -> String {
    format!("  {synopsis:<20} {about}\n")
}
