//! The queue beside a naive one.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Popped, Pushed, Queue, WhenFull};
use crate::LatestKey;

/// Everything that was ever put in, with what became of it; a gap is counted by looking.
#[derive(Default)]
struct Naive {
    items: Vec<(u64, u64, Fate)>,
    /// Up to where everything was handed out or told.
    read: usize,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    Waits,
    Missing,
}

impl Naive {
    fn waiting(&self) -> Vec<usize> {
        (self.read..self.items.len())
            .filter(|place| self.items[*place].2 == Fate::Waits)
            .collect()
    }

    fn push(&mut self, item: u64, key: u64, capacity: usize, policy: Policy) -> Wanted {
        let waiting = self.waiting();
        let same = waiting
            .iter()
            .copied()
            .find(|place| self.items[*place].1 == key);
        let goes = match policy {
            Policy::Latest if same.is_some() => same,
            _ if waiting.len() < capacity => None,
            Policy::Oldest | Policy::Latest => waiting.first().copied(),
            Policy::Newest | Policy::Disconnect => {
                self.items.push((item, key, Fate::Missing));
                return Wanted::Refused;
            }
        };
        let goes = goes.map(|place| {
            self.items[place].2 = Fate::Missing;
            self.items[place].0
        });
        self.items.push((item, key, Fate::Waits));
        goes.map_or(Wanted::Accepted, Wanted::Displaced)
    }

    fn pop(&mut self) -> Option<Popped<u64>> {
        let missing = self.items[self.read..]
            .iter()
            .take_while(|item| item.2 == Fate::Missing)
            .count();
        if missing > 0 {
            self.read += missing;
            return Some(Popped::Lost(missing as u64));
        }
        let item = self.items.get(self.read)?.0;
        self.read += 1;
        Some(Popped::Item(item))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Policy {
    Oldest,
    Newest,
    Latest,
    Disconnect,
}

#[derive(Debug, PartialEq)]
enum Wanted {
    Accepted,
    Displaced(u64),
    Refused,
}

fn queue(policy: Policy, capacity: usize) -> Queue<u64> {
    match policy {
        Policy::Oldest => Queue::new(capacity, WhenFull::DropOldest),
        Policy::Newest => Queue::new(capacity, WhenFull::DropNewest),
        Policy::Disconnect => Queue::new(capacity, WhenFull::Disconnect),
        Policy::Latest => Queue::latest(capacity),
    }
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::Oldest),
        Just(Policy::Newest),
        Just(Policy::Latest),
        Just(Policy::Disconnect),
    ]
}

proptest! {
    #[test]
    fn every_policy_does_what_the_naive_queue_does(
        policy in policy(),
        capacity in 0_usize..6,
        // `None` takes something out; a number puts something in with that key.
        deeds in vec(prop_oneof![1 => Just(None), 2 => (0_u64..5).prop_map(Some)], 0..400),
    ) {
        let mut queue = queue(policy, capacity);
        let mut naive = Naive::default();
        for (number, deed) in deeds.into_iter().enumerate() {
            let item = number as u64;
            match deed {
                Some(_) if capacity == 0 => {
                    // No room at all: whatever the policy is, the new one is missing.
                    naive.items.push((item, 0, Fate::Missing));
                    let pushed = queue.push(item, None);
                    prop_assert!(matches!(pushed, Pushed::Refused(_) | Pushed::Overflown(_)));
                }
                Some(key) => {
                    let wanted = naive.push(item, key, capacity, policy);
                    let key = (policy == Policy::Latest).then_some(LatestKey::Number(key));
                    let pushed = match queue.push(item, key) {
                        Pushed::Accepted => Wanted::Accepted,
                        Pushed::Displaced(other) => Wanted::Displaced(other),
                        Pushed::Refused(other) => {
                            prop_assert_eq!((other, policy == Policy::Disconnect), (item, false));
                            Wanted::Refused
                        }
                        Pushed::Overflown(other) => {
                            prop_assert_eq!((other, policy), (item, Policy::Disconnect));
                            Wanted::Refused
                        }
                    };
                    prop_assert_eq!(pushed, wanted);
                }
                None => prop_assert_eq!(queue.pop(), naive.pop()),
            }
            let waiting: Vec<u64> = naive.waiting().into_iter().map(|place| naive.items[place].0).collect();
            let mut seen = Vec::new();
            queue.for_each(|item| seen.push(*item));
            prop_assert_eq!(&seen, &waiting);
            prop_assert_eq!(queue.len(), waiting.len());
            prop_assert!(queue.len() <= capacity);
            prop_assert_eq!(queue.has_room(), waiting.len() < capacity);
        }
        loop {
            let (is, wanted) = (queue.pop(), naive.pop());
            prop_assert_eq!(&is, &wanted);
            if is.is_none() {
                break;
            }
        }
    }

    #[test]
    fn a_queue_of_the_latest_never_has_a_key_twice(keys in vec(0_u64..8, 0..200), capacity in 1_usize..10) {
        let mut queue = Queue::latest(capacity);
        for key in keys {
            queue.push(key, Some(LatestKey::Number(key)));
            let mut seen = HashSet::new();
            queue.for_each(|item| assert!(seen.insert(*item)));
        }
    }
}

#[test]
fn a_loss_without_an_item_is_told_in_its_place() {
    for mut queue in [Queue::new(4, WhenFull::DropOldest), Queue::latest(4)] {
        queue.push(1, Some(LatestKey::Number(1)));
        queue.lose();
        queue.push(2, Some(LatestKey::Number(2)));
        queue.lose();
        let told: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(
            told,
            [
                Popped::Item(1),
                Popped::Lost(1),
                Popped::Item(2),
                Popped::Lost(1)
            ]
        );
    }
}

#[test]
fn a_queue_that_was_taken_begins_anew() {
    for mut queue in [Queue::new(2, WhenFull::DropOldest), Queue::latest(2)] {
        for item in 0..5 {
            queue.push(item, Some(LatestKey::Number(item)));
        }
        assert_eq!(queue.take(), [3, 4]);
        assert_eq!((queue.len(), queue.pop()), (0, None));
        queue.push(9, Some(LatestKey::Number(4)));
        assert_eq!(queue.pop(), Some(Popped::Item(9)));
    }
}

#[test]
fn an_item_without_a_key_replaces_none() {
    let mut queue = Queue::latest(3);
    for item in [1, 2, 3] {
        assert_eq!(queue.push(item, None), Pushed::Accepted);
    }
    assert_eq!(queue.push(4, None), Pushed::Displaced(1));
    assert_eq!(queue.pop(), Some(Popped::Lost(1)));
    assert_eq!(queue.pop(), Some(Popped::Item(2)));
}
