//! Without a runtime, without timers, in several runtimes.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use patterns_breaker::{Breaker, BreakerConfig, BreakerError, State};

use crate::support::{breaker, fail_times, plain};

/// Polls until it is done.
fn block_on<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

/// Work that waits until some time has passed, by a clock of its own.
async fn takes(time: Duration) -> Result<&'static str, ()> {
    let begun = Instant::now();
    std::future::poll_fn(|_| {
        if begun.elapsed() > time {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    Ok("done")
}

#[test]
fn all_of_it_works_without_a_runtime() {
    let breaker = plain();
    assert_eq!(breaker.call_sync(|| Ok::<_, ()>(1)), Ok(1));
    assert_eq!(block_on(breaker.call(async { Ok::<_, ()>(1) })), Ok(1));
    fail_times(&breaker, 5);
    assert_eq!(breaker.state(), State::Open);
    breaker.reset();
    breaker.isolate();
    let mut events = breaker.events(4);
    breaker.reset();
    assert!(block_on(events.recv()).is_some());
}

fn short() -> Breaker {
    breaker(BreakerConfig {
        call_timeout: Duration::from_nanos(1),
        ..BreakerConfig::default()
    })
}

/// It was not cut, but is counted as late.
fn assert_late(breaker: &Breaker, came: &Result<&str, BreakerError<()>>) {
    assert_eq!(*came, Ok("done"), "the result is handed over");
    let stats = breaker.stats();
    assert_eq!((stats.timeouts, stats.failures), (1, 1));
    assert_eq!(stats.in_flight, 0);
}

#[test]
fn without_a_runtime_a_call_that_waits_is_not_cut_but_counts_as_a_failure() {
    let breaker = short();
    assert_late(
        &breaker,
        &block_on(breaker.call(takes(Duration::from_micros(10)))),
    );
    let patient = plain();
    assert_eq!(block_on(patient.call(takes(Duration::ZERO))), Ok("done"));
    assert_eq!(patient.stats().successes, 1);
}

#[test]
fn in_a_runtime_without_timers_it_is_the_same_and_told_of_once() {
    let panics = Arc::new(AtomicUsize::new(0));
    let before = std::panic::take_hook();
    std::panic::set_hook({
        let panics = Arc::clone(&panics);
        Box::new(move |info| {
            let text = info.payload_as_str().unwrap_or_default();
            if text.contains("timers are disabled") {
                panics.fetch_add(1, Ordering::Relaxed);
            } else {
                before(info);
            }
        })
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let breaker = short();
        let call = breaker.call(async {
            tokio::task::yield_now().await;
            takes(Duration::from_micros(10)).await
        });
        assert_late(&breaker, &block_on(call));
        for _ in 0..3 {
            let _ = block_on(breaker.call(takes(Duration::from_micros(10))));
        }
        assert_eq!(breaker.stats().timeouts, 4);
    });
    assert_eq!(panics.load(Ordering::Relaxed), 1);
}

#[test]
fn it_outlives_runtimes_and_works_in_the_next() {
    let breaker = plain();
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let hangs = tokio::spawn({
                let breaker = breaker.clone();
                async move { breaker.call(std::future::pending::<Result<(), ()>>()).await }
            });
            let cut = breaker.call(std::future::pending::<Result<(), ()>>()).await;
            assert!(cut.is_err_and(|error| error.is_timeout()));
            drop(hangs);
        });
        breaker.reset();
    }
    let stats = breaker.stats();
    assert_eq!(
        stats.in_flight, 0,
        "what was under way went with its runtime"
    );
    assert_eq!(stats.failures + stats.cancelled, 6);
}
