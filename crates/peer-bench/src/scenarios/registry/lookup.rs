//! The address of a worker by its key, on one thread and on two.

use std::hash::RandomState;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use super::KEYS;
use super::population::Population;
use crate::book::Book;
use crate::contenders::directories::{self, Directory, Hasher, Key, Visit};
use crate::harness::counter::until_alive_at_most;
use crate::harness::random::Random;
use crate::harness::statistics::Runs;
use crate::harness::threads::together;
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// The length of the array of keys that are looked up, a power of two.
const DRAWN: usize = 1 << 18;
/// On so many threads.
const THREADS: [u64; 2] = [1, 2];

/// Makes a bench of each directory it visits, for each number of threads; they share one directory.
struct Collect<K> {
    population: Population<K>,
    drawn: Arc<[K]>,
    benches: [Vec<Bench>; THREADS.len()],
}

impl<K: Key> Visit<K> for Collect<K> {
    fn visit<D: Directory<K>>(&mut self) {
        let directory = self.population.directory::<D>();
        for (threads, benches) in THREADS.into_iter().zip(&mut self.benches) {
            let (directory, drawn) = (Arc::clone(&directory), Arc::clone(&self.drawn));
            benches.push(Bench::new(D::NAME, move |iterations| {
                vec![measure(&*directory, &drawn, threads, iterations)]
            }));
        }
    }
}

fn measure<K: Key, D: Directory<K>>(
    directory: &D,
    drawn: &[K],
    threads: u64,
    iterations: u64,
) -> Duration {
    together(threads, |thread| {
        let first = thread * DRAWN / 3;
        for n in 0..iterations {
            let key = &drawn[(first + n as usize) % DRAWN];
            let found = directory.find(black_box(key));
            black_box(found).expect("every key is there");
        }
    })
}

/// The rows of one hasher; the first one is what the others are compared with.
fn rows<K: Key, S: Hasher>(options: &Options, book: &mut Book, table: &mut Table) {
    let count = options.size(KEYS);
    let mut random = Random::new(1);
    let mut collect = Collect {
        population: Population::new(),
        drawn: (0..DRAWN).map(|_| K::new(random.below(count))).collect(),
        benches: [Vec::new(), Vec::new()],
    };
    directories::every::<K, S>(&mut collect);
    let Collect {
        population,
        benches,
        ..
    } = collect;
    population.fill(count);
    let results = THREADS.into_iter().zip(&benches).map(|(threads, benches)| {
        let plan = Plan {
            runs: options.runs(5),
            operations: threads,
            // Half as long as elsewhere: there are many of them.
            iterations: Iterations::Lasting(options.run_time() / 2),
        };
        let word = if threads == 1 { "thread" } else { "threads" };
        let scenario = format!(
            "registry: lookup, {}, {}, {threads} {word}",
            K::NAME,
            S::NAME
        );
        let results = round_robin(&scenario, benches, plan);
        for (name, quantities) in &results {
            book.enter(&scenario, name, quantities[0].clone());
        }
        results
    });
    let results: Vec<_> = results.collect();
    for (row, (name, _)) in results[0].iter().enumerate() {
        let mut cells = vec![format!("{name}, {}", S::NAME)];
        for of_threads in &results {
            let runs: &Runs = &of_threads[row].1[0];
            cells.push(number(runs.median()));
            cells.push(format!("{}–{}", number(runs.min()), number(runs.max())));
            let base = of_threads[0].1[0].median();
            cells.push(format!("{:.2}", runs.median() / base));
        }
        table.row(&cells);
    }
    // The servers go with the directories.
    drop(benches);
    runtime::run(until_alive_at_most(0));
}

fn table<K: Key>(options: &Options, book: &mut Book) -> String {
    let mut table = Table::new(&[
        "contender, hasher",
        "1 thread, ns",
        "min–max",
        "÷ dashmap",
        "2 threads, ns",
        "min–max",
        "÷ dashmap",
    ]);
    rows::<K, RandomState>(options, book, &mut table);
    rows::<K, foldhash::fast::RandomState>(options, book, &mut table);
    format!("\n#### Keys: {}\n\n{}", K::NAME, table.render())
}

pub(super) fn run(options: &Options, book: &mut Book) -> String {
    let mut section = format!(
        "### Lookup\n\nThe address of a worker by its key, one of {KEYS}, drawn evenly, and its release; wall time ÷ operations of all threads. otp-core's is `whereis`, which gives a \
         `ServerRef` of a living server. The maps are what one would take by hand, with an `Arc` of eight bytes under each key, or with the `ServerRef` of a server that nobody takes \
         out when it ends; they are filled key by key, all in turn, so that all have their things in the same part of memory. Ratios are to dashmap with the same hasher. Strings have 20 bytes.\n"
    );
    section += &table::<u64>(options, book);
    section += &table::<String>(options, book);
    section
}
