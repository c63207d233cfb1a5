//! How often a bounded cache holds what is asked for, before and after a scan.

use crate::book::Book;
use crate::contenders::caches::{self, CacheContender, CacheVisit};
use crate::harness::random::Random;
use crate::harness::runtime;
use crate::harness::statistics::Runs;
use crate::options::Options;
use crate::report::markdown::Table;

/// The scenario in the book, in percent.
const STEADY: &str = "hit ratio";
/// The scenario in the book, in percent.
const AFTER_SCAN: &str = "hit ratio after a scan";
/// The exponent of the distribution.
const SKEW: f64 = 0.99;

/// So many keys under `keys`, the popular ones often.
fn zipf(keys: usize, length: usize, seed: u64) -> Vec<u64> {
    let mut cumulated = Vec::with_capacity(keys);
    let mut sum = 0.0;
    for rank in 1..=keys {
        sum += (rank as f64).powf(-SKEW);
        cumulated.push(sum);
    }
    let mut random = Random::new(seed);
    (0..length)
        .map(|_| {
            let wanted = random.unit() * sum;
            cumulated.partition_point(|&below| below < wanted) as u64
        })
        .collect()
}

struct Trial<'a> {
    capacity: usize,
    trace: &'a [u64],
    results: Vec<Outcome>,
}

#[derive(Clone, Copy)]
struct Outcome {
    name: &'static str,
    steady: f64,
    after_scan: f64,
    entries: u64,
}

impl CacheVisit for Trial<'_> {
    fn visit<C: CacheContender + 'static>(&mut self, build: fn(usize) -> C) {
        let cache = build(self.capacity);
        // A cache may want to know its runtime; the other ones do not mind.
        let _runtime = runtime::shared().enter();
        let (trace, after) = self.trace.split_at(self.trace.len() - 2 * self.capacity);
        let (warm_up, measured) = trace.split_at(trace.len() / 2);
        hits(&cache, warm_up.iter().copied());
        let steady = hits(&cache, measured.iter().copied());
        let beyond = 1 << 40;
        hits(&cache, beyond..beyond + 10 * self.capacity as u64);
        let after_scan = hits(&cache, after.iter().copied());
        cache.settle();
        self.results.push(Outcome {
            name: cache.name(),
            steady,
            after_scan,
            entries: cache.entries(),
        });
    }
}

/// Asks for each key and puts those that are missing; the hits in percent.
fn hits<C: CacheContender>(cache: &C, keys: impl Iterator<Item = u64>) -> f64 {
    let (mut hits, mut asked) = (0_u64, 0_u64);
    for key in keys {
        asked += 1;
        if cache.get(key).is_some() {
            hits += 1;
        } else {
            cache.put(key, key);
        }
    }
    100.0 * hits as f64 / asked as f64
}

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let capacity = options.size(10_000) as usize;
    let keys = 100 * capacity;
    let length = 200 * capacity;
    let runs = options.runs(5);
    let mut outcomes: Vec<Vec<Outcome>> = Vec::new();
    for seed in 0..runs as u64 {
        let trace = zipf(keys, length, seed);
        let mut trial = Trial {
            capacity,
            trace: &trace,
            results: Vec::new(),
        };
        caches::without_ttl(&mut trial);
        outcomes.push(trial.results);
    }
    eprintln!("hit ratios");
    let mut section = format!(
        "\n### Hit ratio\n\nRoom for {capacity} entries, {length} requests for {keys} keys by a Zipf distribution with exponent {SKEW}; what is missing is put. The \
         first half warms up. Then a scan of {} keys that come once, and the ratio over the {} requests after it. Median of {runs} traces.\n\n",
        10 * capacity,
        2 * capacity
    );
    let mut table = Table::new(&[
        "contender",
        "hits",
        "hits just after a scan",
        "most entries at the end",
    ]);
    for index in 0..outcomes[0].len() {
        let of = |pick: fn(&Outcome) -> f64| {
            Runs::new(outcomes.iter().map(|trial| pick(&trial[index])).collect())
        };
        let (steady, after_scan) = (of(|one| one.steady), of(|one| one.after_scan));
        let name = outcomes[0][index].name;
        table.row(&[
            name.to_owned(),
            format!("{:.1} %", steady.median()),
            format!("{:.1} %", after_scan.median()),
            format!("{:.0}", of(|one| one.entries as f64).max()),
        ]);
        book.enter(STEADY, name, steady);
        book.enter(AFTER_SCAN, name, after_scan);
    }
    section += &table.render();
    section
}
