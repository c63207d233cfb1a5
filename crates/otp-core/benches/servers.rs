//! What the operations of a server cost.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use otp_core::{Context, ExitReason, GenServer, ReplyTo, ServerOptions, ServerRef};
use tokio::runtime::{Builder, Runtime};

struct Counter {
    total: u64,
}

enum Msg {
    Add(u64),
    Total(ReplyTo<u64>),
}

impl GenServer for Counter {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Add(n) => self.total += n,
            Msg::Total(reply) => reply.send(self.total),
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

async fn counter() -> ServerRef<Msg> {
    otp_core::start(Counter { total: 0 })
        .await
        .expect("a counter")
}

/// Runs `work` in a task of its own, as a program would, not in `block_on`.
fn in_task<F>(runtime: &Runtime, work: F) -> Duration
where
    F: Future<Output = Duration> + Send + 'static,
{
    runtime.block_on(async { tokio::spawn(work).await.expect("the work") })
}

fn calls(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("call");
    for (name, timeout) in [("5 s", Duration::from_secs(5)), ("no limit", Duration::MAX)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                in_task(&runtime, async move {
                    let counter = counter().await;
                    let began = Instant::now();
                    for _ in 0..iterations {
                        black_box(
                            counter
                                .call_timeout(Msg::Total, timeout)
                                .await
                                .expect("a total"),
                        );
                    }
                    began.elapsed()
                })
            });
        });
    }
    group.bench_function("64 callers", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let counter = counter().await;
                let began = Instant::now();
                let callers: Vec<_> = (0..64)
                    .map(|_| {
                        let counter = counter.clone();
                        tokio::spawn(async move {
                            for _ in 0..iterations.div_ceil(64) {
                                black_box(counter.call(Msg::Total).await.expect("a total"));
                            }
                        })
                    })
                    .collect();
                for caller in callers {
                    caller.await.expect("a caller");
                }
                began.elapsed()
            })
        });
    });
    group.finish();
}

fn casts(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("cast");
    group.bench_function("unbounded", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let counter = counter().await;
                let began = Instant::now();
                for n in 0..iterations {
                    counter.cast(Msg::Add(n)).expect("room");
                }
                counter.call(Msg::Total).await.expect("a total");
                began.elapsed()
            })
        });
    });
    group.bench_function("bounded to 1024, waiting", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let options = ServerOptions::default().bounded(1024);
                let counter = otp_core::start_with(Counter { total: 0 }, options)
                    .await
                    .expect("a counter");
                let began = Instant::now();
                for n in 0..iterations {
                    counter.cast_wait(Msg::Add(n)).await.expect("a server");
                }
                counter.call(Msg::Total).await.expect("a total");
                began.elapsed()
            })
        });
    });
    group.finish();
}

fn starts(criterion: &mut Criterion) {
    let runtime = runtime();
    criterion.bench_function("start and drop", |bencher| {
        bencher.iter_custom(|iterations| {
            in_task(&runtime, async move {
                let began = Instant::now();
                for _ in 0..iterations {
                    drop(counter().await);
                }
                began.elapsed()
            })
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    targets = calls, casts, starts
}
criterion_main!(benches);
