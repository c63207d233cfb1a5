//! After half-open, more and more calls are let through.

use patterns_breaker::{Breaker, BreakerConfig, Cause, State, WindowConfig};
use testing::{advance, ms, secs};

use crate::support::{fail, half_opened, succeed};

fn ramp() -> BreakerConfig {
    BreakerConfig {
        ramp: Some(secs(10)),
        ..BreakerConfig::default()
    }
}

async fn ramping(config: BreakerConfig) -> Breaker {
    let breaker = half_opened(config).await;
    succeed(&breaker).unwrap();
    succeed(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Ramping);
    breaker
}

#[tokio::test(start_paused = true)]
async fn the_share_of_calls_let_through_grows_evenly() {
    let breaker = ramping(ramp()).await;
    let mut through = Vec::new();
    for _ in 0..10 {
        through.push((0..100).filter(|_| succeed(&breaker).is_ok()).count());
        advance(secs(1)).await;
    }
    assert_eq!(through, [1, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    assert_eq!(breaker.state(), State::Closed);
    assert!((0..100).all(|_| succeed(&breaker).is_ok()));
}

#[tokio::test(start_paused = true)]
async fn who_is_rejected_is_told_when_the_ramp_is_over() {
    let breaker = ramping(ramp()).await;
    succeed(&breaker).unwrap();
    advance(ms(100)).await;
    let rejected = succeed(&breaker).unwrap_err();
    assert_eq!(rejected.state(), State::Ramping);
    assert_eq!(rejected.retry_after(), Some(ms(9_900)));
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_it_again_and_for_longer() {
    let breaker = ramping(BreakerConfig {
        max_reset_timeout: Some(secs(60)),
        failure_threshold: Some(3),
        ..ramp()
    })
    .await;
    advance(secs(9)).await;
    for _ in 0..3 {
        assert_eq!(breaker.state(), State::Ramping);
        while fail(&breaker).is_err() {}
    }
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(fail(&breaker).unwrap_err().retry_after(), Some(secs(10)));
}

#[tokio::test(start_paused = true)]
async fn the_window_judges_it_too() {
    let breaker = ramping(BreakerConfig {
        failure_threshold: None,
        window: Some(WindowConfig {
            minimum_calls: 4,
            ..WindowConfig::default()
        }),
        ..ramp()
    })
    .await;
    let mut events = breaker.events(4);
    advance(secs(9)).await;
    for outcome in [succeed, fail, succeed, fail] {
        while outcome(&breaker).is_err() {}
    }
    assert_eq!(breaker.state(), State::Open);
    let Some(patterns_breaker::BreakerEvent::Changed(change)) = events.try_recv() else {
        panic!("it was not told");
    };
    assert_eq!(change.cause, Cause::FailureRate);
}

#[tokio::test(start_paused = true)]
async fn when_it_is_over_the_counts_begin_anew() {
    let breaker = ramping(ramp()).await;
    let before = breaker.try_acquire().unwrap();
    advance(secs(10)).await;
    assert_eq!(breaker.state(), State::Closed);
    before.failure();
    assert_eq!(breaker.stats().failure_count, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reset_needs_no_ramp() {
    let breaker = ramping(ramp()).await;
    breaker.reset();
    assert_eq!(breaker.state(), State::Closed);
}
