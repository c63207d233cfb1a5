//! What a call through a breaker costs: in each mode, accepted and rejected, in 1 and 2 threads.

use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use patterns_breaker::{Breaker, BreakerConfig, BreakerSet, SlowCall, WindowConfig, WindowSize};

/// Measures `work` in each of 1 and 2 threads: the time that one call takes.
fn bench(c: &mut Criterion, name: &str, work: impl Fn(u64) + Sync) {
    let mut group = c.benchmark_group(name);
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|iterations| {
                let begun = Instant::now();
                thread::scope(|scope| {
                    for thread in 0..threads {
                        let work = &work;
                        scope.spawn(move || (0..iterations).for_each(|step| work(step + thread)));
                    }
                });
                begun.elapsed()
            });
        });
    }
    group.finish();
}

fn breaker(config: BreakerConfig) -> Breaker {
    Breaker::new(config).expect("the options are good")
}

fn windowed(size: WindowSize, slow_call: Option<SlowCall>) -> Breaker {
    breaker(BreakerConfig {
        window: Some(WindowConfig {
            size,
            slow_call,
            ..WindowConfig::default()
        }),
        ..BreakerConfig::default()
    })
}

fn succeed(breaker: &Breaker) {
    if let Ok(permit) = breaker.try_acquire() {
        black_box(&permit);
        permit.success();
    }
}

/// Polls a future that is ready at once.
fn now<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("it is ready"),
    }
}

fn accepted(c: &mut Criterion) {
    let count = breaker(BreakerConfig::default());
    bench(c, "acquire and success/count", |_| succeed(&count));
    let calls = windowed(WindowSize::Calls(100), None);
    bench(c, "acquire and success/calls window", |_| succeed(&calls));
    let time = windowed(WindowSize::Time(Duration::from_secs(10)), None);
    bench(c, "acquire and success/time window", |_| succeed(&time));
    let slow = SlowCall {
        duration: Duration::from_secs(1),
        percent: 50,
    };
    let slow = windowed(WindowSize::Calls(100), Some(slow));
    bench(c, "acquire and success/slow calls", |_| succeed(&slow));
    bench(c, "acquire owned and success/count", |_| {
        if let Ok(permit) = count.try_acquire_owned() {
            permit.success();
        }
    });
}

fn failed(c: &mut Criterion) {
    let breaker = breaker(BreakerConfig {
        failure_threshold: Some(1_000_000),
        ..BreakerConfig::default()
    });
    bench(c, "acquire and failure, every second", |step| {
        if let Ok(permit) = breaker.try_acquire() {
            if step % 2 == 0 {
                permit.failure();
            } else {
                permit.success();
            }
        }
    });
}

fn rejected(c: &mut Criterion) {
    let open = breaker(BreakerConfig {
        reset_timeout: Duration::from_secs(3_600),
        ..BreakerConfig::default()
    });
    open.trip();
    bench(c, "rejected/open", |_| {
        assert!(black_box(open.try_acquire()).is_err());
    });
    let isolated = breaker(BreakerConfig::default());
    isolated.isolate();
    bench(c, "rejected/isolated", |_| {
        assert!(black_box(isolated.try_acquire()).is_err());
    });
}

fn calls(c: &mut Criterion) {
    let limited = breaker(BreakerConfig::default());
    let unlimited = breaker(BreakerConfig {
        call_timeout: Duration::MAX,
        ..BreakerConfig::default()
    });
    bench(c, "call of a ready future", |step| {
        let _ = black_box(now(limited.call(ready(Ok::<_, ()>(black_box(step))))));
    });
    bench(c, "call_sync/5 s", |step| {
        let _ = black_box(limited.call_sync(|| Ok::<_, ()>(black_box(step))));
    });
    bench(c, "call_sync/unlimited", |step| {
        let _ = black_box(unlimited.call_sync(|| Ok::<_, ()>(black_box(step))));
    });
}

fn keyed(c: &mut Criterion) {
    for keys in [16, 100_000] {
        let set: BreakerSet<u64> =
            BreakerSet::new(BreakerConfig::default(), 2 * keys).expect("the options are good");
        let key = |step: u64| step.wrapping_mul(0x9E37_79B9_7F4A_7C15) % keys as u64;
        (0..keys as u64).for_each(|key| drop(set.get(&key)));
        bench(c, &format!("get of a set/{keys} keys"), |step| {
            drop(black_box(set.get(&key(step))));
        });
        bench(
            c,
            &format!("get, acquire and success/{keys} keys"),
            |step| {
                succeed(&set.get(&key(step)));
            },
        );
    }
}

criterion_group!(benches, accepted, failed, rejected, calls, keyed);
criterion_main!(benches);
