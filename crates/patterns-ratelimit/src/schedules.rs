//! Those who share a limiter, in every order that a schedule checker tries: see `cargo xtask schedules`.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread;
use schedules::{Mutex, assert_unlocked, block_on, check};

use crate::bucket::Bucket;
use crate::clock::Clock;
use crate::desk::{Entered, Turn};
use crate::room::Room;
use crate::shard::{Asked, Shard};
use crate::{KeyedRateLimiter, Quota, RateLimiter, consume_all};

fn limiter(capacity: u32) -> RateLimiter {
    RateLimiter::new(Quota::once(capacity)).expect("the quota is good")
}

/// A key whose drop must not run under a lock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(u64);

impl Drop for Key {
    fn drop(&mut self) {
        assert_unlocked();
    }
}

#[test]
fn no_more_is_given_than_there_is_while_the_lock_is_held_now_and_then() {
    check("three take and one looks", || {
        let limiter = limiter(2);
        let looks = {
            let limiter = limiter.clone();
            thread::spawn(move || {
                let _ = limiter.check(1);
                limiter.stats().tokens
            })
        };
        let takes = [(); 3].map(|()| {
            let limiter = limiter.clone();
            thread::spawn(move || limiter.allow())
        });
        let given = takes.map(|take| take.join().expect("no panics"));
        assert_eq!(given.iter().filter(|given| **given).count(), 2);
        assert!(looks.join().expect("no panics") <= 2);
        let stats = limiter.stats();
        assert_eq!((stats.tokens, stats.allowed, stats.rejected), (0, 2, 1));
    });
}

#[test]
fn a_changed_quota_holds_for_whoever_comes_after_it() {
    check("two take and one changes the quota", || {
        let limiter = limiter(1);
        let changes = {
            let limiter = limiter.clone();
            thread::spawn(move || {
                limiter.set_quota(Quota::once(3)).expect("it is good");
                limiter.allow()
            })
        };
        let takes = [(); 2].map(|()| {
            let limiter = limiter.clone();
            thread::spawn(move || u32::from(limiter.allow()))
        });
        let given: u32 = takes
            .map(|take| take.join().expect("no panics"))
            .iter()
            .sum();
        assert!(
            changes.join().expect("no panics"),
            "there are three for three"
        );
        assert_eq!(limiter.stats().tokens, 2 - given);
    });
}

#[test]
fn nobody_misses_a_token_because_of_one_who_is_refused() {
    check("one is refused by another level", || {
        let (one, none) = (limiter(1), limiter(1));
        assert!(none.allow());
        let refused = [true, false].map(|first| {
            let (one, none) = (one.clone(), none.clone());
            thread::spawn(move || {
                let refused = if first {
                    consume_all([&one, &none], 1)
                } else {
                    consume_all([&none, &one], 1)
                };
                assert!(refused.is_err());
            })
        });
        assert!(one.allow(), "it is there");
        for thread in refused {
            thread.join().expect("no panics");
        }
        assert!(!one.allow());
    });
}

#[test]
fn nobody_misses_a_token_of_a_key_because_of_one_who_is_refused() {
    check("one is refused by another level than a key", || {
        let keyed = KeyedRateLimiter::<Key>::new(Quota::once(1)).expect("the quota is good");
        let none = limiter(1);
        assert!(none.allow());
        let refused = {
            let (keyed, none) = (keyed.clone(), none.clone());
            thread::spawn(move || {
                let (one, two) = (Key(1), Key(2));
                assert!(consume_all([&none, &keyed.at(&one), &keyed.at(&two)], 1).is_err());
            })
        };
        let (one, two) = (Key(1), Key(2));
        let takes = {
            let keyed = keyed.clone();
            thread::spawn(move || assert!(keyed.allow(&Key(2)), "it is there"))
        };
        assert!(keyed.allow(&one), "it is there");
        refused.join().expect("no panics");
        takes.join().expect("no panics");
        assert!(!keyed.allow(&one) && !keyed.allow(&two));
        assert_eq!(keyed.len(), 2);
    });
}

#[test]
fn all_or_nothing_of_levels_in_any_order() {
    check("three ask two levels and one asks one", || {
        let (one, two) = (limiter(2), limiter(1));
        let asks = [true, false, true].map(|first| {
            let (one, two) = (one.clone(), two.clone());
            thread::spawn(move || {
                if first {
                    consume_all([&one, &two], 1).is_ok()
                } else {
                    consume_all([&two, &one], 1).is_ok()
                }
            })
        });
        let alone = one.allow();
        let given = asks.map(|ask| ask.join().expect("no panics"));
        assert!(
            alone,
            "whoever asks it alone finds one, for the other level gives but one"
        );
        assert_eq!(given.iter().filter(|given| **given).count(), 1);
        assert_eq!((one.stats().tokens, two.stats().tokens), (0, 0));
    });
}

