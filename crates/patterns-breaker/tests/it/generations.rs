//! An outcome of a call that began before a change of state changes nothing after it.

use patterns_breaker::{Breaker, BreakerConfig, Outcome, State, WindowConfig};
use testing::{advance, secs};

use crate::support::{assert_conserved, breaker, fail_times, half_opened, plain, succeed};

const OUTCOMES: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Ignored];

/// Takes permits, makes the change, and gives the permits back with each outcome and with none.
fn late(breaker: &Breaker, change: impl Fn(&Breaker)) -> State {
    let permits: Vec<_> = OUTCOMES
        .iter()
        .cycle()
        .take(30)
        .map(|outcome| (breaker.try_acquire_owned().unwrap(), *outcome))
        .collect();
    let dropped = breaker.try_acquire_owned().unwrap();
    change(breaker);
    let before = breaker.stats();
    for (permit, outcome) in permits {
        permit.record(outcome);
    }
    drop(dropped);
    let after = breaker.stats();
    assert_eq!(after.state, before.state);
    assert_eq!(after.failure_count, before.failure_count);
    assert_eq!(after.success_count, before.success_count);
    assert_eq!(after.window, before.window);
    assert_eq!(after.failures, before.failures + 10, "totals count them");
    assert_eq!(after.in_flight, 0);
    assert_conserved(&after);
    after.state
}

fn windowed() -> BreakerConfig {
    BreakerConfig {
        window: Some(WindowConfig::default()),
        ..BreakerConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn of_before_a_trip() {
    for config in [BreakerConfig::default(), windowed()] {
        assert_eq!(late(&breaker(config), Breaker::trip), State::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn of_before_a_reset() {
    for config in [BreakerConfig::default(), windowed()] {
        let breaker = breaker(config);
        fail_times(&breaker, 3);
        assert_eq!(late(&breaker, Breaker::reset), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn of_before_an_isolation() {
    for config in [BreakerConfig::default(), windowed()] {
        assert_eq!(late(&breaker(config), Breaker::isolate), State::Isolated);
    }
}

#[tokio::test(start_paused = true)]
async fn of_before_failures_opened_it() {
    for config in [BreakerConfig::default(), windowed()] {
        let opened = |breaker: &Breaker| fail_times(breaker, 5);
        assert_eq!(late(&breaker(config), opened), State::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_trial_whose_half_open_is_over() {
    let many = BreakerConfig {
        half_open_trials: 100,
        ..BreakerConfig::default()
    };
    let closed = |breaker: &Breaker| {
        succeed(breaker).unwrap();
        succeed(breaker).unwrap();
        fail_times(breaker, 2);
    };
    assert_eq!(late(&half_opened(many).await, closed), State::Closed);
    let opened = |breaker: &Breaker| fail_times(breaker, 1);
    assert_eq!(late(&half_opened(many).await, opened), State::Open);
}

#[tokio::test(start_paused = true)]
async fn of_long_ago_in_the_same_state() {
    let breaker = plain();
    let old = breaker.try_acquire_owned().unwrap();
    breaker.trip();
    advance(secs(5)).await;
    let trial = breaker.try_acquire_owned().unwrap();
    old.failure();
    assert_eq!(breaker.state(), State::HalfOpen, "not a trial's failure");
    trial.success();
    succeed(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Closed);
}
