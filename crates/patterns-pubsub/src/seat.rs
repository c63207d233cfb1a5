//! The place of a subscriber in the ring of its pattern.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::task::Waker;

use crate::Message;
use crate::ring::{Found, Ring};
use crate::stats::Tally;
use crate::subscriber::Subscriber;
use crate::subscription::Ended;
use crate::sync::{Arc, AtomicU64, Ordering};

pub(crate) struct Seat<M> {
    capacity: usize,
    /// Known once it is entered.
    taken: OnceLock<Taken<M>>,
    /// How many messages its subscription has received. Only that one writes it.
    received: AtomicU64,
}

struct Taken<M> {
    ring: Arc<Ring<M>>,
    place: usize,
    /// Whose place it is: another one may have it later.
    id: u64,
}

impl<M> Seat<M> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            taken: OnceLock::new(),
            received: AtomicU64::new(0),
        }
    }

    /// Takes a place in a ring, once.
    pub(crate) fn take(&self, ring: &Arc<Ring<M>>, subscriber: &Arc<Subscriber<M>>) {
        self.taken.get_or_init(|| Taken {
            ring: Arc::clone(ring),
            place: ring.join(subscriber, u64::try_from(self.capacity).unwrap_or(u64::MAX)),
            id: subscriber.id(),
        });
    }

    pub(crate) fn ring(&self) -> Option<&Arc<Ring<M>>> {
        self.taken.get().map(|taken| &taken.ring)
    }

    pub(crate) fn place(&self) -> Option<usize> {
        self.taken.get().map(|taken| taken.place)
    }

    /// Keeps of the retained messages what there is room for, the newest; returns how many it had to leave.
    pub(crate) fn give(&self, retained: &mut VecDeque<Message<M>>) -> Vec<Message<M>> {
        let left: Vec<_> = retained
            .drain(..retained.len().saturating_sub(self.capacity))
            .collect();
        if let Some(taken) = self.taken.get() {
            let (given, left) = (retained.len(), left.len());
            taken.ring.give(taken.place, given, left);
        }
        left
    }

    #[inline]
    pub(crate) fn next(&self, seen: &mut u64, hand: &mut VecDeque<Message<M>>) -> Found<M> {
        match self.taken.get() {
            Some(taken) => taken.ring.take(taken.place, seen, hand),
            None => Found::End,
        }
    }

    pub(crate) fn next_or_park(&self, hand: &mut VecDeque<Message<M>>, waker: Waker) -> Found<M> {
        match self.taken.get() {
            Some(taken) => taken.ring.take_or_park(taken.place, hand, waker),
            None => Found::End,
        }
    }

    pub(crate) fn end(&self, end: Ended) -> bool {
        let taken = self.taken.get();
        taken.is_some_and(|taken| taken.ring.end(taken.place, taken.id, end))
    }

    /// Gives the place back, once; returns the counts.
    pub(crate) fn discard(&self) -> Tally {
        let taken = self.taken.get();
        taken.map_or_else(Tally::default, |taken| {
            taken.ring.discard(taken.place, taken.id)
        })
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        let taken = self.taken.get()?;
        taken.ring.ended(taken.place, taken.id)
    }

    pub(crate) fn is_finished(&self) -> bool {
        let taken = self.taken.get();
        taken.is_none_or(|taken| taken.ring.is_finished(taken.place, taken.id))
    }

    pub(crate) fn tally(&self) -> Tally {
        let taken = self.taken.get();
        taken.map_or_else(Tally::default, |taken| {
            taken.ring.tally(taken.place, taken.id)
        })
    }

    #[inline]
    pub(crate) fn count_received(&self, received: u64) {
        self.received.store(received, Ordering::Relaxed);
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}