fn clock() -> Clock {
    Clock::new()
}

/// Waits at a bucket whose time stands still.
fn wait(bucket: &Bucket) -> bool {
    match bucket.enter(&clock(), 1, Duration::MAX) {
        Entered::Granted(_) => true,
        Entered::Waits(ticket) => block_on(poll_fn(|cx| {
            match bucket.turn(&clock(), ticket, false, cx.waker().clone()) {
                Turn::Granted(_) => Poll::Ready(true),
                Turn::Denied(_) => Poll::Ready(false),
                Turn::In(_) | Turn::Behind => Poll::Pending,
            }
        })),
        Entered::Denied(_) | Entered::TooLong(_) => false,
    }
}

fn bucket(capacity: u32) -> Arc<Bucket> {
    let quota = Quota::per_second(1).burst(capacity);
    Arc::new(Bucket::new(quota, quota.compile().expect("it is good")))
}

#[test]
fn whoever_waits_is_woken_by_what_comes_back() {
    check("two wait and one gives back", || {
        let bucket = bucket(2);
        let taken = bucket.reserve(&clock(), 2).expect("it is there");
        let waits = [(); 2].map(|()| {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(wait(&bucket)))
        });
        bucket.refund(&clock(), taken, 2);
        for thread in waits {
            thread.join().expect("no panics");
        }
        assert!(bucket.take(0, 1).is_err());
    });
}

#[test]
fn whoever_waits_behind_one_who_goes_is_woken() {
    check("two wait, one of them goes, and one gives back", || {
        let bucket = bucket(1);
        let taken = bucket.reserve(&clock(), 1).expect("it is there");
        let goes = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || match bucket.enter(&clock(), 1, Duration::MAX) {
                Entered::Waits(ticket) => {
                    bucket.leave(&clock(), ticket, false);
                }
                // It came after the refund: the other one waits for what is given back here.
                Entered::Granted(_) => bucket.reset(),
                Entered::Denied(_) | Entered::TooLong(_) => panic!("it may wait"),
            })
        };
        let waits = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(wait(&bucket)))
        };
        bucket.refund(&clock(), taken, 1);
        goes.join().expect("no panics");
        waits.join().expect("no panics");
    });
}

#[test]
fn whoever_does_not_wait_takes_nothing_from_those_who_do() {
    check("one waits and two do not", || {
        let bucket = bucket(1);
        let taken = bucket.reserve(&clock(), 1).expect("it is there");
        let Entered::Waits(ticket) = bucket.enter(&clock(), 1, Duration::MAX) else {
            panic!("it is taken");
        };
        let takes = [(); 2].map(|()| {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.take(0, 1).is_err(), "it is spoken for"))
        });
        bucket.refund(&clock(), taken, 1);
        for thread in takes {
            thread.join().expect("no panics");
        }
        let waker = std::task::Waker::noop().clone();
        assert!(matches!(
            bucket.turn(&clock(), ticket, false, waker),
            Turn::Granted(_)
        ));
    });
}

#[test]
fn what_is_forgotten_at_one_moment_is_not_missed_at_an_earlier_one() {
    check("two take at an earlier moment than a sweep", || {
        // One token in two nanoseconds, so that each moment counts.
        let gcra = Quota::new(1, 1, Duration::from_nanos(2))
            .compile()
            .expect("it is good");
        let hasher = hashbrown::DefaultHashBuilder::default();
        let shared = Arc::new((Mutex::new(Shard::<u64>::new(gcra)), Room::new(None), hasher));
        let take = |shared: &(Mutex<Shard<u64>>, Room, hashbrown::DefaultHashBuilder), nanos| {
            let asked = Asked {
                key: &7,
                hash: 7,
                hasher: &shared.2,
                room: &shared.1,
            };
            let mut shard = shared.0.lock();
            shard
                .take(asked, nanos, 1)
                .map(|(allowed, _)| allowed.nanos)
        };
        assert!(take(&shared, 10).is_ok());
        let sweeps = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.0.lock().sweep_at(12, 256, &shared.1))
        };
        let takes = [11, 12].map(|nanos| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || take(&shared, nanos))
        });
        sweeps.join().expect("no panics");
        // What is given is given two nanoseconds apart or more.
        let mut given: Vec<u64> = takes
            .into_iter()
            .filter_map(|take| take.join().expect("no panics").ok())
            .collect();
        given.push(10);
        given.sort_unstable();
        assert!(
            given.windows(2).all(|two| two[1] - two[0] >= 2),
            "{given:?}"
        );
    });
}
