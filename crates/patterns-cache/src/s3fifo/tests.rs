//! The policy alone, on entries that are a hash and a count of uses.

use proptest::prelude::*;

use super::*;

impl S3Fifo {
    /// Checks the invariants at the head of the module, for `entries` entries.
    pub(crate) fn check(&self, entries: usize) {
        assert_eq!(self.links.len(), entries, "one link for each entry");
        assert!(self.weight() <= self.capacity, "within the capacity");
        let mut seen = vec![false; entries];
        for (queue, place) in [(&self.small, Place::Small), (&self.main, Place::Main)] {
            let (mut older, mut at, mut weight) = (NIL, queue.oldest, 0);
            while at != NIL {
                let link = self.links[at as usize];
                assert_eq!(link.place, place, "the link knows its queue");
                assert_eq!(link.older, older, "both directions agree");
                assert!(
                    !std::mem::replace(&mut seen[at as usize], true),
                    "linked once"
                );
                (older, at, weight) = (at, link.newer, weight + u64::from(link.weight));
            }
            assert_eq!(
                (queue.newest, queue.weight),
                (older, weight),
                "the queue's end and weight"
            );
        }
        assert!(seen.iter().all(|&seen| seen), "each entry is in a queue");
        assert!(
            self.ghost.ring.len() as u64 <= self.capacity - self.small_places,
            "the ghost's bound"
        );
        for &at in &self.ghost.table {
            assert!(
                (at as usize) < self.ghost.ring.len(),
                "the ghost's table points into its ring"
            );
        }
    }
}

/// A cache that is only its policy: the hash is the key.
struct Cache {
    policy: S3Fifo,
    entries: Vec<(u64, Uses, bool)>,
}

impl Cache {
    fn new(capacity: usize) -> Self {
        Self {
            policy: S3Fifo::new(capacity as u64),
            entries: Vec::new(),
        }
    }

    fn with(capacity: usize, keys: impl IntoIterator<Item = u64>) -> Self {
        let mut cache = Self::new(capacity);
        for key in keys {
            cache.put(key);
        }
        cache
    }

    /// Puts a key that is not there, and returns the one that it drove out.
    fn put(&mut self, key: u64) -> Option<u64> {
        let entry = (key, Uses::default(), false);
        let evicted = if !self.policy.has_room_for(1) {
            let (index, expired) = self.policy.replace(key, |at| {
                let (hash, uses, expired) = &self.entries[at as usize];
                Candidate {
                    hash: *hash,
                    uses,
                    expired: *expired,
                }
            });
            let evicted = std::mem::replace(&mut self.entries[index as usize], entry);
            assert_eq!(evicted.2, expired);
            Some(evicted.0)
        } else {
            self.policy.push(key, 1);
            self.entries.push(entry);
            None
        };
        self.policy.check(self.entries.len());
        evicted
    }

    fn index(&self, key: u64) -> Option<usize> {
        self.entries.iter().position(|entry| entry.0 == key)
    }

    /// Reads a key that is there.
    fn read(&self, key: u64) {
        self.entries[self.index(key).unwrap()].1.count();
    }

    fn expire(&mut self, key: u64) {
        let index = self.index(key).unwrap();
        self.entries[index].2 = true;
    }

    fn remove(&mut self, key: u64) {
        let index = self.index(key).unwrap();
        self.policy.swap_remove(to_index(index));
        self.entries.swap_remove(index);
        self.policy.check(self.entries.len());
    }
}

#[test]
fn what_nobody_read_leaves_in_the_order_in_which_it_came() {
    let mut cache = Cache::with(10, 0..10);
    assert_eq!(cache.put(10), Some(0));
    assert_eq!(cache.put(11), Some(1));
}

#[test]
fn what_was_read_twice_in_the_small_queue_stays_and_one_read_is_not_enough() {
    let mut cache = Cache::with(10, 0..10);
    cache.read(0);
    cache.read(0);
    cache.read(1);
    assert_eq!(cache.put(10), Some(1));
    assert!(cache.index(0).is_some());
}

