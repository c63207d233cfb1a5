//! A queue that keeps what it has room for, at one end or the other.

use std::collections::VecDeque;

use super::{Popped, Pushed, WhenFull};

/// A queue that has grown beyond this gives its memory back when it is found empty.
const KEPT_CAPACITY: usize = 64;

#[derive(Debug)]
pub(crate) struct Plain<T> {
    /// Each item with how many are missing right before it.
    slots: VecDeque<(u64, T)>,
    /// How many are missing after the last one.
    lost: u64,
    capacity: usize,
    when_full: WhenFull,
}

impl<T> Plain<T> {
    pub(super) const fn new(capacity: usize, when_full: WhenFull) -> Self {
        Self {
            slots: VecDeque::new(),
            lost: 0,
            capacity,
            when_full,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, item: T) -> Pushed<T> {
        if self.slots.len() < self.capacity {
            self.slots.push_back((std::mem::take(&mut self.lost), item));
            return Pushed::Accepted;
        }
        self.push_full(item)
    }

    fn push_full(&mut self, item: T) -> Pushed<T> {
        match self.when_full {
            WhenFull::DropOldest => {
                let Some((before, oldest)) = self.slots.pop_front() else {
                    // Only a queue without any room is both full and empty.
                    self.lost += 1;
                    return Pushed::Refused(item);
                };
                let gap = match self.slots.front_mut() {
                    Some((gap, _)) => gap,
                    None => &mut self.lost,
                };
                *gap += before + 1;
                self.slots.push_back((std::mem::take(&mut self.lost), item));
                Pushed::Displaced(oldest)
            }
            WhenFull::DropNewest => {
                self.lost += 1;
                Pushed::Refused(item)
            }
            WhenFull::Disconnect => {
                self.lost += 1;
                Pushed::Overflown(item)
            }
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Popped<T>> {
        let Some((before, _)) = self.slots.front_mut() else {
            return self.pop_empty();
        };
        if *before > 0 {
            return Some(Popped::Lost(std::mem::take(before)));
        }
        self.slots.pop_front().map(|(_, item)| Popped::Item(item))
    }

    fn pop_empty(&mut self) -> Option<Popped<T>> {
        if self.slots.capacity() > KEPT_CAPACITY {
            self.slots = VecDeque::new();
        }
        (self.lost > 0).then(|| Popped::Lost(std::mem::take(&mut self.lost)))
    }

    pub(super) fn lose(&mut self) {
        self.lost += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.slots.is_empty() && self.lost == 0
    }

    pub(super) fn has_room(&self) -> bool {
        self.slots.len() < self.capacity
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().map(|(_, item)| item)
    }

    pub(super) fn take(&mut self) -> Vec<T> {
        self.lost = 0;
        let slots = std::mem::take(&mut self.slots);
        slots.into_iter().map(|(_, item)| item).collect()
    }
}
