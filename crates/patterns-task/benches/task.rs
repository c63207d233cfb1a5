//! What a task costs, and a bounded stream of them, beside tokio and futures: 2 worker threads, all from within a task.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::{StreamExt, stream};
use patterns_task::{MapConfig, Order, StreamConfig, async_stream, parallel_map, spawn, stream_of};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const ITEMS: u64 = 10_000;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime")
}

/// Measures `work`, which is run so many times in a task of the runtime.
fn measure<F>(runtime: &Runtime, work: impl FnOnce() -> F) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let work = work();
    let timed = async {
        let start = Instant::now();
        work.await;
        start.elapsed()
    };
    runtime.block_on(runtime.spawn(timed)).expect("no panic")
}

fn one_task(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("spawn and await");
    group.bench_function("tokio::spawn", |bencher| {
        bencher.iter_custom(|times| {
            measure(&runtime, || async move {
                for n in 0..times {
                    black_box(
                        tokio::spawn(async move { black_box(n) })
                            .await
                            .expect("no panic"),
                    );
                }
            })
        });
    });
    group.bench_function("patterns_task::spawn", |bencher| {
        bencher.iter_custom(|times| {
            measure(&runtime, || async move {
                for n in 0..times {
                    black_box(spawn(async move { black_box(n) }).await.expect("no panic"));
                }
            })
        });
    });
    group.finish();
}

fn streams(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("stream");
    group.throughput(Throughput::Elements(ITEMS));
    for width in [8, 64] {
        let config = |order, timeout| StreamConfig {
            max_concurrency: NonZeroUsize::new(width).expect("it is not 0"),
            order,
            timeout,
            ..StreamConfig::default()
        };
        let bare = |order| config(order, Duration::MAX);
        let each = |times,
                    work: fn(
            u64,
            usize,
            [StreamConfig; 3],
        ) -> futures_util::future::BoxFuture<'static, ()>| {
            measure(&runtime, || {
                work(
                    times,
                    width,
                    [
                        bare(Order::Input),
                        bare(Order::Completion),
                        config(Order::Input, Duration::from_secs(5)),
                    ],
                )
            })
        };
        group.bench_function(
            BenchmarkId::new("futures::buffered over tokio::spawn", width),
            |bencher| {
                bencher.iter_custom(|times| {
                    each(times, |times, width, _| {
                        Box::pin(async move {
                            for _ in 0..times {
                                let mut results = stream::iter(0..ITEMS)
                                    .map(|n| tokio::spawn(async move { black_box(n) }))
                                    .buffered(width);
                                while let Some(result) = results.next().await {
                                    black_box(result.expect("no panic"));
                                }
                            }
                        })
                    })
                });
            },
        );
        group.bench_function(BenchmarkId::new("async_stream", width), |bencher| {
            bencher.iter_custom(|times| {
                each(times, |times, _, [config, ..]| {
                    Box::pin(async move {
                        for _ in 0..times {
                            let mut results = async_stream(
                                0..ITEMS,
                                |&n| async move { black_box(n) },
                                config.clone(),
                            );
                            while let Some(result) = results.next().await {
                                black_box(result.expect("no panic"));
                            }
                        }
                    })
                })
            });
        });
        group.bench_function(
            BenchmarkId::new("async_stream, 5 s each", width),
            |bencher| {
                bencher.iter_custom(|times| {
                    each(times, |times, _, [.., config]| {
                        Box::pin(async move {
                            for _ in 0..times {
                                let mut results = async_stream(
                                    0..ITEMS,
                                    |&n| async move { black_box(n) },
                                    config.clone(),
                                );
                                while let Some(result) = results.next().await {
                                    black_box(result.expect("no panic"));
                                }
                            }
                        })
                    })
                });
            },
        );
        group.bench_function(
            BenchmarkId::new("futures::buffer_unordered over tokio::spawn", width),
            |bencher| {
                bencher.iter_custom(|times| {
                    each(times, |times, width, _| {
                        Box::pin(async move {
                            for _ in 0..times {
                                let mut results = stream::iter(0..ITEMS)
                                    .map(|n| tokio::spawn(async move { black_box(n) }))
                                    .buffer_unordered(width);
                                while let Some(result) = results.next().await {
                                    black_box(result.expect("no panic"));
                                }
                            }
                        })
                    })
                });
            },
        );
        group.bench_function(BenchmarkId::new("JoinSet, refilled", width), |bencher| {
            bencher.iter_custom(|times| {
                each(times, |times, width, _| {
                    Box::pin(async move {
                        for _ in 0..times {
                            let mut inputs = 0..ITEMS;
                            let mut running = JoinSet::new();
                            for n in inputs.by_ref().take(width) {
                                running.spawn(async move { black_box(n) });
                            }
                            while let Some(result) = running.join_next().await {
                                black_box(result.expect("no panic"));
                                if let Some(n) = inputs.next() {
                                    running.spawn(async move { black_box(n) });
                                }
                            }
                        }
                    })
                })
            });
        });
        group.bench_function(
            BenchmarkId::new("stream_of, by completion", width),
            |bencher| {
                bencher.iter_custom(|times| {
                    each(times, |times, _, [_, config, _]| {
                        Box::pin(async move {
                            for _ in 0..times {
                                let futures = (0..ITEMS).map(|n| async move { black_box(n) });
                                let mut results = stream_of(futures, config.clone());
                                while let Some(result) = results.next().await {
                                    black_box(result.expect("no panic"));
                                }
                            }
                        })
                    })
                });
            },
        );
    }
    group.finish();
}

fn maps(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("map of 10,000 items");
    group.throughput(Throughput::Elements(ITEMS));
    group.bench_function("parallel_map", |bencher| {
        bencher.iter_custom(|times| {
            measure(&runtime, || async move {
                for _ in 0..times {
                    black_box(
                        parallel_map(
                            0..ITEMS,
                            |&n| async move { black_box(n) },
                            MapConfig::default(),
                        )
                        .await,
                    );
                }
            })
        });
    });
    group.bench_function("JoinSet without a bound, unordered", |bencher| {
        bencher.iter_custom(|times| {
            measure(&runtime, || async move {
                for _ in 0..times {
                    let running: JoinSet<u64> =
                        (0..ITEMS).map(|n| async move { black_box(n) }).collect();
                    black_box(running.join_all().await);
                }
            })
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = one_task, streams, maps
}
criterion_main!(benches);
