//! Counts agree with what happened.

use patterns_breaker::{Breaker, BreakerConfig, State, WindowConfig};

use crate::support::{assert_conserved, breaker, fail, fail_times, plain, succeed};

#[tokio::test(start_paused = true)]
async fn a_new_breaker_has_counted_nothing() {
    let stats = plain().stats();
    assert_eq!(stats.state, State::Closed);
    assert_eq!((stats.calls, stats.rejected, stats.in_flight), (0, 0, 0));
    assert_eq!(stats.window, None);
}

#[tokio::test(start_paused = true)]
async fn totals_count_calls_let_through_and_rejections_apart() {
    let breaker = plain();
    succeed(&breaker).unwrap();
    fail_times(&breaker, 5);
    for _ in 0..3 {
        assert!(fail(&breaker).is_err());
    }
    let stats = breaker.stats();
    assert_eq!(stats.calls, 6);
    assert_eq!((stats.successes, stats.failures), (1, 5));
    assert_eq!(stats.rejected, 3);
    assert_conserved(&stats);
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_the_totals_leaves_state_and_counts_and_what_is_in_flight() {
    let breaker = breaker(BreakerConfig {
        window: Some(WindowConfig::default()),
        ..BreakerConfig::default()
    });
    fail_times(&breaker, 4);
    drop(breaker.try_acquire().unwrap());
    let held = breaker.try_acquire().unwrap();
    breaker.reset_stats();
    let stats = breaker.stats();
    assert_eq!(stats.failure_count, 4);
    assert_eq!(stats.window.unwrap().calls, 4);
    assert_eq!((stats.failures, stats.cancelled), (0, 0));
    assert_eq!((stats.calls, stats.in_flight), (1, 1));
    assert_conserved(&stats);
    held.failure();
    let stats = breaker.stats();
    assert_eq!(stats.state, State::Open);
    assert_eq!((stats.calls, stats.failures, stats.in_flight), (1, 1, 0));
    assert!(fail(&breaker).is_err());
    breaker.reset_stats();
    assert_eq!(breaker.stats().rejected, 0);
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn reading_them_changes_nothing() {
    let breaker = plain();
    for _ in 0..4 {
        fail(&breaker).unwrap();
        let before = breaker.stats();
        assert_eq!(breaker.stats(), before);
    }
    let look: fn(&Breaker) -> State = Breaker::state;
    assert_eq!(look(&breaker), State::Closed);
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
}
