//! A breaker for each key.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use patterns_breaker::{BadOption, BreakerConfig, BreakerSet, State};
use testing::quiet;

use crate::support::fail_times;

fn set(max_keys: usize) -> BreakerSet<u64> {
    BreakerSet::new(BreakerConfig::default(), max_keys).unwrap()
}

#[test]
fn each_key_has_a_breaker_of_its_own() {
    let hosts: BreakerSet<String> = BreakerSet::new(BreakerConfig::default(), 10).unwrap();
    hosts.get("db-1").trip();
    assert_eq!(hosts.get("db-1").state(), State::Open);
    assert_eq!(hosts.get("db-2").state(), State::Closed);
    assert_eq!(hosts.clone().get("db-1").state(), State::Open);
    let mut keys = hosts.keys();
    keys.sort();
    assert_eq!(keys, ["db-1", "db-2"]);
    assert_eq!(hosts.len(), 2);
}

#[test]
fn looking_makes_none() {
    let hosts: BreakerSet<String> = BreakerSet::new(BreakerConfig::default(), 10).unwrap();
    assert!(hosts.peek("db-1").is_none());
    assert!(hosts.is_empty());
    let _ = hosts.get("db-1");
    assert!(hosts.peek("db-1").is_some());
    assert_eq!(hosts.stats().created, 1);
}

#[test]
fn the_one_asked_for_longest_ago_goes_first() {
    let set = set(3);
    for key in [1, 2, 3, 1] {
        let _ = set.get(&key);
    }
    assert!(set.peek(&2).is_some(), "a look is no use");
    let _ = set.get(&4);
    assert!(set.peek(&2).is_none());
    assert_eq!(set.len(), 3);
    let stats = set.stats();
    assert_eq!((stats.created, stats.evicted, stats.evicted_hot), (4, 1, 0));
}

#[test]
fn what_is_in_trouble_stays_for_longer_than_what_is_well() {
    let set = set(4);
    fail_times(&set.get(&1), 1);
    set.get(&2).isolate();
    let _ = set.get(&3);
    set.get(&4).trip();
    let _ = set.get(&5);
    assert!(set.peek(&3).is_none(), "it was the only one that was well");
    fail_times(&set.get(&5), 1);
    assert_eq!(set.stats().evicted_hot, 0);
    let _ = set.get(&6);
    assert!(set.peek(&1).is_none(), "of all, the one of longest ago");
    assert_eq!(set.stats().evicted_hot, 1);
}

#[test]
fn a_window_counts_as_trouble_too() {
    let config = BreakerConfig {
        window: Some(patterns_breaker::WindowConfig::default()),
        ..BreakerConfig::default()
    };
    let set: BreakerSet<u64> = BreakerSet::new(config, 2).unwrap();
    fail_times(&set.get(&1), 1);
    let _ = set.get(&2);
    let _ = set.get(&3);
    assert!(set.peek(&1).is_some());
}

#[test]
fn many_failures_in_a_row_are_trouble_too() {
    let config = BreakerConfig {
        failure_threshold: None,
        window: Some(patterns_breaker::WindowConfig {
            size: patterns_breaker::WindowSize::Time(std::time::Duration::MAX),
            minimum_calls: u32::MAX,
            ..patterns_breaker::WindowConfig::default()
        }),
        ..BreakerConfig::default()
    };
    let set: BreakerSet<u64> = BreakerSet::new(config, 2).unwrap();
    // As many as the word has bits for, and none of them is overlooked.
    fail_times(&set.get(&1), 1 << 20);
    assert_eq!(set.get(&1).stats().failure_count, 1 << 20);
    let _ = set.get(&2);
    let _ = set.get(&3);
    assert!(set.peek(&1).is_some());
}

#[test]
fn a_handle_of_what_has_gone_goes_on_working_for_itself() {
    let set = set(1);
    let old = set.get(&1);
    let permit = old.try_acquire_owned().unwrap();
    let _ = set.get(&2);
    let new = set.get(&1);
    fail_times(&old, 5);
    assert_eq!(old.state(), State::Open);
    assert_eq!(new.state(), State::Closed);
    permit.success();
    assert_eq!(old.stats().successes, 1);
    assert_eq!(new.stats().calls, 0);
}

#[test]
fn a_removed_breaker_begins_anew() {
    let set = set(10);
    set.get(&1).isolate();
    let removed = set.remove(&1).unwrap();
    assert_eq!(removed.state(), State::Isolated);
    assert!(set.remove(&1).is_none());
    assert_eq!(set.get(&1).state(), State::Closed);
    assert_eq!(set.stats().removed, 1);
}

