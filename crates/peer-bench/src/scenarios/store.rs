//! Tables: reads, counters, ranges, and what asking the owner costs.

use std::hint::black_box;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use patterns_store::{OrderedSet, Store, StoreConfig, Table, TableConfig, TableOwner};

use crate::book::Book;
use crate::contenders::stores::{self, DASHMAP_DEFAULT, STORE, StoreContender, StoreVisit};
use crate::harness::random::Random;
use crate::harness::threads::together;
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::comparison;

/// The scenario in the book.
pub(crate) const READ: &str = "table: read, 1 thread";
/// The scenario in the book.
pub(crate) const READ_TWO: &str = "table: read, 2 threads";
/// The scenario in the book: one hot key.
pub(crate) const COUNT_HOT: &str = "table: counter, one hot key, 1 thread";
/// The scenario in the book: one hot key.
pub(crate) const COUNT_HOT_TWO: &str = "table: counter, one hot key, 2 threads";
/// The scenario in the book.
pub(crate) const COUNT_MANY: &str = "table: counter, 100000 keys, 1 thread";
/// The scenario in the book.
pub(crate) const COUNT_MANY_TWO: &str = "table: counter, 100000 keys, 2 threads";
/// The scenario in the book: both ways of reading patterns-store.
pub(crate) const OWNER: &str = "table: read directly and through the owner";
/// The contender that asks the owner.
pub(crate) const THROUGH_OWNER: &str = "patterns-store, through the owner";

const KEYS: u64 = 100_000;
/// The length of the array of keys, a power of two.
const DRAWN: usize = 1 << 18;

#[derive(Clone, Copy)]
enum Operation {
    Read,
    CountHot,
    CountMany,
}

struct Collect {
    operation: Operation,
    threads: u64,
    benches: Vec<Bench>,
}

impl StoreVisit for Collect {
    fn visit<C: StoreContender>(&mut self, build: fn() -> C) {
        let table = Arc::new(build());
        for key in 0..KEYS {
            table.put(key, key);
        }
        let Self {
            operation, threads, ..
        } = *self;
        self.benches
            .push(Bench::new(table.name(), move |iterations| {
                vec![measure(&*table, operation, threads, iterations)]
            }));
    }
}

fn measure<C: StoreContender>(
    table: &C,
    operation: Operation,
    threads: u64,
    iterations: u64,
) -> Duration {
    let keys = keys();
    together(threads, |thread| {
        let first = thread * DRAWN / 3;
        for n in 0..iterations {
            let key = keys[(first + n as usize) % DRAWN];
            match operation {
                Operation::Read => {
                    black_box(table.get(key)).expect("every key is there");
                }
                Operation::CountHot => {
                    black_box(table.count(KEYS / 2));
                }
                Operation::CountMany => {
                    black_box(table.count(key));
                }
            }
        }
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
        "## Tables\n\n`u64` to `u64`, {KEYS} keys drawn evenly, each table with its own default hasher (foldhash for patterns-store) but where another is named, \
         on plain threads. Wall time ÷ operations of all threads. A read of patterns-store counts a hit and finds out whether the table is still \
         there.\n"
    );
    for (scenario, operation, threads) in [
        (READ, Operation::Read, 1),
        (READ_TWO, Operation::Read, 2),
        (COUNT_HOT, Operation::CountHot, 1),
        (COUNT_HOT_TWO, Operation::CountHot, 2),
        (COUNT_MANY, Operation::CountMany, 1),
        (COUNT_MANY_TWO, Operation::CountMany, 2),
    ] {
        let mut collect = Collect {
            operation,
            threads,
            benches: Vec::new(),
        };
        stores::every(&mut collect);
        let plan = Plan {
            runs: options.runs(7),
            operations: threads,
            iterations: Iterations::Lasting(options.run_time()),
        };
        section += &format!("\n### {scenario}\n\n");
        section += &comparison(
            book,
            scenario,
            DASHMAP_DEFAULT,
            round_robin(scenario, &collect.benches, plan),
        );
    }
    section += &through_the_owner(options, book);
    section + &ranges(options, book)
}

fn through_the_owner(options: &Options, book: &mut Book) -> String {
    let store: Store<u64, u64> = runtime::run(async {
        let store = Store::start(StoreConfig::default()).await;
        let store = store.expect("the store starts");
        for key in 0..KEYS {
            store.put(key, key).await.expect("it is open");
        }
        store
    });
    let table = store.table();
    let benches = [
        Bench::new(STORE, move |iterations| {
            let table = table.clone();
            let body = async move {
                let begun = Instant::now();
                for n in 0..iterations {
                    black_box(table.get(&keys()[n as usize % DRAWN])).expect("it is open");
                }
                begun.elapsed()
            };
            vec![runtime::run(body)]
        }),
        Bench::new(THROUGH_OWNER, move |iterations| {
            let store = store.clone();
            let body = async move {
                let begun = Instant::now();
                for n in 0..iterations {
                    let found = store.get(keys()[n as usize % DRAWN]).await;
                    black_box(found).expect("it is open");
                }
                begun.elapsed()
            };
            vec![runtime::run(body)]
        }),
    ];
    let plan = Plan {
        runs: options.runs(7),
        operations: 1,
        iterations: Iterations::Lasting(options.run_time()),
    };
    let figures = round_robin(OWNER, &benches, plan);
    format!("\n### {OWNER}\n\n") + &comparison(book, OWNER, STORE, figures)
}

/// Ranges of a hundred rows in ordered tables of growing size.
fn ranges(options: &Options, book: &mut Book) -> String {
    const ROWS: u64 = 100;
    const SIZES: [(&str, u64); 4] = [
        ("1000 rows", 1_000),
        ("10000 rows", 10_000),
        ("100000 rows", 100_000),
        ("1000000 rows", 1_000_000),
    ];
    let scenario = "table: a range of 100 rows of an ordered set, per row";
    let benches = SIZES.map(|(name, size)| {
        let owner: TableOwner<u64, u64, OrderedSet> =
            TableOwner::new(TableConfig::default()).expect("the options are good");
        for key in 0..size {
            owner.put(key, key).expect("it is open");
        }
        let table: Table<u64, u64, OrderedSet> = owner.table();
        Bench::new(name, move |iterations| {
            let _owner = &owner;
            let mut random = Random::new(2);
            let begun = Instant::now();
            for _ in 0..iterations {
                let from = random.below(size - ROWS);
                let rows = table.range(from..from + ROWS).expect("it is open");
                assert_eq!(black_box(rows).len() as u64, ROWS);
            }
            vec![begun.elapsed()]
        })
    });
    let plan = Plan {
        runs: options.runs(7),
        operations: ROWS,
        iterations: Iterations::Lasting(options.run_time()),
    };
    let figures = round_robin(scenario, &benches, plan);
    format!("\n### {scenario}\n\n") + &comparison(book, scenario, SIZES[0].0, figures)
}
