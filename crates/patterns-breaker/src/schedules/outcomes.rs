//! Outcomes at the same time, and changes of state between them.

use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread;
use schedules::{AtomicBool, AtomicUsize, assert_unlocked, check};

use super::{RESET, after, assert_conserved, breaker, by_window, join};
use crate::sync::Ordering;
use crate::{Breaker, BreakerConfig, Hooks, Outcome, State};

/// Two failures and a success: it has opened, or the success came between them.
fn outcomes(name: &str, config: fn() -> BreakerConfig) {
    check(name, move || {
        let changes = Arc::new(AtomicUsize::new(0));
        let hooks = Hooks::new().on_change({
            let changes = Arc::clone(&changes);
            move |_| {
                assert_unlocked();
                changes.fetch_add(1, Ordering::SeqCst);
            }
        });
        let breaker = Breaker::with_hooks(config(), hooks).expect("the options are good");
        let all = [Outcome::Failure, Outcome::Failure, Outcome::Success];
        let permits = all.map(|outcome| (breaker.try_acquire_owned().expect("closed"), outcome));
        join(permits.map(|(permit, outcome)| thread::spawn(move || permit.record(outcome))));
        let stats = breaker.stats();
        match stats.state {
            State::Open => assert_eq!(changes.load(Ordering::SeqCst), 1, "it opens once"),
            state => assert_eq!((state, stats.failure_count), (State::Closed, 1)),
        }
        assert_eq!((stats.failures, stats.successes), (2, 1));
    });
}

#[test]
fn two_failures_and_a_success() {
    outcomes("two failures and a success", || after(2));
}

#[test]
fn two_failures_and_a_success_in_a_window() {
    outcomes("two failures and a success, with a window too", || {
        BreakerConfig {
            failure_threshold: Some(2),
            ..by_window(4)
        }
    });
}

/// What was let through before a change counts for nothing after it, whoever is first.
fn stale(
    name: &str,
    config: fn() -> BreakerConfig,
    change: fn(&Breaker),
    expected: State,
    outcome: Outcome,
) {
    check(name, move || {
        let breaker = breaker(config());
        let permits = [(); 2].map(|()| breaker.try_acquire_owned().expect("closed"));
        let changes = {
            let breaker = breaker.clone();
            thread::spawn(move || change(&breaker))
        };
        let [one, two] = permits.map(|permit| thread::spawn(move || permit.record(outcome)));
        join([changes, one, two]);
        let stats = breaker.stats();
        assert_eq!(stats.state, expected);
        assert_eq!((stats.failure_count, stats.success_count), (0, 0));
        assert_eq!(stats.window.map_or(0, |window| window.calls), 0);
        assert_conserved(&stats);
        assert_eq!(stats.in_flight, 0);
    });
}

#[test]
fn a_reset_and_failures_of_before() {
    let (reset, closed): (fn(&Breaker), _) = (Breaker::reset, State::Closed);
    stale(
        "a reset and failures",
        || after(2),
        reset,
        closed,
        Outcome::Failure,
    );
    stale(
        "a reset and few failures",
        || after(9),
        reset,
        closed,
        Outcome::Failure,
    );
    stale(
        "a reset and a window",
        || by_window(2),
        reset,
        closed,
        Outcome::Failure,
    );
}

#[test]
fn an_isolation_and_failures_of_before() {
    let (isolate, isolated): (fn(&Breaker), _) = (Breaker::isolate, State::Isolated);
    stale(
        "an isolation and failures",
        || after(2),
        isolate,
        isolated,
        Outcome::Failure,
    );
    stale(
        "an isolation and a window",
        || by_window(2),
        isolate,
        isolated,
        Outcome::Failure,
    );
}

#[test]
fn a_half_open_breaker_and_outcomes_of_before() {
    let half_opens: fn(&Breaker) = |breaker| {
        breaker.trip();
        breaker.shared().clock().advance(RESET);
        assert_eq!(breaker.state(), State::HalfOpen);
    };
    let state = State::HalfOpen;
    stale(
        "half-open and successes",
        || after(9),
        half_opens,
        state,
        Outcome::Success,
    );
    stale(
        "half-open and failures",
        || after(9),
        half_opens,
        state,
        Outcome::Failure,
    );
}

#[test]
fn totals_add_up_at_every_moment() {
    check("totals while others call", || {
        let breaker = breaker(after(2));
        let calls = [Outcome::Failure, Outcome::Success].map(|outcome| {
            let breaker = breaker.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    if let Ok(permit) = breaker.try_acquire() {
                        permit.record(outcome);
                    }
                }
                drop(breaker.try_acquire());
            })
        });
        assert_conserved(&breaker.stats());
        breaker.reset_stats();
        let stats = breaker.stats();
        assert_conserved(&stats);
        join(calls);
        let after = breaker.stats();
        assert_conserved(&after);
        assert_eq!(after.in_flight, 0);
        assert!(after.calls >= stats.in_flight as u64);
    });
}

#[test]
fn a_look_loses_no_failure() {
    check("a look while failures are counted", || {
        let breaker = breaker(after(9));
        let fail = [(); 2].map(|()| {
            let permit = breaker.try_acquire_owned().expect("closed");
            thread::spawn(move || permit.failure())
        });
        let looks = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                let before = breaker.stats().failure_count;
                breaker.reset_stats();
                assert!(before <= breaker.stats().failure_count);
            })
        };
        join(fail);
        join([looks]);
        assert_eq!(breaker.stats().failure_count, 2);
    });
}

#[test]
fn who_comes_after_a_change_sees_it() {
    check("who comes after a reset or an isolation", || {
        let breaker = breaker(after(1));
        breaker.trip();
        let (reset, isolated) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let changes = {
            let (breaker, reset, isolated) =
                (breaker.clone(), Arc::clone(&reset), Arc::clone(&isolated));
            thread::spawn(move || {
                breaker.reset();
                reset.store(true, Ordering::SeqCst);
                breaker.trip();
                breaker.isolate();
                isolated.store(true, Ordering::SeqCst);
            })
        };
        let asks = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    let is_isolated = isolated.load(Ordering::SeqCst);
                    let was_reset = reset.load(Ordering::SeqCst);
                    match breaker.try_acquire() {
                        Ok(permit) => {
                            assert!(!is_isolated, "let through by an isolated breaker");
                            permit.success();
                        }
                        Err(rejected) if is_isolated => {
                            assert_eq!(rejected.state(), State::Isolated);
                        }
                        Err(rejected) => {
                            // It was open, is isolated, or was tripped again.
                            let again = rejected.retry_after();
                            assert_eq!(again.is_none(), rejected.state() == State::Isolated);
                            assert!(again.is_none_or(|again| again <= RESET) || !was_reset);
                        }
                    }
                }
            })
        };
        join([changes, asks]);
        assert_eq!(breaker.state(), State::Isolated);
    });
}