#[test]
fn the_listener_is_told_of_which_key() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let told = Arc::clone(&told);
        move |key: &String, change: &patterns_breaker::Transition| {
            told.lock().unwrap().push(format!("{key}: {change}"));
        }
    };
    let hosts = BreakerSet::with_listener(BreakerConfig::default(), 10, listener).unwrap();
    hosts.get("db-2").trip();
    hosts.get("db-1").isolate();
    assert_eq!(
        *told.lock().unwrap(),
        [
            "db-2: closed -> open: tripped, open for 5s",
            "db-1: closed -> isolated: isolated",
        ]
    );
}

#[test]
fn a_set_without_room_or_with_wrong_options_is_refused() {
    let none = BreakerSet::<u64>::new(BreakerConfig::default(), 0).unwrap_err();
    assert_eq!(none.to_string(), "option `max_keys` must be 1 or more");
    let config = BreakerConfig {
        success_threshold: 0,
        ..BreakerConfig::default()
    };
    let wrong = BreakerSet::<u64>::new(config, 1).unwrap_err();
    assert!(matches!(
        wrong,
        BadOption {
            option: "success_threshold",
            ..
        }
    ));
}

#[test]
fn nothing_is_set_aside_for_a_huge_room() {
    let set = set(usize::MAX);
    for key in 0..1_000 {
        let _ = set.get(&key);
    }
    assert_eq!(set.len(), 1_000);
}

#[test]
fn the_bound_holds_in_a_set_of_many_parts() {
    for max_keys in [511, 512, 1_000, 5_000] {
        let set = set(max_keys);
        for key in 0..20_000 {
            let _ = set.get(&key);
            assert!(set.len() <= max_keys);
        }
        assert_eq!(set.len(), max_keys, "all parts are full");
        let stats = set.stats();
        assert_eq!(
            stats.created,
            stats.keys as u64 + stats.evicted + stats.removed
        );
        assert_eq!(set.keys().len(), max_keys);
        assert_eq!(set.breakers().len(), max_keys);
    }
}

#[test]
fn threads_that_ask_for_a_key_at_once_get_one_breaker() {
    let set = set(10_000);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for key in 0..5_000 {
                    set.get(&key).try_acquire().unwrap().success();
                }
            });
        }
    });
    assert_eq!(set.stats().created, 5_000);
    let all = set.breakers();
    assert!(
        all.iter()
            .all(|(_, breaker)| breaker.stats().successes == 4)
    );
}

#[test]
fn the_books_balance_whatever_happens_at_once() {
    let set = set(50);
    let removed = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (set, removed) = (&set, &removed);
            scope.spawn(move || {
                for step in 0..10_000_u64 {
                    let key = step.wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ thread) >> 57;
                    match step % 5 {
                        0 if set.remove(&key).is_some() => {
                            removed.fetch_add(1, Ordering::Relaxed);
                        }
                        1 => set.get(&key).trip(),
                        _ => {
                            let _ = set.get(&key).try_acquire();
                        }
                    }
                    assert!(set.len() <= 50);
                }
            });
        }
    });
    let stats = set.stats();
    assert_eq!(stats.removed, removed.load(Ordering::Relaxed));
    assert_eq!(
        stats.created,
        stats.keys as u64 + stats.evicted + stats.removed
    );
    assert!(stats.evicted_hot <= stats.evicted);
}

/// A key whose comparison panics when told.
#[derive(Debug, Clone)]
struct Odd(u64);

impl PartialEq for Odd {
    fn eq(&self, other: &Self) -> bool {
        assert!(self.0 != 13 && other.0 != 13, "as told");
        self.0 == other.0
    }
}

impl Eq for Odd {}

impl Hash for Odd {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn a_panic_in_the_comparison_of_keys_reaches_the_caller_and_harms_nobody() {
    quiet();
    let set: BreakerSet<Odd> = BreakerSet::new(BreakerConfig::default(), 10).unwrap();
    let _ = set.get(&Odd(1));
    let _ = set.get(&Odd(13));
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| set.get(&Odd(13))));
    assert!(panics.is_err());
    let _ = set.get(&Odd(2));
    assert_eq!(set.get(&Odd(1)).state(), State::Closed);
    assert_eq!(set.len(), 3);
}
