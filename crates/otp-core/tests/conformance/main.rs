//! Supervision beside the real OTP's: recorded scenarios are replayed, and every result, event and tree must be
//! the same. The files and their format: `traces/FORMAT.md`.
//!
//! `OTP_CONFORMANCE_DIR=DIR` replays every `*.jsonl` in DIR instead of the ones that are kept here.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod address;
mod json;
mod reasons;
mod run;
mod tree;
mod worker;

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use json::Json;
use run::Run;

/// How many mismatches are shown.
const SHOWN: usize = 5;

/// How long a scenario may take, by its own clock. The longest sleep for some seconds.
const LONGEST: Duration = Duration::from_secs(3600);

#[derive(Default)]
struct Tally {
    scenarios: usize,
    steps: usize,
    mismatches: usize,
    not_covered: usize,
}

#[test]
fn supervisors_behave_as_recorded_of_otp() {
    let mut tally = Tally::default();
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let line = Json::parse(line).unwrap();
            replay(&line, &mut tally);
        }
    }
    let Tally {
        scenarios,
        steps,
        mismatches,
        not_covered,
    } = tally;
    println!(
        "scenarios {scenarios}, steps {steps}, mismatches {mismatches}, not covered {not_covered}"
    );
    assert!(scenarios > 0, "there is nothing to replay");
    assert_eq!(mismatches, 0);
}

fn files() -> Vec<PathBuf> {
    let kept = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/traces");
    let folder = env::var_os("OTP_CONFORMANCE_DIR").map_or_else(kept, PathBuf::from);
    let entries = fs::read_dir(&folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "jsonl"));
    files.sort();
    files
}

fn replay(line: &Json, tally: &mut Tally) {
    let (scenario, expected) = (line.at("scenario"), line.at("trace").array());
    let ops = scenario.at("ops").array();
    let specs = ops.iter().filter_map(|op| op.get("spec"));
    if tree::is_simple(scenario.at("root")) || specs.into_iter().any(tree::is_simple) {
        tally.not_covered += 1;
        return;
    }
    tally.scenarios += 1;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let replay = async {
        let (mut run, first) = Run::start(scenario.at("root")).await;
        let mut got = first;
        for (at, wanted) in expected.iter().enumerate() {
            if at > 0 {
                got = run.operation(&ops[at - 1]).await;
            }
            tally.steps += 1;
            if got != *wanted {
                tally.mismatches += 1;
                if tally.mismatches <= SHOWN {
                    let op = at.checked_sub(1).map(|at| &ops[at]);
                    let op = op.map_or_else(|| "start".to_owned(), Json::to_string);
                    println!(
                        "seed {} index {} step {at}: {op}\n  OTP: {wanted}\n  ours: {got}",
                        scenario.at("seed"),
                        scenario.at("index"),
                    );
                }
                // What follows a difference is different anyhow.
                return;
            }
        }
    };
    // By the paused clock: a scenario that stands still is a mismatch, and no hang.
    let outcome = runtime.block_on(async { tokio::time::timeout(LONGEST, replay).await });
    if outcome.is_err() {
        tally.mismatches += 1;
        println!(
            "seed {} index {}: stands still",
            scenario.at("seed"),
            scenario.at("index")
        );
    }
}
