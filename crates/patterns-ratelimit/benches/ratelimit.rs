//! What a check costs: one limiter for all and 100,000 `u64` keys in random order, allowed and refused, 1 and 2 threads.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use patterns_ratelimit::{KeyedRateLimiter, Level, Quota, RateLimiter, consume_all};

const KEYS: u64 = 100_000;

/// Allows all that a bench asks for.
const PLENTY: Quota = Quota::per_second(1_000).burst(u32::MAX);
/// Allows one, and nothing more for an hour.
const NONE: Quota = Quota::per_hour(1);

/// Numbers below `KEYS`, in an order without a pattern.
struct Random(u64);

impl Random {
    fn key(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % KEYS
    }
}

/// Measures `work` on one key at a time, in each of 1 and 2 threads: the time that one call takes.
fn bench(c: &mut Criterion, name: &str, work: impl Fn(u64) + Sync) {
    let mut group = c.benchmark_group(name);
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|iterations| {
                let start = Instant::now();
                thread::scope(|scope| {
                    for thread in 0..threads {
                        let work = &work;
                        scope.spawn(move || {
                            let mut random = Random(0x853C_49E6_748F_EA9B + thread);
                            for _ in 0..iterations {
                                work(random.key());
                            }
                        });
                    }
                });
                start.elapsed() / u32::try_from(threads).expect("it is small")
            });
        });
    }
    group.finish();
}

fn limiter(quota: Quota) -> RateLimiter {
    RateLimiter::new(quota).expect("the quota is good")
}

fn keyed(quota: Quota) -> KeyedRateLimiter<u64> {
    let limiter = KeyedRateLimiter::new(quota).expect("the quota is good");
    for key in 0..KEYS {
        assert!(limiter.allow(&key));
    }
    limiter
}

fn global(c: &mut Criterion) {
    for (name, quota) in [
        ("one for all, allowed", PLENTY),
        ("one for all, refused", NONE),
    ] {
        let limiter = limiter(quota);
        bench(c, name, |_| {
            black_box(limiter.allow());
        });
    }
    let changed = limiter(NONE);
    changed.set_quota(PLENTY).expect("the quota is good");
    bench(c, "one for all, after a change of quota", |_| {
        black_box(changed.allow());
    });
}

fn by_key(c: &mut Criterion) {
    for (name, quota) in [("keyed, allowed", PLENTY), ("keyed, refused", NONE)] {
        let limiter = keyed(quota);
        bench(c, name, |key| {
            black_box(limiter.allow(&key));
        });
    }
    // Each key is idle when it comes by again, and forgotten by then as a rule.
    let fleeting = keyed(Quota::new(1, 1, std::time::Duration::from_micros(1)));
    bench(c, "keyed, forgotten and new again", |key| {
        black_box(fleeting.allow(&key));
    });
}

fn levels(c: &mut Criterion) {
    let (users, tenants, all) = (keyed(PLENTY), keyed(PLENTY), limiter(PLENTY));
    bench(c, "three levels, allowed", |key| {
        let tenant = key % 100;
        let (user, tenant) = (users.at(&key), tenants.at(&tenant));
        let levels: [&dyn Level; 3] = [&user, &tenant, &all];
        black_box(consume_all(levels, 1).is_ok());
    });
}

criterion_group!(benches, global, by_key, levels);
criterion_main!(benches);
