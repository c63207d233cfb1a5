//! Several who ask a set for breakers.

use schedules::shuttle::thread;
use schedules::{assert_unlocked, check};

use super::{after, join};
use crate::BreakerSet;

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

#[test]
fn where_there_is_room_each_key_is_made_once() {
    check("a key that several ask for, with room for all", || {
        let set: BreakerSet<Key> = BreakerSet::new(after(1), 2).expect("the options are good");
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
        assert_eq!((stats.keys, stats.created, stats.evicted), (2, 2, 0));
        assert_eq!(set.get(&Key(0)).stats().successes, 2);
    });
}
