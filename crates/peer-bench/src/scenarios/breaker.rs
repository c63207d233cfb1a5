//! Circuit breakers: what a call costs that succeeds, fails or is rejected.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use failsafe::CircuitBreaker as _;
use failsafe::{backoff, failure_policy};
use patterns_breaker::{Breaker, BreakerConfig, SlowCall, WindowConfig, WindowSize};
use recloser::{AsyncRecloser, Recloser};

use crate::book::Book;
use crate::harness::threads::together;
use crate::harness::{Bench, Iterations, Plan, round_robin};
use crate::options::Options;
use crate::report::markdown::comparison;

/// The scenario in the book.
pub(crate) const SUCCESS: &str = "breaker: a call that succeeds, 1 thread";
/// The scenario in the book.
pub(crate) const SUCCESS_TWO: &str = "breaker: a call that succeeds, 2 threads";
/// The name of patterns-breaker in every table.
pub(crate) const BREAKER: &str = "patterns-breaker, permit";
/// The name of recloser in every table.
pub(crate) const RECLOSER: &str = "recloser";

const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let mut section = "## Circuit breakers\n\nCalls that do nothing, on plain threads, all of one breaker. Wall time ÷ operations of all threads. A permit is taken and given back with a success; \
                       the peers run a closure that returns one. recloser judges by a window of calls (it has no other mode), failsafe by failures in a row where nothing else is said. \
                       patterns-breaker keeps six totals.\n"
        .to_owned();
    for (threads, of_threads) in [(1, "1 thread"), (2, "2 threads")] {
        let plan = Plan {
            runs: options.runs(7),
            operations: threads,
            iterations: Iterations::Lasting(options.run_time()),
        };
        let mut scenario = |name: &str, benches: &[Bench]| {
            let name = format!("breaker: {name}, {of_threads}");
            let figures = round_robin(&name, benches, plan);
            section += &format!("\n### {name}\n\n");
            section += &comparison(book, &name, RECLOSER, figures);
        };
        scenario("a call that succeeds", &successes(threads));
        scenario("a future that is ready", &futures(threads));
        scenario("a call that is rejected", &rejections(threads));
    }
    section
}

fn bench(name: &'static str, threads: u64, call: impl Fn() -> bool + Sync + 'static) -> Bench {
    let call = Arc::new(call);
    Bench::new(name, move |iterations| {
        let call = &*call;
        vec![together(threads, |_| {
            for _ in 0..iterations {
                black_box(call());
            }
        })]
    })
}

fn breaker(config: BreakerConfig) -> Breaker {
    Breaker::new(config).expect("the options are good")
}

fn window(window: WindowConfig) -> BreakerConfig {
    BreakerConfig {
        window: Some(window),
        ..BreakerConfig::default()
    }
}

fn good() -> Result<u32, u32> {
    black_box(Ok(1))
}

fn successes(threads: u64) -> Vec<Bench> {
    let permits = |name, config| {
        let breaker = breaker(config);
        bench(name, threads, move || {
            breaker.try_acquire().map(|permit| permit.success()).is_ok()
        })
    };
    let slow_call = Some(SlowCall {
        duration: Duration::from_secs(1),
        percent: 100,
    });
    let recloser = Recloser::default();
    let in_a_row = failsafe::Config::new()
        .failure_policy(failure_policy::consecutive_failures(
            5,
            backoff::constant(HOUR),
        ))
        .build();
    let by_rate = failsafe::Config::new().build();
    let sync = breaker(BreakerConfig::default());
    vec![
        bench(RECLOSER, threads, move || recloser.call(good).is_ok()),
        bench("failsafe", threads, move || in_a_row.call(good).is_ok()),
        bench("failsafe, its default policies", threads, move || {
            by_rate.call(good).is_ok()
        }),
        permits(BREAKER, BreakerConfig::default()),
        permits(
            "patterns-breaker, permit, window of 100 calls",
            window(WindowConfig::default()),
        ),
        permits(
            "patterns-breaker, permit, window of 10 s",
            window(WindowConfig {
                size: WindowSize::Time(Duration::from_secs(10)),
                ..WindowConfig::default()
            }),
        ),
        permits(
            "patterns-breaker, permit, slow calls too",
            window(WindowConfig {
                slow_call,
                ..WindowConfig::default()
            }),
        ),
        bench(
            "patterns-breaker, `call_sync` with its limit of 5 s",
            threads,
            move || sync.call_sync(good).is_ok(),
        ),
    ]
}

/// Polls what is ready at once.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it is ready at once"),
    }
}

fn futures(threads: u64) -> Vec<Bench> {
    let recloser = AsyncRecloser::from(Recloser::default());
    let ours = breaker(BreakerConfig::default());
    vec![
        bench(RECLOSER, threads, move || {
            ready(recloser.call(async { good() })).is_ok()
        }),
        bench(
            "patterns-breaker, `call` with its limit of 5 s",
            threads,
            move || ready(ours.call(async { good() })).is_ok(),
        ),
    ]
}

fn rejections(threads: u64) -> Vec<Bench> {
    let recloser = Recloser::custom()
        .error_rate(0.5)
        .closed_len(2)
        .open_wait(HOUR)
        .build();
    for _ in 0..5 {
        let _ = recloser.call(|| Err::<(), ()>(()));
    }
    let failsafe = failsafe::Config::new()
        .failure_policy(failure_policy::consecutive_failures(
            1,
            backoff::constant(HOUR),
        ))
        .build();
    let _ = failsafe.call(|| Err::<(), ()>(()));
    let ours = breaker(BreakerConfig {
        reset_timeout: HOUR,
        ..BreakerConfig::default()
    });
    ours.trip();
    assert!(recloser.call(good).is_err() && failsafe.call(good).is_err());
    vec![
        bench(RECLOSER, threads, move || recloser.call(good).is_err()),
        bench("failsafe", threads, move || failsafe.call(good).is_err()),
        bench("patterns-breaker", threads, move || {
            ours.call_sync(good).is_err()
        }),
    ]
}
