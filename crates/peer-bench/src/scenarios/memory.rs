//! The memory of an idle actor, and a million of them.

use crate::book::Book;
use crate::child::{self, Population};
use crate::contenders::{FLOOR, OTP, PEERS};
use crate::harness::statistics::Runs;
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// The scenario in the book, in bytes per actor.
pub(crate) const IDLE: &str = "idle memory";
/// The scenario in the book, in bytes for all.
pub(crate) const MILLION_MEMORY: &str = "one million: memory";
/// The scenario in the book, in nanoseconds per actor.
pub(crate) const MILLION_START: &str = "one million: start";
/// The scenario in the book, in nanoseconds per actor.
pub(crate) const MILLION_STOP: &str = "one million: stop";
/// The scenario in the book: a tenth of a million, in nanoseconds per actor.
pub(crate) const FRESH_START: &str = "start in a fresh process";
/// The scenario in the book: a tenth of a million, in nanoseconds per actor.
pub(crate) const FRESH_STOP: &str = "stop in a fresh process";

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let count = options.size(100_000);
    let runs = options.runs(5);
    let mut contenders = floor_and_otp();
    contenders.extend(PEERS);
    let mut section = format!(
        "## Memory\n\nResident memory added by {count} actors with eight bytes of state, divided by their number; it includes the address that is kept of \
         each. Each figure comes from a process of its own, median of {runs}; starting is dearer there than in the table \
         above, because the memory comes from the system.\n\n"
    );
    let mut table = Table::new(&[
        "contender",
        "bytes per idle actor",
        "min–max",
        "÷ floor",
        "after one call each",
        "start, ns",
        "stop, ns",
    ]);
    let mut floor = None;
    for (contender, populations) in populations(&contenders, count, runs) {
        let per_actor = |pick: fn(&Population) -> Option<u64>| -> Option<Runs> {
            let figures: Option<Vec<f64>> = populations
                .iter()
                .map(|one| Some(pick(one)? as f64 / count as f64))
                .collect();
            figures.map(Runs::new)
        };
        let (Some(idle), Some(called)) = (per_actor(|one| one.idle), per_actor(|one| one.called))
        else {
            return section + "This system does not tell a process its resident memory.\n";
        };
        let start = per_each(&populations, count, |one| one.start.as_nanos());
        let stop = per_each(&populations, count, |one| one.stop.as_nanos());
        let floor = *floor.get_or_insert(idle.median());
        table.row(&[
            contender.to_owned(),
            number(idle.median()),
            format!("{}–{}", number(idle.min()), number(idle.max())),
            format!("{:.2}", idle.median() / floor),
            number(called.median()),
            number(start.median()),
            number(stop.median()),
        ]);
        book.enter(FRESH_START, contender, start);
        book.enter(FRESH_STOP, contender, stop);
        book.enter(IDLE, contender, idle);
    }
    eprintln!("memory of {count} actors: {} contenders", contenders.len());
    section += &table.render();
    section + &million(options, book)
}

fn million(options: &Options, book: &mut Book) -> String {
    let count = options.size(1_000_000);
    let runs = options.runs(5);
    let mut section = format!(
        "\n### {count} live actors\n\nEach figure from a process of its own, median of {runs}.\n\n"
    );
    let mut table = Table::new(&[
        "contender",
        "start all",
        "ns each",
        "memory",
        "stop all",
        "ns each",
    ]);
    for (contender, populations) in populations(&floor_and_otp(), count, runs) {
        let start = per_each(&populations, count, |one| one.start.as_nanos());
        let stop = per_each(&populations, count, |one| one.stop.as_nanos());
        let memory = Runs::new(
            populations
                .iter()
                .map(|one| one.idle.unwrap_or_default() as f64)
                .collect(),
        );
        table.row(&[
            contender.to_owned(),
            format!("{:.2} s", start.median() * count as f64 / 1e9),
            number(start.median()),
            format!("{} MB", number(memory.median() / 1e6)),
            format!("{:.2} s", stop.median() * count as f64 / 1e9),
            number(stop.median()),
        ]);
        book.enter(MILLION_START, contender, start);
        book.enter(MILLION_STOP, contender, stop);
        book.enter(MILLION_MEMORY, contender, memory);
    }
    eprintln!("{count} live actors");
    section += &table.render();
    section
}

fn floor_and_otp() -> Vec<&'static str> {
    if cfg!(feature = "otp") {
        vec![FLOOR, OTP]
    } else {
        vec![FLOOR]
    }
}

/// Measures each contender `runs` times in turn.
fn populations(
    contenders: &[&'static str],
    count: u64,
    runs: usize,
) -> Vec<(&'static str, Vec<Population>)> {
    let mut results: Vec<(&'static str, Vec<Population>)> =
        contenders.iter().map(|name| (*name, Vec::new())).collect();
    for _ in 0..runs {
        for (contender, populations) in &mut results {
            populations.push(child::measure(contender, count));
        }
    }
    results
}

fn per_each(populations: &[Population], count: u64, pick: fn(&Population) -> u128) -> Runs {
    Runs::new(
        populations
            .iter()
            .map(|one| pick(one) as f64 / count as f64)
            .collect(),
    )
}
