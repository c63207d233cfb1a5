//! What a read and a write cost: 100,000 `u64` keys in random order, 1 and 2 threads.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use patterns_cache::{Cache, CacheConfig, Loaded};

const KEYS: u64 = 100_000;

/// Starts a cache and fills it with all keys.
fn filled(config: CacheConfig) -> Cache<u64, u64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    // Nothing is swept here, so the cache can do without its process.
    let cache = runtime
        .expect("a runtime")
        .block_on(Cache::start(config))
        .expect("a cache");
    cache.extend((0..KEYS).map(|key| (key, key)));
    cache
}

/// All keys in a random order, which is the same in each run.
fn shuffled() -> Vec<u64> {
    let mut keys: Vec<u64> = (0..KEYS).collect();
    let mut random = 0x853C_49E6_748F_EA9B_u64;
    for last in (1..keys.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        keys.swap(
            last,
            usize::try_from(random % (last as u64 + 1)).expect("it is small"),
        );
    }
    keys
}

/// Measures `work` on one key at a time, in each of 1 and 2 threads: the time that one call takes.
fn bench(c: &mut Criterion, name: &str, work: impl Fn(u64) + Sync) {
    let keys = shuffled();
    let mut group = c.benchmark_group(name);
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|iterations| {
                let start = Instant::now();
                thread::scope(|scope| {
                    for thread in 0..threads {
                        let (keys, work) = (&keys, &work);
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
    let plain = filled(CacheConfig::default());
    bench(c, "get, hit", |key| {
        black_box(plain.get(&black_box(key)));
    });
    bench(c, "get, miss", |key| {
        black_box(plain.get(&black_box(key + KEYS)));
    });

    let bound = CacheConfig {
        max_entries: Some(200_000),
        ..CacheConfig::default()
    };
    let bounded = filled(bound.clone());
    bench(c, "get, hit, bounded", |key| {
        black_box(bounded.get(&black_box(key)));
    });

    let hour = Some(Duration::from_secs(3_600));
    let timed = filled(CacheConfig {
        default_ttl: hour,
        ..bound.clone()
    });
    bench(c, "get, hit, bounded, with a time to live", |key| {
        black_box(timed.get(&black_box(key)));
    });
    let idle = filled(CacheConfig {
        time_to_idle: hour,
        ..bound
    });
    bench(c, "get, hit, bounded, with a time to idle", |key| {
        black_box(idle.get(&black_box(key)));
    });
    bench(c, "get_or_load, hit", |key| {
        let load = async || Ok::<_, Infallible>(0);
        let got = pin!(plain.get_or_load(&key, load));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(black_box(got.poll(&mut cx)).is_ready());
    });
}

/// A load that is there at once: what the flight itself costs.
fn loads(c: &mut Criterion) {
    let plain = filled(CacheConfig::default());
    bench(c, "get_or_load, miss, not kept", |key| {
        let load = async || Ok::<_, Infallible>(Loaded::with_ttl(0, Duration::ZERO));
        let key = key + KEYS;
        let got = pin!(plain.get_or_load(&key, load));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(black_box(got.poll(&mut cx)).is_ready());
    });
}

fn writes(c: &mut Criterion) {
    let plain = filled(CacheConfig::default());
    bench(c, "put, overwrite", |key| {
        black_box(plain.put(black_box(key), key));
    });

    let half = CacheConfig {
        max_entries: Some(50_000),
        ..CacheConfig::default()
    };
    let half = filled(half);
    bench(c, "put, bounded to half of the keys", |key| {
        black_box(half.put(black_box(key), key));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = reads, writes, loads
}
criterion_main!(benches);
