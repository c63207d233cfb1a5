//! Permits, for callers whose work cannot be wrapped.

use patterns_breaker::{BreakerConfig, Outcome, State};

use crate::support::{assert_conserved, breaker, plain};

#[test]
fn a_permit_counts_as_its_holder_says() {
    let breaker = plain();
    breaker.try_acquire().unwrap().success();
    breaker.try_acquire().unwrap().failure();
    breaker.try_acquire().unwrap().ignore();
    for outcome in [Outcome::Success, Outcome::Failure, Outcome::Ignored] {
        breaker.try_acquire_owned().unwrap().record(outcome);
    }
    breaker.try_acquire_owned().unwrap().success();
    breaker.try_acquire_owned().unwrap().failure();
    breaker.try_acquire_owned().unwrap().ignore();
    let stats = breaker.stats();
    assert_eq!(stats.successes, 3);
    assert_eq!(stats.failures, 3);
    assert_eq!(stats.ignored, 3);
    assert_conserved(&stats);
}

#[test]
fn a_permit_that_is_dropped_counts_as_cancelled() {
    let breaker = breaker(BreakerConfig {
        failure_threshold: Some(1),
        ..BreakerConfig::default()
    });
    drop(breaker.try_acquire().unwrap());
    drop(breaker.try_acquire_owned().unwrap());
    let stats = breaker.stats();
    assert_eq!((stats.cancelled, stats.calls), (2, 2));
    assert_eq!(stats.state, State::Closed);
}

#[test]
fn permits_count_as_in_flight() {
    let breaker = plain();
    let held: Vec<_> = (0..7).map(|_| breaker.try_acquire().unwrap()).collect();
    assert_eq!(breaker.stats().in_flight, 7);
    drop(held);
    assert_eq!(breaker.stats().in_flight, 0);
}

#[test]
fn an_owned_permit_outlives_the_handle_and_goes_to_other_threads() {
    let breaker = plain();
    let permit = breaker.try_acquire_owned().unwrap();
    let mut events = breaker.events(4);
    drop(breaker);
    assert_eq!(events.try_recv(), None);
    std::thread::spawn(move || permit.failure()).join().unwrap();
}

#[test]
fn handles_and_permits_print() {
    let breaker = plain();
    let permit = breaker.try_acquire().unwrap();
    assert_eq!(format!("{permit:?}"), "Permit { .. }");
    assert_eq!(
        format!("{:?}", breaker.try_acquire_owned().unwrap()),
        "OwnedPermit { .. }"
    );
    assert!(format!("{breaker:?}").starts_with("Breaker(BreakerStats { state: Closed"));
    assert!(format!("{:?}", breaker.events(1)).starts_with("BreakerEvents"));
}
