//! Who subscribes to exactly one topic or pattern.

use crate::ring::Ring;
use crate::subscriber::{Kind, Subscriber};
use crate::sync::Arc;
use crate::trie::Items;

pub(crate) struct List<M> {
    /// Those who share a queue. There is one only while somebody is in it.
    ring: Option<Arc<Ring<M>>>,
    /// Those who have one of their own, and servers.
    own: Vec<Arc<Subscriber<M>>>,
}

impl<M> List<M> {
    pub(crate) const fn ring(&self) -> Option<&Arc<Ring<M>>> {
        self.ring.as_ref()
    }

    pub(crate) fn own(&self) -> &[Arc<Subscriber<M>>] {
        &self.own
    }

    pub(crate) fn len(&self) -> usize {
        self.own.len() + self.ring.as_ref().map_or(0, |ring| ring.len())
    }

    /// Enters a subscriber; tells whether routes have changed by that. One more in a ring changes none.
    pub(crate) fn enter(&mut self, subscriber: &Arc<Subscriber<M>>) -> bool {
        let Kind::Ring(seat) = subscriber.kind() else {
            subscriber.set_place(self.own.len());
            self.own.push(Arc::clone(subscriber));
            return true;
        };
        let is_new = self.ring.is_none();
        let ring = self.ring.get_or_insert_with(|| Arc::new(Ring::new()));
        seat.take(ring, subscriber);
        is_new
    }

    /// Takes a subscriber out, which accepts nothing more. Returns what is to be dropped after the lock, and tells whether routes have
    /// changed.
    pub(crate) fn leave(&mut self, subscriber: &Subscriber<M>) -> Left<M> {
        if let Kind::Ring(seat) = subscriber.kind() {
            // Another ring may be there by now, and there is none if somebody else was the last to leave.
            let is_last = seat
                .ring()
                .zip(self.ring.as_ref())
                .is_some_and(|(own, ring)| Arc::ptr_eq(own, ring) && ring.len() == 0);
            return Left {
                changed: is_last,
                _ring: is_last.then(|| self.ring.take()).flatten(),
                _subscriber: None,
            };
        }
        let place = subscriber.place();
        let is_there = self
            .own
            .get(place)
            .is_some_and(|other| other.id() == subscriber.id());
        let taken = is_there.then(|| self.own.swap_remove(place));
        if let Some(moved) = self.own.get(place).filter(|_| is_there) {
            moved.set_place(place);
        }
        if self.own.is_empty() {
            // What has held many holds no memory when it holds none.
            self.own = Vec::new();
        }
        Left {
            changed: is_there,
            _ring: None,
            _subscriber: taken,
        }
    }

    pub(crate) fn for_each(&self, mut found: impl FnMut(&Arc<Subscriber<M>>)) {
        self.own.iter().for_each(&mut found);
        if let Some(ring) = &self.ring {
            ring.for_each(found);
        }
    }
}

/// What is left of one that was taken out.
pub(crate) struct Left<M> {
    pub(crate) changed: bool,
    _ring: Option<Arc<Ring<M>>>,
    _subscriber: Option<Arc<Subscriber<M>>>,
}

impl<M> Default for List<M> {
    fn default() -> Self {
        Self {
            ring: None,
            own: Vec::new(),
        }
    }
}

impl<M> Items for List<M> {
    fn is_empty(&self) -> bool {
        self.ring.is_none() && self.own.is_empty()
    }
}
