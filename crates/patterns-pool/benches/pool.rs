//! What a checkout and a return cost, beside a pool by hand: a semaphore, and a vector under a mutex.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use patterns_pool::{Manager, Pool, PoolConfig, Shedding};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;

const SIZE: usize = 8;
const TASKS: u64 = 64;
/// How long the overload lasts. What it begins with, until it is noticed, is left out.
const LOAD: Duration = Duration::from_secs(9);

struct Numbers;

impl Manager for Numbers {
    type Member = u64;
    type Error = Infallible;

    async fn create(&self, id: u64) -> Result<u64, Infallible> {
        Ok(id)
    }
}

/// A pool as one writes it by hand.
struct ByHand {
    permits: Semaphore,
    members: Mutex<Vec<u64>>,
}

struct Lent<'a> {
    pool: &'a ByHand,
    member: u64,
    _permit: SemaphorePermit<'a>,
}

impl ByHand {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            permits: Semaphore::new(SIZE),
            members: Mutex::new((0..SIZE as u64).collect()),
        })
    }

    async fn checkout(&self) -> Lent<'_> {
        let permit = self.permits.acquire().await.expect("it is open");
        let member = self.members.lock().expect("not poisoned").pop();
        Lent {
            pool: self,
            member: member.expect("there is one for each permit"),
            _permit: permit,
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut members = self.pool.members.lock().expect("not poisoned");
        members.push(self.member);
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime")
}

/// Runs `work`, which does so many operations, in so many tasks at the same time.
fn bench<W, F>(c: &mut Criterion, name: &str, runtime: &Runtime, tasks: u64, work: W)
where
    W: Fn(u64) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    c.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            runtime.block_on(async {
                let start = Instant::now();
                let running: Vec<_> = (0..tasks)
                    .map(|_| tokio::spawn(work(iterations.div_ceil(tasks))))
                    .collect();
                for task in running {
                    task.await.expect("it does not panic");
                }
                start.elapsed()
            })
        });
    });
}

fn pools(c: &mut Criterion) {
    let runtime = runtime();
    let config = || PoolConfig {
        size: SIZE,
        ..PoolConfig::default()
    };
    let start = |config| {
        runtime
            .block_on(Pool::start(config, Numbers))
            .expect("a pool")
    };
    let plain = start(config());
    let watched = start(PoolConfig {
        max_lifetime: Some(Duration::from_secs(3_600)),
        check_interval: Some(Duration::from_secs(60)),
        leak_after: Some(Duration::from_secs(60)),
        shedding: Some(Shedding::default()),
        ..config()
    });
    let by_hand = ByHand::new();
    for (name, tasks, busy) in [
        ("one task", 1, false),
        ("64 tasks", TASKS, false),
        ("64 tasks that await with it", TASKS, true),
    ] {
        for (kind, pool) in [("pool", &plain), ("pool with all options", &watched)] {
            bench(c, &format!("{name}, {kind}"), &runtime, tasks, |times| {
                let pool = pool.clone();
                async move {
                    for _ in 0..times {
                        let member = pool.checkout().await.expect("there is one");
                        if busy {
                            yield_now().await;
                        }
                        black_box(*member);
                    }
                }
            });
        }
        bench(c, &format!("{name}, by hand"), &runtime, tasks, |times| {
            let pool = Arc::clone(&by_hand);
            async move {
                for _ in 0..times {
                    let member = pool.checkout().await;
                    if busy {
                        yield_now().await;
                    }
                    black_box(member.member);
                }
            }
        });
    }
}

/// What becomes of waiting at twice the load that the pool can bear, in real time.
fn overload(_: &mut Criterion) {
    let runtime = runtime();
    let config = PoolConfig {
        size: SIZE,
        shedding: Some(Shedding::default()),
        ..PoolConfig::default()
    };
    let waits = runtime.block_on(async {
        let pool = Pool::start(config, Numbers).await.expect("a pool");
        let (begun, mut tasks) = (Instant::now(), Vec::new());
        let mut beat = tokio::time::interval(Duration::from_millis(5));
        while begun.elapsed() < LOAD {
            beat.tick().await;
            // 8 members for 20 ms each serve two in 5 ms.
            for _ in 0..4 {
                let pool = pool.clone();
                tasks.push(tokio::spawn(async move {
                    let came = Instant::now();
                    let member = pool.checkout().await.ok()?;
                    let waited = came.elapsed();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    drop(member);
                    (came.duration_since(begun) > LOAD / 3).then_some(waited)
                }));
            }
        }
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await.expect("it does not panic"));
        }
        waits.sort_unstable();
        waits
    });
    let p99 = waits[waits.len() * 99 / 100];
    println!(
        "overload, twice what the pool can bear: {} admitted, p99 of their wait {p99:?}, target 50 ms",
        waits.len()
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = pools, overload
}
criterion_main!(benches);
