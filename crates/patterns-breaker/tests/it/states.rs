//! How a breaker goes from state to state.

use std::time::Duration;

use patterns_breaker::{BreakerConfig, State, WindowConfig};
use testing::{advance, ms, secs};

use crate::support::{breaker, fail, fail_times, half_opened, plain, succeed};

#[tokio::test(start_paused = true)]
async fn as_many_failures_in_a_row_as_the_threshold_open_it() {
    let breaker = plain();
    fail_times(&breaker, 4);
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.stats().failure_count, 4);
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
    assert!(succeed(&breaker).is_err());
}

#[tokio::test(start_paused = true)]
async fn any_success_begins_the_count_anew() {
    let breaker = plain();
    for _ in 0..10 {
        fail_times(&breaker, 4);
        succeed(&breaker).unwrap();
        assert_eq!(breaker.stats().failure_count, 0);
    }
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn after_the_reset_time_it_is_half_open_whoever_looks() {
    let breaker = plain();
    fail_times(&breaker, 5);
    advance(ms(4_999)).await;
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(breaker.stats().state, State::Open);
    advance(ms(1)).await;
    assert_eq!(breaker.stats().state, State::HalfOpen);
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn as_many_trials_in_a_row_as_the_threshold_close_it() {
    let breaker = half_opened(BreakerConfig::default()).await;
    succeed(&breaker).unwrap();
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(breaker.stats().success_count, 1);
    succeed(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.stats().success_count, 0);
}

#[tokio::test(start_paused = true)]
async fn any_failed_trial_opens_it_again() {
    let breaker = half_opened(BreakerConfig::default()).await;
    succeed(&breaker).unwrap();
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(
        succeed(&breaker).unwrap_err().retry_after(),
        Some(secs(5)),
        "its time begins anew"
    );
    advance(secs(5)).await;
    assert_eq!(breaker.stats().success_count, 0, "and so do the trials");
}

#[tokio::test(start_paused = true)]
async fn tripped_by_hand_it_comes_back_by_itself() {
    let breaker = plain();
    breaker.trip();
    assert_eq!(breaker.state(), State::Open);
    advance(secs(3)).await;
    breaker.trip();
    assert_eq!(
        succeed(&breaker).unwrap_err().retry_after(),
        Some(secs(5)),
        "tripped again, its time begins anew"
    );
    advance(secs(5)).await;
    succeed(&breaker).unwrap();
    breaker.trip();
    assert_eq!(breaker.state(), State::Open, "as a failed trial would");
}

#[tokio::test(start_paused = true)]
async fn isolated_it_stays_so_until_it_is_reset() {
    let breaker = plain();
    breaker.isolate();
    advance(secs(1_000_000)).await;
    assert_eq!(breaker.state(), State::Isolated);
    let rejected = succeed(&breaker).unwrap_err();
    assert_eq!(rejected.retry_after(), None);
    assert_eq!(rejected.state(), State::Isolated);
    breaker.trip();
    breaker.isolate();
    assert_eq!(breaker.state(), State::Isolated);
    breaker.reset();
    assert_eq!(breaker.state(), State::Closed);
    succeed(&breaker).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reset_closes_it_and_begins_to_count_anew() {
    let breaker = plain();
    fail_times(&breaker, 4);
    breaker.reset();
    assert_eq!(breaker.stats().failure_count, 0);
    fail_times(&breaker, 4);
    assert_eq!(breaker.state(), State::Closed);
    fail(&breaker).unwrap();
    breaker.reset();
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.stats().failures, 9, "totals stay");

    let half_open = half_opened(BreakerConfig::default()).await;
    half_open.reset();
    assert_eq!(half_open.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_reset_time_without_end_waits_for_a_reset() {
    let breaker = breaker(BreakerConfig {
        reset_timeout: Duration::MAX,
        ..BreakerConfig::default()
    });
    fail_times(&breaker, 5);
    advance(secs(1_000_000)).await;
    let rejected = fail(&breaker).unwrap_err();
    assert_eq!(rejected.state(), State::Open);
    assert_eq!(rejected.retry_after(), None);
    breaker.reset();
    succeed(&breaker).unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_threshold_only_the_window_decides() {
    let breaker = breaker(BreakerConfig {
        failure_threshold: None,
        window: Some(WindowConfig {
            minimum_calls: 50,
            ..WindowConfig::default()
        }),
        ..BreakerConfig::default()
    });
    fail_times(&breaker, 49);
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.stats().failure_count, 49);
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn the_highest_threshold_is_counted_to() {
    let breaker = breaker(BreakerConfig {
        failure_threshold: Some(1_000_000),
        ..BreakerConfig::default()
    });
    fail_times(&breaker, 999_999);
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.stats().failure_count, 999_999);
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn all_handles_are_one_breaker() {
    let one = plain();
    let other = one.clone();
    fail_times(&one, 3);
    fail_times(&other, 2);
    assert_eq!(one.state(), State::Open);
    assert!(other.try_acquire().is_err());
}
