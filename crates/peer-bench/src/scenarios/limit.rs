//! Rate limits: one for all and by key, allowed and refused, and what a key takes of memory.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{DefaultDirectRateLimiter, RateLimiter as Governor};
use patterns_ratelimit::{KeyedRateLimiter, Quota, RateLimiter};

use crate::book::Book;
use crate::child;
use crate::harness::random::Random;
use crate::harness::statistics::Runs;
use crate::harness::threads::together;
use crate::harness::{Bench, Iterations, Plan, round_robin};
use crate::options::Options;
use crate::report::markdown::{comparison, number};

/// The scenario in the book.
pub(crate) const ALL: &str = "limit: one for all, allowed, 1 thread";
/// The scenario in the book.
pub(crate) const ALL_TWO: &str = "limit: one for all, allowed, 2 threads";
/// The scenario in the book.
pub(crate) const KEYED: &str = "limit: 100000 keys, allowed, 1 thread";
/// The scenario in the book.
pub(crate) const KEYED_TWO: &str = "limit: 100000 keys, allowed, 2 threads";
/// The scenario in the book.
pub(crate) const MEMORY: &str = "limit: memory of a million keys, each";
/// The name of patterns-ratelimit in every table.
pub(crate) const LIMIT: &str = "patterns-ratelimit";
/// The name of governor with the clock that is the system's.
pub(crate) const GOVERNOR: &str = "governor, `MonotonicClock`";
/// The name of governor as it comes.
const GOVERNOR_TSC: &str = "governor, its default clock";

const KEYS: u64 = 100_000;
/// The length of the array of keys, a power of two.
const DRAWN: usize = 1 << 18;

/// Allows all that is asked for, or one and nothing more for an hour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Allowed,
    Refused,
}

impl Asks {
    fn ours(self) -> Quota {
        match self {
            // A token that was taken is back after a second: no key is idle between two of its checks.
            Self::Allowed => Quota::per_second(1).burst(900_000_000),
            Self::Refused => Quota::per_hour(1),
        }
    }

    fn governors(self) -> governor::Quota {
        let some = |tokens| NonZeroU32::new(tokens).expect("it is not zero");
        match self {
            Self::Allowed => governor::Quota::per_second(some(1)).allow_burst(some(900_000_000)),
            Self::Refused => governor::Quota::per_hour(some(1)),
        }
    }
}

type GovernorKeyed =
    Governor<u64, DefaultKeyedStateStore<u64>, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

fn governor_keyed(asks: Asks) -> GovernorKeyed {
    Governor::new(
        asks.governors(),
        DefaultKeyedStateStore::default(),
        MonotonicClock,
    )
}

fn ours_keyed(asks: Asks) -> KeyedRateLimiter<u64> {
    KeyedRateLimiter::new(asks.ours()).expect("the quota is good")
}

/// Fills a limiter of this name with keys; each of them has one token, and that is taken.
pub(crate) fn fill(name: &str, count: u64) -> Option<child::Population> {
    match name {
        child::KEYS_OF_GOVERNOR => {
            let limiter = governor_keyed(Asks::Refused);
            Some(child::keys(count, limiter, |limiter, key| {
                limiter.check_key(&key).is_ok()
            }))
        }
        child::KEYS_OF_OURS => {
            let limiter = ours_keyed(Asks::Refused);
            Some(child::keys(count, limiter, |limiter, key| {
                limiter.allow(&key)
            }))
        }
        _ => None,
    }
}

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let mut section = format!(
        "## Rate limits\n\n{KEYS} `u64` keys drawn evenly, all of them known, on plain threads. Wall time ÷ operations of all threads. Of the time of each check \
         with the system's clock some 25 ns are the reading of it. patterns-ratelimit counts what it allows and refuses; governor does not.\n"
    );
    for (asks, word) in [(Asks::Allowed, "allowed"), (Asks::Refused, "refused")] {
        for (threads, of_threads) in [(1, "1 thread"), (2, "2 threads")] {
            let plan = Plan {
                runs: options.runs(7),
                operations: threads,
                iterations: Iterations::Lasting(options.run_time()),
            };
            let mut scenario = |name: &str, benches: &[Bench]| {
                let figures = round_robin(name, benches, plan);
                section += &format!("\n### {name}\n\n");
                section += &comparison(book, name, GOVERNOR, figures);
            };
            scenario(
                &format!("limit: one for all, {word}, {of_threads}"),
                &for_all(asks, threads),
            );
            scenario(
                &format!("limit: {KEYS} keys, {word}, {of_threads}"),
                &by_key(asks, threads),
            );
        }
    }
    section + &memory(options, book)
}

