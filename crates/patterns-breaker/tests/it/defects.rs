//! What the original, a breaker by hand, got wrong, and is right here.

use std::future::pending;

use patterns_breaker::{BreakerConfig, BreakerError, Outcome, State, WindowConfig};
use testing::{advance, polled, quiet, secs};
use tokio::time::Instant;

use crate::support::{breaker, fail, fail_times, half_opened, plain, succeed};

#[tokio::test(start_paused = true)]
async fn half_open_admits_its_trials_and_not_all_who_come() {
    let breaker = half_opened(BreakerConfig::default()).await;
    let admitted: Vec<_> = (0..50).filter_map(|_| breaker.try_acquire().ok()).collect();
    assert_eq!(admitted.len(), 1, "there it was 50 of 50");
}

#[tokio::test(start_paused = true)]
async fn the_call_timeout_of_the_options_is_read() {
    let breaker = breaker(BreakerConfig {
        call_timeout: secs(2),
        ..BreakerConfig::default()
    });
    let begun = Instant::now();
    let cut = breaker.call(pending::<Result<(), ()>>()).await;
    assert_eq!(cut, Err(BreakerError::Timeout { after: secs(2) }));
    assert_eq!(begun.elapsed(), secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_call_of_before_a_trip_does_not_close_a_half_open_breaker() {
    let breaker = breaker(BreakerConfig {
        success_threshold: 1,
        ..BreakerConfig::default()
    });
    let old = breaker.try_acquire().unwrap();
    breaker.trip();
    advance(secs(5)).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    old.success();
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn what_is_isolated_for_maintenance_does_not_come_back_by_itself() {
    let breaker = plain();
    breaker.isolate();
    advance(secs(3_600)).await;
    assert_eq!(
        breaker.state(),
        State::Isolated,
        "there, a trip was half-open after 5 s"
    );
    assert!(succeed(&breaker).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_reset_leaves_is_as_documented_and_totals_have_one_of_their_own() {
    let breaker = plain();
    fail_times(&breaker, 3);
    breaker.reset();
    assert_eq!(breaker.stats().failures, 3);
    breaker.reset_stats();
    assert_eq!(breaker.stats().failures, 0);
}

#[tokio::test(start_paused = true)]
async fn a_classifier_that_panics_leaves_no_outcome_unreported() {
    quiet();
    let breaker = plain();
    let broken = breaker.classify_by(|_: &Result<(), ()>| -> Outcome { panic!("as told") });
    let panicked = broken.call(async { Ok(()) }).await;
    assert!(
        matches!(panicked, Err(BreakerError::Panicked(_))),
        "the caller lives"
    );
    assert_eq!(breaker.stats().in_flight, 0);
    assert_eq!(breaker.stats().failure_count, 1);
}

#[tokio::test(start_paused = true)]
async fn the_work_does_not_outlive_its_caller() {
    let breaker = plain();
    let (alive, dead) = tokio::sync::oneshot::channel::<()>();
    let call = breaker.call(async move {
        let _alive = alive;
        pending::<Result<(), ()>>().await
    });
    assert!(!polled(call, 1).await);
    assert!(dead.await.is_err(), "it was dropped with its call");
    assert_eq!(breaker.stats().cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_one_timeout_and_not_two() {
    let breaker = plain();
    let begun = Instant::now();
    assert!(breaker.call(pending::<Result<(), ()>>()).await.is_err());
    assert_eq!(begun.elapsed(), secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_failures_opens_it_although_none_are_in_a_row() {
    let breaker = breaker(BreakerConfig {
        window: Some(WindowConfig::default()),
        ..BreakerConfig::default()
    });
    for _ in 0..10 {
        succeed(&breaker).unwrap();
        fail(&breaker).unwrap();
    }
    assert_eq!(breaker.state(), State::Open);
}

/// There, the outcome came as a message, some time later: a caller could be let through after the call that had to open it.
#[tokio::test(start_paused = true)]
async fn an_outcome_is_counted_when_the_call_returns() {
    let breaker = breaker(BreakerConfig {
        failure_threshold: Some(1),
        ..BreakerConfig::default()
    });
    let _ = breaker.call(async { Err::<(), _>("down") }).await;
    let next = breaker.call(async { Ok::<_, &str>(()) }).await;
    assert!(next.is_err_and(|error| error.is_rejected()));
}
