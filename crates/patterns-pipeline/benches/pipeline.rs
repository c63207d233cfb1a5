//! What a run costs beside a chain of `?`, and a stage beside `buffered`.

use std::future::Future;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::{StreamExt, stream};
use patterns_pipeline::{FlowExt, Order, Pipeline, StageConfig};
use tokio::runtime::{Builder, Runtime};

/// What an order's error is like: not `Copy`, and of some size.
#[derive(Debug)]
#[expect(dead_code, reason = "nobody reads it here")]
enum Error {
    Odd(u64),
    Large(String),
}

// Steps that are called: what they do is not what is measured.

#[inline(never)]
fn validate(n: u64) -> Result<u64, Error> {
    if n % 2 == 1 {
        Err(Error::Odd(n))
    } else {
        Ok(n)
    }
}

#[inline(never)]
fn bound(n: u64) -> Result<u64, Error> {
    if n > 1 << 40 {
        Err(Error::Large(n.to_string()))
    } else {
        Ok(n)
    }
}

#[inline(never)]
async fn reserve(n: u64) -> Result<u64, Error> {
    bound(black_box(n) + 2)
}

#[inline(never)]
async fn charge(n: u64) -> Result<u64, Error> {
    validate(black_box(n) + 2)
}

async fn by_hand(n: u64) -> Result<u64, Error> {
    let n = validate(n)?;
    let n = reserve(n).await?;
    let n = bound(n)?;
    let n = charge(n).await?;
    validate(n)
}

/// Runs what does not wait.
fn now<F: Future>(work: F) -> F::Output {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("it is ready"),
    }
}

fn runs(c: &mut Criterion) {
    let plain = Pipeline::new()
        .step("validate", validate)
        .step_async("reserve", reserve)
        .step("bound", bound)
        .step_async("charge", charge)
        .step("again", validate);
    let undoes = Pipeline::new()
        .step("validate", validate)
        .step_async("reserve", reserve)
        .undo(|n| assert!(black_box(n) > 0))
        .step("bound", bound)
        .step_async("charge", charge)
        .undo(|n| assert!(black_box(n) > 0))
        .step("again", validate);
    let boxed = plain.clone().boxed();
    let one_by_one = Pipeline::new()
        .step("validate", validate)
        .boxed()
        .step_async("reserve", reserve)
        .boxed()
        .step("bound", bound)
        .boxed()
        .step_async("charge", charge)
        .boxed()
        .step("again", validate)
        .boxed();

    let mut group = c.benchmark_group("five steps");
    group.bench_function("question marks", |b| b.iter(|| now(by_hand(black_box(4)))));
    group.bench_function("pipeline", |b| b.iter(|| now(plain.run(black_box(4)))));
    group.bench_function("tagged", |b| b.iter(|| now(plain.run_tagged(black_box(4)))));
    group.bench_function("traced", |b| b.iter(|| now(plain.run_traced(black_box(4)))));
    group.bench_function("boxed", |b| b.iter(|| now(boxed.run(black_box(4)))));
    group.bench_function("each boxed", |b| {
        b.iter(|| now(one_by_one.run(black_box(4))));
    });
    group.bench_function("two undos", |b| b.iter(|| now(undoes.run(black_box(4)))));
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let entered = runtime.enter();
    group.bench_function("two undos, in a runtime", |b| {
        b.iter(|| now(undoes.run(black_box(4))));
    });
    drop(entered);
    group.finish();
}

const ITEMS: u64 = 1_000;

/// Measures `work`, which is run so many times in a task of the runtime, where a program has it.
fn in_a_task<F>(runtime: &Runtime, times: u64, work: impl Fn() -> F + Send + 'static) -> Duration
where
    F: Future<Output = ()> + Send,
{
    let timed = async move {
        let begun = Instant::now();
        for _ in 0..times {
            work().await;
        }
        begun.elapsed()
    };
    runtime.block_on(runtime.spawn(timed)).expect("no panic")
}

fn stages(c: &mut Criterion) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let mut group = c.benchmark_group("1,000 items, 8 at a time");
    group.throughput(Throughput::Elements(ITEMS));
    group.bench_function("buffered spawns", |b| {
        b.iter_custom(|times| {
            in_a_task(&runtime, times, || async {
                let tasks = stream::iter(0..ITEMS).map(|n| tokio::spawn(reserve(n * 2)));
                let results = tasks.buffered(8);
                results
                    .for_each(|result| async { drop(black_box(result)) })
                    .await;
            })
        });
    });
    for (name, order) in [
        ("stage", Order::Input),
        ("stage, as they are done", Order::Completion),
    ] {
        let config = StageConfig {
            max_concurrency: NonZeroUsize::MIN.saturating_add(7),
            order,
            ..StageConfig::default()
        };
        group.bench_function(name, |b| {
            b.iter_custom(|times| {
                in_a_task(&runtime, times, move || async move {
                    let flow = stream::iter(0..ITEMS)
                        .flow()
                        .stage("reserve", config, |n| reserve(n * 2));
                    flow.for_each(|result| async { drop(black_box(result)) })
                        .await;
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, runs, stages);
criterion_main!(benches);
