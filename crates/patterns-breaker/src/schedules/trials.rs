//! Trials of a half-open breaker: never too many at once, and each place comes back.

use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread;
use schedules::{AtomicUsize, check};

use super::{assert_conserved, half_open, join};
use crate::sync::Ordering;
use crate::{BreakerConfig, Outcome, State};

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
        assert_eq!(u64::from(stats.success_count), stats.successes);
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
