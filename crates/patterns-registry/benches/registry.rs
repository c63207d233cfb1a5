//! What a lookup, a start on demand and a listing cost, beside `dashmap`'s get and clone with the same hasher, and a start of
//! `otp_core`.

use std::hash::Hash;
use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dashmap::DashMap;
use hashbrown::DefaultHashBuilder;
use otp_core::DynamicSupervisor;
use patterns_registry::{
    Child, Context, ExitReason, GenServer, RegistryConfig, ReplyTo, Restart, WorkerRegistry,
};
use tokio::runtime::{Builder, Runtime};

const KEYS: u64 = 100_000;

struct Echo(u64);

struct Get(ReplyTo<u64>);

impl GenServer for Echo {
    type Msg = Get;

    async fn handle(&mut self, Get(reply): Get, _: &mut Context<Get>) -> Result<(), ExitReason> {
        reply.send(self.0);
        Ok(())
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime")
}

/// Runs `work` in a task of its own, as a program would, not in `block_on`.
fn in_task<T: Send + 'static>(
    runtime: &Runtime,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    runtime.block_on(async { tokio::spawn(work).await.expect("the work") })
}

/// A key of twenty bytes.
fn text(key: u64) -> String {
    format!("customer-{key:011}")
}

/// All keys in a random order, which is the same in each run.
fn shuffled() -> Vec<u64> {
    let mut keys: Vec<u64> = (0..KEYS).collect();
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
fn bench_keys<K: Sync>(c: &mut Criterion, name: &str, keys: &[K], work: impl Fn(&K) + Sync) {
    let mut group = c.benchmark_group(name);
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|iterations| {
                let start = Instant::now();
                thread::scope(|scope| {
                    for thread in 0..threads {
                        let work = &work;
                        let from = thread * keys.len() / threads;
                        let cycle = keys[from..].iter().chain(keys).cycle();
                        scope.spawn(move || {
                            let iterations = usize::try_from(iterations).expect("it is small");
                            cycle.take(iterations).for_each(work);
                        });
                    }
                });
                start.elapsed()
            });
        });
    }
    group.finish();
}

async fn filled<K>(keys: Vec<K>) -> WorkerRegistry<K, Get>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
{
    let registry = WorkerRegistry::start(RegistryConfig::default(), |_: &K| Echo(0));
    let registry = registry.await.expect("a registry");
    for key in &keys {
        registry.start_worker(key).await.expect("a worker");
    }
    registry
}

/// Beside a map of the same addresses, which is what a program would have without a registry, and one of small things.
fn lookups_of<K>(c: &mut Criterion, name: &str, key_of: fn(u64) -> K)
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
{
    let runtime = runtime();
    let registry = in_task(&runtime, filled((0..KEYS).map(key_of).collect()));
    let addresses = DashMap::with_hasher(DefaultHashBuilder::default());
    let numbers = DashMap::with_hasher(DefaultHashBuilder::default());
    for number in 0..KEYS {
        let key = key_of(number);
        let server = registry.lookup(&key).expect("it was started");
        addresses.insert(key.clone(), server);
        numbers.insert(key, Arc::new(number));
    }
    let keys: Vec<K> = shuffled().into_iter().map(key_of).collect();
    bench_keys(c, &format!("lookup, {name}"), &keys, |key| {
        black_box(registry.lookup(black_box(key)));
    });
    let of_addresses = format!("dashmap get of the same addresses, {name}");
    bench_keys(c, &of_addresses, &keys, |key| {
        black_box(addresses.get(black_box(key)).map(|found| found.clone()));
    });
    let of_numbers = format!("dashmap get of an Arc of a number, {name}");
    bench_keys(c, &of_numbers, &keys, |key| {
        black_box(numbers.get(black_box(key)).map(|found| Arc::clone(&found)));
    });
}

fn lookups(c: &mut Criterion) {
    lookups_of(c, "u64", |key| key);
    lookups_of(c, "20-byte String", text);
}

fn starts(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("start");
    group.bench_function("otp_core::start", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let mut started = Vec::new();
                let begun = Instant::now();
                for key in 0..iterations {
                    started.push(otp_core::start(Echo(key)).await.expect("a server"));
                }
                begun.elapsed()
            })
        });
    });
    group.bench_function("DynamicSupervisor::start_child", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let supervisor = DynamicSupervisor::new().at_once().start();
                let supervisor = supervisor.await.expect("a supervisor");
                let begun = Instant::now();
                for key in 0..iterations {
                    let child = Child::server("worker", move || Echo(key));
                    let child = child.restart(Restart::Transient);
                    let _ = black_box(supervisor.start_child(child).await.expect("a child"));
                }
                let took = begun.elapsed();
                supervisor.stop().await.expect("it runs");
                took
            })
        });
    });
    for idle in [None, Some(Duration::from_secs(3_600))] {
        let name = match idle {
            None => "on demand",
            Some(_) => "on demand, with an idle timeout",
        };
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                in_task(&runtime, async move {
                    let config = RegistryConfig {
                        idle_timeout: idle,
                        ..RegistryConfig::default()
                    };
                    let registry = WorkerRegistry::start(config, |key: &u64| Echo(*key));
                    let registry = registry.await.expect("a registry");
                    let begun = Instant::now();
                    for key in 0..iterations {
                        black_box(registry.start_worker(&key).await.expect("a worker"));
                    }
                    let took = begun.elapsed();
                    registry.stop().await.expect("it runs");
                    took
                })
            });
        });
    }
    group.finish();
}

fn calls(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("call");
    for by_key in [false, true] {
        let name = if by_key { "by key" } else { "by address" };
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                in_task(&runtime, async move {
                    let registry = filled(vec![1_u64]).await;
                    let worker = registry.lookup(&1).expect("it was started");
                    let begun = Instant::now();
                    for _ in 0..iterations {
                        let got = if by_key {
                            registry.call(&1, Get).await.ok()
                        } else {
                            worker.call(Get).await.ok()
                        };
                        black_box(got.expect("a reply"));
                    }
                    begun.elapsed()
                })
            });
        });
    }
    group.finish();
}

fn listings(c: &mut Criterion) {
    let runtime = runtime();
    let registry = in_task(&runtime, filled(shuffled()));
    let mut group = c.benchmark_group("of 100,000 workers");
    group.bench_function("list_workers", |bencher| {
        bencher.iter(|| black_box(registry.list_workers()).len());
    });
    group.bench_function("keys", |bencher| {
        bencher.iter(|| black_box(registry.keys()).len());
    });
    group.bench_function("worker_count", |bencher| {
        bencher.iter(|| black_box(registry.worker_count()));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = lookups, starts, calls, listings
}
criterion_main!(benches);
