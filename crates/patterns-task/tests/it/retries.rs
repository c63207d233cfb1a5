//! `retry`.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::Duration;

use patterns_task::{Failure, GaveUp, Jitter, RetryConfig, RetryError, TaskError, retry, retry_if};
use proptest::prelude::*;
use testing::{ms, quiet, secs};

use crate::support::{attempts, steady, timed, timeout};

#[tokio::test(start_paused = true)]
async fn a_success_at_once_needs_no_second_attempt() {
    let calls = Cell::new(0);
    let outcome = retry(steady(), || {
        calls.set(calls.get() + 1);
        async { Ok::<_, &str>(7) }
    });
    assert_eq!(timed(outcome).await, (Ok(7), Duration::ZERO));
    assert_eq!(calls.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_third_attempt_may_succeed_after_delays_that_grow() {
    let mut calls = 0;
    let outcome = retry(steady(), || {
        calls += 1;
        let call = calls;
        async move { if call < 3 { Err("busy") } else { Ok(call) } }
    });
    assert_eq!(timed(outcome).await, (Ok(3), ms(300)));
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_does_not_fit_is_not_begun() {
    // 0, 100, 300 and 700 ms: the fourth attempt does not fit into 700 ms, nor into less.
    for (limit, made, ends) in [
        (700, 3, 300),
        (699, 3, 300),
        (701, 4, 700),
        (300, 2, 100),
        (100, 1, 0),
        (1, 1, 0),
    ] {
        let config = RetryConfig {
            timeout: ms(limit),
            ..attempts(9)
        };
        let (outcome, time) = timed(retry(config, || async { Err::<(), _>("busy") })).await;
        let error = RetryError {
            attempts: made,
            failure: Failure::Failed("busy"),
            gave_up: GaveUp::NoTime,
        };
        assert_eq!((outcome, time), (Err(error), ms(ends)), "within {limit} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_the_time_for_all() {
    let config = RetryConfig {
        timeout: secs(2),
        ..steady()
    };
    let mut calls = 0;
    let outcome = retry(config, || {
        calls += 1;
        let call = calls;
        async move {
            if call == 2 {
                std::future::pending::<()>().await;
            }
            Err::<(), _>("busy")
        }
    });
    let error = RetryError {
        attempts: 2,
        failure: timeout(),
        gave_up: GaveUp::NoTime,
    };
    assert_eq!(timed(outcome).await, (Err(error), secs(2)));
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_makes_no_attempt() {
    for config in [
        RetryConfig {
            timeout: Duration::ZERO,
            ..steady()
        },
        RetryConfig {
            attempt_timeout: Duration::ZERO,
            ..steady()
        },
    ] {
        let calls = Cell::new(0);
        let outcome = retry(config, || {
            calls.set(calls.get() + 1);
            async { Ok::<(), &str>(()) }
        });
        let failure = Failure::Task(TaskError::NotStarted);
        let error = RetryError {
            attempts: 0,
            failure,
            gave_up: GaveUp::NoTime,
        };
        assert_eq!((outcome.await, calls.get()), (Err(error), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_worth_it_is_tried_again() {
    quiet();
    let mut errors = ["busy", "closed", "busy"].into_iter();
    let outcome = retry_if(
        attempts(9),
        || {
            let error = errors.next().unwrap();
            async move { Err::<(), _>(error) }
        },
        |failure| failure.error() == Some(&"busy"),
    );
    let error = RetryError {
        attempts: 2,
        failure: Failure::Failed("closed"),
        gave_up: GaveUp::NotWorthIt,
    };
    assert_eq!(outcome.await, Err(error));
    let outcome = retry_if(
        attempts(9),
        || async { panic!("as told") },
        |failure: &Failure<&str>| failure.error().is_some(),
    );
    assert_eq!(outcome.await.map(|(): ()| ()).unwrap_err().attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_the_delays_that_it_tells() {
    for jitter in [
        Jitter::None,
        Jitter::Full,
        Jitter::Equal,
        Jitter::Decorrelated,
    ] {
        let config = RetryConfig {
            jitter,
            ..attempts(6)
        };
        let (_, time) = timed(retry(config.clone(), || async { Err::<(), _>("busy") })).await;
        let most: Duration = attempts(6).delays().sum();
        // A delay is rounded up to the timer's millisecond.
        let most = if jitter == Jitter::Decorrelated {
            most * 2
        } else {
            most
        } + ms(5);
        let least = if jitter == Jitter::Equal || jitter == Jitter::None {
            most / 2 - ms(5)
        } else {
            Duration::ZERO
        };
        assert!(
            time >= least && time <= most,
            "{jitter:?}: {time:?} of {least:?} to {most:?}"
        );
    }
}

#[test]
fn the_defaults_are_those_of_the_original() {
    let config = RetryConfig::default();
    assert_eq!(
        (
            config.max_attempts.get(),
            config.base_delay,
            config.max_delay,
            config.jitter
        ),
        (3, ms(100), secs(5), Jitter::Full)
    );
    let config = RetryConfig {
        max_attempts: NonZeroU32::new(9).unwrap(),
        ..steady()
    };
    let delays: Vec<u128> = config.delays().map(|delay| delay.as_millis()).collect();
    assert_eq!(delays, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert_eq!(config.delays().len(), 8);
    assert_eq!(attempts(1).delays().next(), None);
    let endless = RetryConfig {
        max_attempts: NonZeroU32::MAX,
        ..config
    };
    assert_eq!(endless.delays().nth(100_000), Some(secs(5)));
}

fn jitters() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated)
    ]
}

proptest! {
    #[test]
    fn a_delay_never_exceeds_its_cap_and_keeps_to_its_jitter(
        base in 0_u64..100_000, cap in 0_u64..100_000, jitter in jitters(), attempts in 1_u32..80,
    ) {
        let config = RetryConfig {
            base_delay: ms(base),
            max_delay: ms(cap),
            jitter,
            max_attempts: NonZeroU32::new(attempts).unwrap(),
            ..RetryConfig::default()
        };
        let delays: Vec<Duration> = config.delays().collect();
        prop_assert_eq!(delays.len(), attempts as usize - 1);
        for (n, delay) in delays.into_iter().enumerate() {
            let doubled = (0..n).fold(ms(base), |delay, _| delay.saturating_mul(2).min(ms(cap)));
            let computed = doubled.min(ms(cap));
            prop_assert!(delay <= ms(cap));
            match jitter {
                Jitter::None => prop_assert_eq!(delay, computed),
                Jitter::Full => prop_assert!(delay <= computed),
                Jitter::Equal => prop_assert!(delay <= computed && delay >= computed / 2),
                Jitter::Decorrelated => prop_assert!(delay >= ms(base).min(ms(cap))),
            }
        }
    }
}
