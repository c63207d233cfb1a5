//! What direct reads, counters and ranges cost, beside dashmap; 1 and 2 threads.

use std::hint::black_box;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dashmap::DashMap;
use hashbrown::DefaultHashBuilder;
use patterns_store::{Access, OrderedSet, Store, StoreConfig, TableConfig, TableOwner};

const KEYS: u64 = 100_000;

fn public() -> TableConfig {
    TableConfig {
        access: Access::Public,
        ..TableConfig::default()
    }
}

/// All keys in a random order, which is the same in each run.
fn shuffled(keys: Range<u64>) -> Vec<u64> {
    let mut keys: Vec<u64> = keys.collect();
    let mut random = 0x853C_49E6_748F_EA9B_u64;
    for last in (1..keys.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let other = usize::try_from(random % (last as u64 + 1)).expect("it is small");
        keys.swap(last, other);
    }
    keys
}

/// Measures `work` on one key at a time, in each of 1 and 2 threads: the time that one call takes.
fn bench(c: &mut Criterion, group: &str, name: &str, keys: &[u64], work: impl Fn(u64) + Sync) {
    let mut group = c.benchmark_group(group);
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new(name, threads), |bencher| {
            bencher.iter_custom(|iterations| {
                let start = Instant::now();
                thread::scope(|scope| {
                    for thread in 0..threads {
                        let work = &work;
                        let from = thread * keys.len() / threads;
                        let cycle = keys[from..].iter().chain(keys).cycle();
                        scope.spawn(move || {
                            let iterations = usize::try_from(iterations).expect("it is small");
                            cycle.copied().take(iterations).for_each(work);
                        });
                    }
                });
                start.elapsed()
            });
        });
    }
    group.finish();
}

fn reads(c: &mut Criterion) {
    let keys = shuffled(0..KEYS);
    let owner: TableOwner<u64, u64> = TableOwner::new(public()).expect("good options");
    let dash = DashMap::new();
    let dash_fold = DashMap::with_hasher(DefaultHashBuilder::default());
    for key in 0..KEYS {
        owner.put(key, key).expect("it is open");
        dash.insert(key, key);
        dash_fold.insert(key, key);
    }
    let table = owner.table();
    for (group, keys) in [("read, 100k keys", &keys[..]), ("read, one key", &[7])] {
        bench(c, group, "table get", keys, |key| {
            black_box(table.get(&black_box(key)).expect("it is open"));
        });
        bench(c, group, "table with", keys, |key| {
            black_box(table.with(&black_box(key), |value| *value)).expect("it is open");
        });
        bench(c, group, "dashmap", keys, |key| {
            black_box(dash.get(&black_box(key)).map(|value| *value));
        });
        bench(c, group, "dashmap, foldhash", keys, |key| {
            black_box(dash_fold.get(&black_box(key)).map(|value| *value));
        });
    }
}

fn counters(c: &mut Criterion) {
    let keys = shuffled(0..KEYS);
    let owner: TableOwner<u64, u64> = TableOwner::new(public()).expect("good options");
    let dash: DashMap<u64, u64> = DashMap::new();
    let dash_fold: DashMap<u64, u64, _> = DashMap::with_hasher(DefaultHashBuilder::default());
    let table = owner.table();
    for (group, keys) in [("count, 100k keys", &keys[..]), ("count, one key", &[7])] {
        bench(c, group, "update_counter", keys, |key| {
            black_box(table.update_counter(&black_box(key), 1)).expect("it is open");
        });
        bench(c, group, "dashmap entry", keys, |key| {
            *dash.entry(black_box(key)).or_insert(0) += 1;
        });
        bench(c, group, "dashmap entry, foldhash", keys, |key| {
            *dash_fold.entry(black_box(key)).or_insert(0) += 1;
        });
    }
}

fn writes(c: &mut Criterion) {
    let keys = shuffled(0..KEYS);
    let owner: TableOwner<u64, u64> = TableOwner::new(public()).expect("good options");
    let dash: DashMap<u64, u64> = DashMap::new();
    let table = owner.table();
    bench(c, "put, 100k keys", "table", &keys, |key| {
        black_box(table.put(black_box(key), key)).expect("it is open");
    });
    bench(c, "put, 100k keys", "dashmap", &keys, |key| {
        black_box(dash.insert(black_box(key), key));
    });
}

/// 100 rows of ever larger tables: their number is all that should count, but for a search.
fn ranges(c: &mut Criterion) {
    let mut group = c.benchmark_group("range of 100 rows");
    for size in [1_000, 10_000, 100_000, 1_000_000] {
        let owner: TableOwner<u64, u64, OrderedSet> =
            TableOwner::new(TableConfig::default()).expect("good options");
        for key in 0..size {
            owner.put(key, key).expect("it is open");
        }
        let starts = shuffled(0..size - 100);
        let mut starts = starts.iter().copied().cycle();
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let start = starts.next().expect("it goes round");
                black_box(owner.range(start..start + 100)).expect("it is open")
            });
        });
    }
    group.finish();
}

fn through_owner(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let store: Store<u64, u64> = runtime
        .block_on(Store::start(StoreConfig::default()))
        .expect("a store");
    runtime.block_on(store.put(7, 7)).expect("it is open");
    c.bench_function("read through the owner", |bencher| {
        bencher.iter_custom(|iterations| {
            runtime.block_on(async {
                let start = Instant::now();
                for _ in 0..iterations {
                    black_box(store.get(black_box(7)).await).expect("it is open");
                }
                start.elapsed()
            })
        });
    });
    c.bench_function("fetch", |bencher| {
        bencher.iter(|| black_box(store.fetch(&black_box(7))).expect("it is open"));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = reads, counters, writes, ranges, through_owner
}
criterion_main!(benches);
