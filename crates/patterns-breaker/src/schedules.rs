//! Trials, generations, totals and listeners, in every order that a schedule checker tries: see `cargo xtask schedules`.

use std::time::Duration;

use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread::{self, JoinHandle};
use schedules::{AtomicBool, AtomicUsize, Mutex, assert_unlocked, block_on, check};

use crate::sync::Ordering;
use crate::{
    Breaker, BreakerConfig, BreakerEvent, BreakerSet, BreakerStats, Hooks, Outcome, State,
    WindowConfig, WindowSize,
};

const RESET: Duration = Duration::from_secs(5);

fn breaker(config: BreakerConfig) -> Breaker {
    Breaker::new(config).expect("the options are good")
}

/// Opens after so many failures in a row.
fn after(failures: u32) -> BreakerConfig {
    BreakerConfig {
        failure_threshold: Some(failures),
        ..BreakerConfig::default()
    }
}

/// The same by a window.
fn by_window(failures: u32) -> BreakerConfig {
    BreakerConfig {
        failure_threshold: None,
        window: Some(WindowConfig {
            size: WindowSize::Calls(4),
            minimum_calls: failures,
            failure_percent: 100,
            slow_call: None,
        }),
        ..BreakerConfig::default()
    }
}

fn half_open(config: BreakerConfig) -> Breaker {
    let breaker = breaker(config);
    breaker.trip();
    breaker.shared().clock().advance(RESET);
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker
}

fn assert_conserved(stats: &BreakerStats) {
    let ended =
        stats.total_successes + stats.total_failures + stats.total_ignored + stats.total_cancelled;
    assert_eq!(stats.total_calls, ended + stats.in_flight, "{stats:?}");
}

fn join<const N: usize>(threads: [JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().expect("no panics");
    }
}

/// Never more trials than permitted, and each place comes back.
fn trials(name: &str, permitted: u32) {
    check(name, move || {
        let breaker = half_open(BreakerConfig {
            half_open_trials: permitted,
            success_threshold: 10,
            ..BreakerConfig::default()
        });
        let under_way = Arc::new(AtomicUsize::new(0));
        let threads = [Some(Outcome::Success), Some(Outcome::Ignored), None].map(|outcome| {
            let (breaker, under_way) = (breaker.clone(), Arc::clone(&under_way));
            thread::spawn(move || {
                for _ in 0..2 {
                    let Ok(permit) = breaker.try_acquire() else {
                        continue;
                    };
                    let others = under_way.fetch_add(1, Ordering::SeqCst);
                    assert!(others < permitted as usize, "too many trials");
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    match outcome {
                        Some(outcome) => permit.record(outcome),
                        None => drop(permit),
                    }
                }
            })
        });
        join(threads);
        let stats = breaker.stats();
        assert_conserved(&stats);
        assert_eq!(u64::from(stats.success_count), stats.total_successes);
        let places: Vec<_> = (0..5).map_while(|_| breaker.try_acquire().ok()).collect();
        assert_eq!(places.len(), permitted as usize, "each comes back");
    });
}

#[test]
fn one_trial_at_a_time() {
    trials("one trial at a time", 1);
}

#[test]
fn two_trials_at_a_time() {
    trials("two trials at a time", 2);
}

#[test]
fn a_trial_that_fails_and_others() {
    check("a trial that fails and others", || {
        let breaker = half_open(BreakerConfig {
            half_open_trials: 2,
            ..BreakerConfig::default()
        });
        let permits = [breaker.try_acquire_owned(), breaker.try_acquire_owned()]
            .map(|permit| permit.expect("there are two places"));
        let asks = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                if let Ok(permit) = breaker.try_acquire() {
                    permit.success();
                }
            })
        };
        let [fails, succeeds] = permits;
        let fails = thread::spawn(move || fails.failure());
        let succeeds = thread::spawn(move || succeeds.success());
        join([asks, fails, succeeds]);
        // Two that have succeeded before it close it; then the failure is of long ago.
        let stats = breaker.stats();
        assert!(matches!(stats.state, State::Open | State::Closed));
        assert_eq!(stats.failure_count, 0);
        assert_conserved(&stats);
    });
}

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
        assert_eq!((stats.total_failures, stats.total_successes), (2, 1));
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
        assert!(after.total_calls >= stats.in_flight);
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

#[test]
fn listeners_hear_of_each_change_once_and_in_order() {
    check("changes at once, and who is told of them", || {
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::new(AtomicBool::new(false));
        let hooks = Hooks::new().on_change({
            let (told, telling) = (Arc::clone(&told), Arc::clone(&telling));
            move |change| {
                assert_unlocked();
                assert!(!telling.swap(true, Ordering::SeqCst), "two at a time");
                told.lock().push(*change);
                telling.store(false, Ordering::SeqCst);
            }
        });
        let breaker = Breaker::with_hooks(after(1), hooks).expect("the options are good");
        let mut events = breaker.events(8);
        let steps: [fn(&Breaker); 3] = [Breaker::trip, Breaker::reset, |breaker| {
            drop(breaker.try_acquire().map(crate::Permit::failure));
        }];
        let threads = steps.map(|step| {
            let breaker = breaker.clone();
            thread::spawn(move || {
                step(&breaker);
                drop(breaker);
            })
        });
        let listens = schedules::spawn(async move {
            let mut heard = Vec::new();
            while let Some(BreakerEvent::Changed(change)) = events.recv().await {
                heard.push(change);
            }
            heard
        });
        join(threads);
        drop(breaker);
        let heard = schedules::shuttle::future::block_on(listens).expect("nobody aborts it");
        assert!((2..=3).contains(&heard.len()));
        assert_eq!(*told.lock(), heard);
        for pair in heard.windows(2) {
            assert_eq!(pair[0].to, pair[1].from);
        }
    });
}

#[test]
fn who_waits_for_events_is_told_of_the_end() {
    check("the last handle goes while one waits", || {
        let breaker = breaker(after(1));
        let mut events = breaker.events(1);
        let permit = breaker.try_acquire_owned().expect("closed");
        let fails = thread::spawn(move || permit.failure());
        let goes = thread::spawn(move || drop(breaker));
        let mut heard = 0;
        while block_on(events.recv()).is_some() {
            heard += 1;
        }
        assert_eq!(heard, 1);
        join([fails, goes]);
    });
}

/// A key that must not be dropped under a lock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(u32);

impl Drop for Key {
    fn drop(&mut self) {
        assert_unlocked();
    }
}

#[test]
fn a_key_asked_for_at_once_has_one_breaker() {
    check(
        "a key that several ask for, and one that drives it out",
        || {
            let set: BreakerSet<Key> = BreakerSet::new(after(1), 1).expect("the options are good");
            let threads = [0, 0, 1].map(|key| {
                let set = set.clone();
                thread::spawn(move || {
                    if let Ok(permit) = set.get(&Key(key)).try_acquire() {
                        permit.success();
                    }
                })
            });
            join(threads);
            let stats = set.stats();
            assert_eq!(stats.keys, 1);
            assert_eq!(stats.created, 1 + stats.evicted);
            assert!((2..=3).contains(&stats.created));
            drop(set.remove(&Key(0)));
            drop(set.remove(&Key(1)));
            assert!(set.is_empty());
        },
    );
}
