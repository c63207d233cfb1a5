//! Caches: what a hit and an overwrite cost, on one thread and on two.

use std::hint::black_box;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::hit_ratio;
use crate::book::Book;
use crate::contenders::caches::{self, CacheContender, CacheVisit, QUICK_CACHE};
use crate::harness::random::Random;
use crate::harness::threads::together;
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::comparison;

/// How many keys are in use; the caches have room for twice as many, so that nothing is evicted.
const KEYS: u64 = 100_000;
/// The length of the array of keys, a power of two.
const DRAWN: usize = 1 << 18;

#[derive(Clone, Copy)]
enum Operation {
    Get,
    /// Each key is that of the value before: a lookup begins when the one before it is done.
    Chase,
    Insert,
}

/// Makes a bench of each cache it visits; all runs of one bench share one cache.
struct Collect {
    operation: Operation,
    threads: u64,
    benches: Vec<Bench>,
}

impl CacheVisit for Collect {
    fn visit<C: CacheContender + 'static>(&mut self, build: fn(usize) -> C) {
        let _runtime = runtime::shared().enter();
        let cache = build(2 * KEYS as usize);
        for key in 0..KEYS {
            // One circle through all keys, for `KEYS` and the step have no common factor.
            cache.put(key, (key + 61_803) % KEYS);
        }
        cache.settle();
        let Self {
            operation, threads, ..
        } = *self;
        let name = cache.name();
        let cache = Arc::new(cache);
        self.benches.push(Bench::new(name, move |iterations| {
            vec![measure(&*cache, operation, threads, iterations)]
        }));
    }
}

fn measure<C: CacheContender>(
    cache: &C,
    operation: Operation,
    threads: u64,
    iterations: u64,
) -> Duration {
    let keys = keys();
    together(threads, |thread| {
        let first = thread * DRAWN / 3;
        let mut at = first as u64 % KEYS;
        for n in 0..iterations {
            let key = keys[(first + n as usize) % DRAWN];
            match operation {
                Operation::Get => {
                    black_box(cache.get(key)).expect("every key is there");
                }
                Operation::Chase => {
                    at = cache.get(at).expect("every key is there");
                }
                Operation::Insert => cache.put(key, black_box(n)),
            }
        }
        black_box(at);
    })
}

/// Keys drawn beforehand, so that drawing them is not measured.
fn keys() -> &'static [u64] {
    static KEYS_DRAWN: OnceLock<Vec<u64>> = OnceLock::new();
    KEYS_DRAWN.get_or_init(|| {
        let mut random = Random::new(1);
        (0..DRAWN).map(|_| random.below(KEYS)).collect()
    })
}

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let mut section = format!(
        "## Caches\n\n`u64` to `u64`, {KEYS} keys drawn evenly, room for {}, each cache with its own default hasher, on plain threads. Wall time ÷ \
         operations of all threads. Where keys are known before, the processor looks several up at a time; but not across a reading \
         of its clock, which a time to live takes. Where the next key is the value before, nobody can.\n",
        2 * KEYS
    );
    for (title, operation) in [
        ("get, hit", Operation::Get),
        ("get, hit, the next key is the value", Operation::Chase),
        ("insert over an existing key", Operation::Insert),
    ] {
        for threads in [1, 2] {
            let scenario = format!(
                "{title}, {threads} thread{}",
                if threads == 1 { "" } else { "s" }
            );
            let mut collect = Collect {
                operation,
                threads,
                benches: Vec::new(),
            };
            caches::every(&mut collect);
            let plan = Plan {
                runs: options.runs(7),
                operations: threads,
                iterations: Iterations::Lasting(options.run_time()),
            };
            section += &format!("\n### {scenario}\n\n");
            section += &comparison(
                book,
                &scenario,
                QUICK_CACHE,
                round_robin(&scenario, &collect.benches, plan),
            );
        }
    }
    section + &hit_ratio::run(options, book)
}
