//! All keys of a directory, and the keys of one process.

use std::hash::RandomState;
use std::hint::black_box;
use std::time::{Duration, Instant};

use otp_core::Pid;

use super::KEYS;
use super::population::Population;
use crate::contenders::OTP;
use crate::contenders::directories::otp::Otp;
use crate::contenders::directories::{self, Directory, Visit};
use crate::harness::counter::until_alive_at_most;
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// From one process whose keys are asked for to the next; it has no divisor in common with the number of keys.
const STRIDE: usize = 7_919;

/// Makes a bench of each directory it visits.
struct Collect {
    population: Population<u64>,
    count: usize,
    benches: Vec<Bench>,
}

impl Visit<u64> for Collect {
    fn visit<D: Directory<u64>>(&mut self) {
        let (directory, count) = (self.population.directory::<D>(), self.count);
        self.benches.push(Bench::new(D::NAME, move |iterations| {
            let started = Instant::now();
            for _ in 0..iterations {
                let listed = black_box(directory.list());
                assert_eq!(listed.len(), count, "every key is there");
            }
            vec![started.elapsed()]
        }));
    }
}

/// The keys of one process after the other.
fn keys_of(directory: &Otp<u64, RandomState>, pids: &[Pid], calls: u64) -> Duration {
    let registry = directory.registry();
    let started = Instant::now();
    for n in 0..calls as usize {
        let keys = registry.keys(&pids[n * STRIDE % pids.len()]);
        assert_eq!(black_box(keys).len(), 1, "it has one key");
    }
    started.elapsed()
}

pub(super) fn run(options: &Options) -> String {
    let count = options.size(KEYS);
    let mut collect = Collect {
        population: Population::new(),
        count: usize::try_from(count).expect("the count fits"),
        benches: Vec::new(),
    };
    directories::every::<u64, RandomState>(&mut collect);
    let directory = collect.population.directory::<Otp<u64, RandomState>>();
    let Collect {
        population,
        benches,
        ..
    } = collect;
    population.fill(count);
    let pids = directory.pids();
    let keys = Bench::new(OTP, move |iterations| {
        vec![keys_of(&directory, &pids, iterations)]
    });
    let plan = |operations| Plan {
        runs: options.runs(7),
        operations,
        iterations: Iterations::Lasting(options.run_time() / 2),
    };
    let mut table = Table::new(&["contender", "ns per entry", "min–max"]);
    for (name, quantities) in round_robin("registry: listing", &benches, plan(count)) {
        let runs = &quantities[0];
        table.row(&[
            name.to_owned(),
            number(runs.median()),
            format!("{}–{}", number(runs.min()), number(runs.max())),
        ]);
    }
    let results = round_robin("registry: keys of a process", &[keys], plan(1));
    let keys = &results[0].1[0];
    drop(benches);
    runtime::run(until_alive_at_most(0));
    format!(
        "### Listing\n\nAll {count} keys, `u64`, into a `Vec`; otp-core's by `select`, which passes over servers that have ended. Nanoseconds for each entry.\n\n{}\n\
         The keys of one process, by `Registry::keys`, where each has one: {} ns ({}–{}).\n",
        table.render(),
        number(keys.median()),
        number(keys.min()),
        number(keys.max())
    )
}