fn bench(name: &'static str, threads: u64, check: impl Fn(u64) -> bool + Sync + 'static) -> Bench {
    let check = Arc::new(check);
    Bench::new(name, move |iterations| {
        vec![measure(&*check, threads, iterations)]
    })
}

fn measure(check: &(impl Fn(u64) -> bool + Sync), threads: u64, iterations: u64) -> Duration {
    let keys = keys();
    together(threads, |thread| {
        let first = thread * DRAWN / 3;
        for n in 0..iterations {
            black_box(check(keys[(first + n as usize) % DRAWN]));
        }
    })
}

/// Keys drawn beforehand, so that drawing them is not measured.
fn keys() -> &'static [u64] {
    static DRAWN_KEYS: OnceLock<Vec<u64>> = OnceLock::new();
    DRAWN_KEYS.get_or_init(|| {
        let mut random = Random::new(1);
        (0..DRAWN).map(|_| random.below(KEYS)).collect()
    })
}

fn for_all(asks: Asks, threads: u64) -> [Bench; 3] {
    let ours = RateLimiter::new(asks.ours()).expect("the quota is good");
    let governor = Governor::direct_with_clock(asks.governors(), MonotonicClock);
    let governor_tsc: DefaultDirectRateLimiter = Governor::direct(asks.governors());
    [
        bench(GOVERNOR, threads, move |_| governor.check().is_ok()),
        bench(GOVERNOR_TSC, threads, move |_| governor_tsc.check().is_ok()),
        bench(LIMIT, threads, move |_| ours.allow()),
    ]
}

fn by_key(asks: Asks, threads: u64) -> [Bench; 3] {
    let ours = ours_keyed(asks);
    let governor = governor_keyed(asks);
    let governor_tsc = Governor::keyed(asks.governors());
    for key in 0..KEYS {
        assert!(ours.allow(&key));
        assert!(governor.check_key(&key).is_ok() && governor_tsc.check_key(&key).is_ok());
    }
    [
        bench(GOVERNOR, threads, move |key| {
            governor.check_key(&key).is_ok()
        }),
        bench(GOVERNOR_TSC, threads, move |key| {
            governor_tsc.check_key(&key).is_ok()
        }),
        bench(LIMIT, threads, move |key| ours.allow(&key)),
    ]
}

fn memory(options: &Options, book: &mut Book) -> String {
    let count = options.size(1_000_000);
    let runs = options.runs(5);
    let mut section = format!(
        "\n### Memory of {count} `u64` keys\n\nResident memory added by them, divided by their number; each figure from a process of its own, median of {runs}. Keys come one after the other, \
         so it includes what tables that double have to spare.\n\n| contender | bytes per key | min–max | ns per new key |\n|---|---:|---:|---:|\n"
    );
    for (contender, name) in [
        (child::KEYS_OF_GOVERNOR, GOVERNOR),
        (child::KEYS_OF_OURS, LIMIT),
    ] {
        let populations: Vec<_> = (0..runs)
            .map(|_| child::measure(contender, count))
            .collect();
        let bytes: Option<Vec<f64>> = populations
            .iter()
            .map(|one| Some(one.idle? as f64 / count as f64))
            .collect();
        let Some(bytes) = bytes else {
            return section + "\nThis system does not tell a process its resident memory.\n";
        };
        let (bytes, start) = (
            Runs::new(bytes),
            Runs::new(
                populations
                    .iter()
                    .map(|one| one.start.as_nanos() as f64 / count as f64)
                    .collect(),
            ),
        );
        section += &format!(
            "| {name} | {} | {}–{} | {} |\n",
            number(bytes.median()),
            number(bytes.min()),
            number(bytes.max()),
            number(start.median())
        );
        book.enter(MEMORY, name, bytes);
    }
    section
}