#[test]
fn a_key_that_comes_back_soon_goes_to_the_main_queue() {
    let mut cache = Cache::with(10, 0..10);
    assert_eq!(cache.put(10), Some(0));
    assert_eq!(cache.put(0), Some(1));
    // A scan drives out everything else, and 0 is still there without a single read.
    for key in 100..150 {
        cache.put(key);
    }
    assert!(cache.index(0).is_some());
}

#[test]
fn the_ghost_remembers_as_many_keys_as_main_has_places() {
    let mut cache = Cache::with(10, 0..10);
    for key in 10..20 {
        assert_eq!(cache.put(key), Some(key - 10));
    }
    // Keys 0 to 9 left; the ghost has nine places, so 0 is forgotten and 1 is not.
    assert_eq!(cache.policy.place_for(0), Place::Small);
    assert_eq!(cache.policy.place_for(1), Place::Main);
    assert_eq!(
        cache.policy.place_for(1),
        Place::Small,
        "a recalled key is forgotten"
    );
}

#[test]
fn what_was_read_in_the_main_queue_goes_round_once_for_each_read() {
    let mut cache = Cache::with(10, 0..10);
    for key in 0..10 {
        cache.read(key);
        cache.read(key);
    }
    // The small queue passes all ten on, one more than main holds, and main's oldest leaves.
    assert_eq!(cache.put(10), Some(0));
    cache.read(1);
    // From here on each newcomer is read, so that it goes to main and pushes main's oldest out.
    let leavers: Vec<_> = (11..21)
        .map(|key| {
            cache.read(key - 1);
            cache.read(key - 1);
            cache.put(key).unwrap()
        })
        .collect();
    assert_eq!(leavers, [2, 3, 4, 5, 6, 7, 8, 9, 10, 1]);
}

#[test]
fn an_expired_entry_that_is_met_goes_however_often_it_was_read() {
    let mut cache = Cache::with(10, 0..10);
    for _ in 0..3 {
        cache.read(0);
    }
    cache.expire(0);
    assert_eq!(cache.put(10), Some(0));
    assert_eq!(
        cache.policy.place_for(0),
        Place::Small,
        "the ghost does not remember it"
    );
}

#[test]
fn one_eviction_passes_over_a_thousand_entries_at_most() {
    let mut cache = Cache::new(5_000);
    for key in 0..5_000 {
        cache.policy.push(key, 1);
        cache.entries.push((key, Uses::default(), false));
    }
    for (_, uses, _) in &cache.entries {
        uses.count();
        uses.count();
    }
    let looks = std::cell::Cell::new(0);
    cache.policy.replace(5_000, |at| {
        looks.set(looks.get() + 1);
        let (hash, uses, expired) = &cache.entries[at as usize];
        Candidate {
            hash: *hash,
            uses,
            expired: *expired,
        }
    });
    assert_eq!(looks.get(), MAX_PASSED_OVER + 1);
    cache.policy.check(5_000);
}

#[test]
fn uses_stop_counting_at_three() {
    let uses = Uses::default();
    for expected in [1, 2, 3, 3, 3] {
        uses.count();
        assert_eq!(uses.get(), expected);
    }
}

proptest! {
    #[test]
    fn any_history_keeps_the_invariants(
        capacity in 1_usize..24,
        history in prop::collection::vec((0_u8..4, 0_u64..40), 0..300),
    ) {
        let mut cache = Cache::new(capacity);
        for (what, key) in history {
            let here = cache.index(key).is_some();
            match (what, here) {
                (0, true) => cache.remove(key),
                (1, true) => cache.expire(key),
                (_, true) => cache.read(key),
                (_, false) => {
                    cache.put(key);
                }
            }
        }
    }
}
