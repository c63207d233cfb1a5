//! What an agent's operations cost, each beside what it is to be compared with: a bare server of otp-core, arc-swap, and tokio's
//! watch.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use otp_core::{Context, ExitReason, GenServer, ReplyTo};
use patterns_agent::{Agent, AgentConfig, Counter, OnPanic, Validator};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// The server that a user of otp-core would write for a counter.
struct Bare {
    total: i64,
}

enum Msg {
    Add(i64),
    Total(ReplyTo<i64>),
    AddAndTotal(i64, ReplyTo<i64>),
}

impl GenServer for Bare {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Add(amount) => self.total += amount,
            Msg::Total(reply) => reply.send(self.total),
            Msg::AddAndTotal(amount, reply) => {
                self.total += amount;
                reply.send(self.total);
            }
        }
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
fn in_task<F>(runtime: &Runtime, work: F) -> Duration
where
    F: Future<Output = Duration> + Send + 'static,
{
    runtime.block_on(async { tokio::spawn(work).await.expect("the work") })
}

/// The time that `iterations` rounds of `work` take.
macro_rules! timed {
    ($iterations:ident, $work:expr) => {{
        let began = Instant::now();
        for _ in 0..$iterations {
            black_box($work);
        }
        began.elapsed()
    }};
}

fn calls(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("call");
    group.bench_function("otp-core", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let bare = otp_core::start(Bare { total: 0 }).await.expect("a server");
                timed!(
                    iterations,
                    bare.call(|reply| Msg::AddAndTotal(1, reply))
                        .await
                        .expect("a total")
                )
            })
        });
    });
    group.bench_function("get_and_update", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let agent = Agent::start(|| 0_i64).await.expect("an agent");
                let amount = black_box(1);
                timed!(
                    iterations,
                    agent
                        .get_and_update(move |total| {
                            *total += amount;
                            *total
                        })
                        .await
                        .expect("a total")
                )
            })
        });
    });
    group.bench_function("get", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let agent = Agent::start(|| 0_i64).await.expect("an agent");
                timed!(
                    iterations,
                    agent.get(|total| *total).await.expect("a total")
                )
            })
        });
    });
    group.bench_function("get_and_update, restoring", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let config = AgentConfig {
                    on_panic: OnPanic::Restore(Clone::clone),
                    ..AgentConfig::default()
                };
                let agent = Agent::start_with(config, || 0_i64).await.expect("an agent");
                let amount = black_box(1);
                timed!(
                    iterations,
                    agent
                        .get_and_update(move |total| {
                            *total += amount;
                            *total
                        })
                        .await
                        .expect("a total")
                )
            })
        });
    });
    group.finish();
}

fn casts(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("cast");
    group.bench_function("otp-core", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let bare = otp_core::start(Bare { total: 0 }).await.expect("a server");
                let began = Instant::now();
                for _ in 0..iterations {
                    bare.cast(Msg::Add(1)).expect("room");
                }
                bare.call(Msg::Total).await.expect("a total");
                began.elapsed()
            })
        });
    });
    group.bench_function("Counter::cast_increment", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let counter = Counter::start(0).await.expect("a counter");
                let began = Instant::now();
                for _ in 0..iterations {
                    counter.cast_increment().expect("room");
                }
                counter.get().await.expect("a number");
                began.elapsed()
            })
        });
    });
    group.bench_function("Counter::cast_add", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let counter = Counter::start(0).await.expect("a counter");
                let amount = black_box(1);
                let began = Instant::now();
                for _ in 0..iterations {
                    counter.cast_add(amount).expect("room");
                }
                counter.get().await.expect("a number");
                began.elapsed()
            })
        });
    });
    group.finish();
}

/// The time that one call of `work` takes, in each of 1 and 2 threads.
fn in_threads(criterion: &mut Criterion, name: &str, work: impl Fn() + Sync) {
    let mut group = criterion.benchmark_group("snapshot");
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new(name, threads), |bencher| {
            bencher.iter_custom(|iterations| {
                let began = Instant::now();
                thread::scope(|scope| {
                    for _ in 0..threads {
                        scope.spawn(|| (0..iterations).for_each(|_| work()));
                    }
                });
                began.elapsed()
            });
        });
    }
    group.finish();
}

fn snapshots(criterion: &mut Criterion) {
    let swapped = ArcSwap::from_pointee(1_i64);
    in_threads(criterion, "ArcSwap::load_full", || {
        black_box(swapped.load_full());
    });
    let (_sender, watched) = watch::channel(Arc::new(1_i64));
    in_threads(criterion, "watch::Receiver::borrow, cloned", || {
        black_box(Arc::clone(&watched.borrow()));
    });
    let runtime = runtime();
    let agent = runtime.block_on(Agent::start(|| 1_i64)).expect("an agent");
    let reader = runtime.block_on(agent.reader()).expect("a reader");
    in_threads(criterion, "Reader::snapshot", || {
        black_box(reader.snapshot().expect("a state"));
    });
}

type Map = HashMap<u64, u64>;

fn map() -> Map {
    (0..10_000).map(|key| (key, key)).collect()
}

/// What snapshots cost an update of a map of 10,000 entries.
fn large_states(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("update, 10,000 entries");
    let valid = || AgentConfig {
        validator: Some(Validator::new(|map: &Map| {
            if map.is_empty() { Err("empty") } else { Ok(()) }
        })),
        ..AgentConfig::default()
    };
    let cases = [
        ("no reader", AgentConfig::default as fn() -> _, false, false),
        ("a reader, no snapshot", AgentConfig::default, true, false),
        (
            "a snapshot held each time",
            AgentConfig::default,
            true,
            true,
        ),
        ("a validator", valid, false, false),
    ];
    for (name, config, read, held) in cases {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                in_task(&runtime, async move {
                    let agent = Agent::start_with(config(), map).await.expect("an agent");
                    let reader = match read {
                        true => Some(agent.reader().await.expect("a reader")),
                        false => None,
                    };
                    let began = Instant::now();
                    for key in 0..iterations {
                        let reader = reader.as_ref().filter(|_| held);
                        let snapshot = reader.map(|reader| reader.snapshot().expect("a state"));
                        let put = move |map: &mut Map| {
                            map.insert(key % 10_000, key);
                        };
                        agent.update(put).await.expect("it is running");
                        drop(snapshot);
                    }
                    began.elapsed()
                })
            });
        });
    }
    group.bench_function("ArcSwap::rcu", |bencher| {
        let swapped = ArcSwap::from_pointee(map());
        bencher.iter_custom(|iterations| {
            let began = Instant::now();
            for key in 0..iterations {
                swapped.rcu(|map| {
                    let mut map = Map::clone(map);
                    map.insert(key % 10_000, key);
                    Arc::new(map)
                });
            }
            began.elapsed()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20);
    targets = calls, casts, snapshots, large_states
}
criterion_main!(benches);
