//! The figures of the same work on the BEAM, as its script prints them.

use std::path::Path;

use super::markdown::{Table, number};
use crate::book::Book;
use crate::contenders::OTP;
use crate::contenders::caches::PATTERNS_CACHE;
use crate::contenders::stores::STORE;
use crate::scenarios::agent::AGENT;
use crate::scenarios::task::TASK;
use crate::scenarios::{agent, call, cast, pubsub, registry, start, store, supervision, task};

/// One line of the script's output.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) nanoseconds: f64,
}

/// What of ours does the work of a line on the BEAM.
const COUNTERPARTS: [(&str, &str, &str); 21] = [
    ("call RTT 1 caller", call::ONE_CALLER, OTP),
    ("call 64 callers", call::MANY_CALLERS, OTP),
    ("cast 1 producer + final call", cast::ONE_PRODUCER, OTP),
    ("cast 4 producers + final", cast::FOUR_PRODUCERS, OTP),
    ("start GenServer", start::START, OTP),
    ("kill -> next one answers a call", supervision::KILL, OTP),
    ("Supervisor start, 100000 children", supervision::START, OTP),
    ("Supervisor stop, 100000 children", supervision::STOP, OTP),
    (
        "Supervisor start_child, 10000 there",
        supervision::START_CHILD,
        OTP,
    ),
    ("DynamicSupervisor start_child", registry::START_CHILD, OTP),
    (
        "DynamicSupervisor stop, 10000 children",
        registry::STOP,
        OTP,
    ),
    ("Registry.lookup, 100000 keys", registry::LOOKUP, OTP),
    ("Registry.lookup", registry::LOOKUP, OTP),
    ("ets lookup", store::READ, STORE),
    ("ets lookup", "get, hit, 1 thread", PATTERNS_CACHE),
    (
        "ets insert",
        "insert over an existing key, 1 thread",
        PATTERNS_CACHE,
    ),
    ("ets update_counter", store::COUNT_HOT, STORE),
    ("Agent get_and_update", agent::UPDATE, AGENT),
    ("Task.async+await", task::SPAWN, TASK),
    ("Task.async_stream 8 conc", task::STREAM, TASK),
    (
        "pubsub 100 subs (per delivery)",
        pubsub::TASKS,
        pubsub::WAITING,
    ),
];

/// Reads the raw output of the script: lines that end in `1916.0 ns/op`; others are passed over.
pub(crate) fn read(file: &Path) -> Result<Vec<Line>, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let lines: Vec<Line> = text.lines().filter_map(line).collect();
    if lines.is_empty() {
        Err(format!("{}: no line ends in `ns/op`", file.display()))
    } else {
        Ok(lines)
    }
}

fn line(text: &str) -> Option<Line> {
    let (name, figure) = text
        .trim_end()
        .strip_suffix("ns/op")?
        .trim_end()
        .rsplit_once(' ')?;
    Some(Line {
        name: name.trim().to_owned(),
        nanoseconds: figure.parse().ok()?,
    })
}

/// Ours over the BEAM's, for the scenario in which otp-core was measured.
pub(crate) fn ratio(book: &Book, lines: &[Line], scenario: &str) -> Option<f64> {
    let (name, _, contender) = COUNTERPARTS.iter().find(|(_, ours, _)| *ours == scenario)?;
    let beam = lines.iter().find(|line| line.name == *name)?;
    Some(book.median(scenario, contender)? / beam.nanoseconds)
}

/// The section of the document.
pub(crate) fn section(book: &Book, lines: &[Line]) -> String {
    let mut table = Table::new(&[
        "on the BEAM",
        "ns per operation",
        "here",
        "ns per operation",
        "here ÷ BEAM",
    ]);
    for line in lines {
        let ours = COUNTERPARTS
            .iter()
            .find(|(name, _, _)| *name == line.name)
            .and_then(|(_, scenario, contender)| {
                Some((scenario, contender, book.median(scenario, contender)?))
            });
        let (what, figure, ratio) = match ours {
            Some((scenario, contender, median)) => (
                format!("{contender}: {scenario}"),
                number(median),
                format!("{:.2}", median / line.nanoseconds),
            ),
            None => ("–".to_owned(), "–".to_owned(), "–".to_owned()),
        };
        table.row(&[
            line.name.clone(),
            number(line.nanoseconds),
            what,
            figure,
            ratio,
        ]);
    }
    format!(
        "## Beside the BEAM\n\nThe same work in Elixir on the same machine, in a run of its own. Its `start GenServer` includes a kill for each; ours is the start \
         alone. Its supervisors are given a hundred kills each, for at each restart they go through the list of those within the last seconds. Its `Registry.lookup` has one key, ours 100,000 in either line. A dash: not measured here.\n\n{}",
        table.render()
    )
}
