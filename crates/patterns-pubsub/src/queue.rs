//! The queue of one subscriber, without a lock and without a clock: what waits, and where something is missing.
//!
//! Invariants:
//! 1. There are never more than `capacity` items.
//! 2. What is taken out comes in the order in which it was put in.
//! 3. Each item that does not come is counted in exactly one gap, at the place where it is missing.

mod latest;
mod plain;
#[cfg(test)]
mod tests;

use crate::LatestKey;
use latest::Latest;
use plain::Plain;

/// What a full queue does with one item more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenFull {
    DropOldest,
    DropNewest,
    Disconnect,
}

/// What became of an item that was put in, and what has to be dropped for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed<T> {
    /// It waits.
    Accepted,
    /// It waits in the place of this one, which is counted as missing.
    Displaced(T),
    /// It does not wait, and is counted as missing.
    Refused(T),
    /// The same, and it was the last one: the subscriber was too slow.
    Overflown(T),
}

/// What is taken out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Popped<T> {
    Item(T),
    /// So many are missing here.
    Lost(u64),
}

#[derive(Debug)]
pub(crate) enum Queue<T> {
    Plain(Plain<T>),
    Latest(Box<Latest<T>>),
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize, when_full: WhenFull) -> Self {
        Self::Plain(Plain::new(capacity, when_full))
    }

    /// One in which at most one item waits for each key.
    pub(crate) fn latest(capacity: usize) -> Self {
        Self::Latest(Box::new(Latest::new(capacity)))
    }

    /// Puts an item in. One that has no key is the only one of its kind.
    #[inline]
    pub(crate) fn push(&mut self, item: T, key: Option<LatestKey>) -> Pushed<T> {
        match self {
            Self::Plain(queue) => queue.push(item),
            Self::Latest(queue) => queue.push(item, key),
        }
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Popped<T>> {
        match self {
            Self::Plain(queue) => queue.pop(),
            Self::Latest(queue) => queue.pop(),
        }
    }

    /// Counts one that would have come now as missing.
    pub(crate) fn lose(&mut self) {
        match self {
            Self::Plain(queue) => queue.lose(),
            Self::Latest(queue) => queue.lose(),
        }
    }

    /// How many items wait.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Plain(queue) => queue.len(),
            Self::Latest(queue) => queue.len(),
        }
    }

    /// Tells whether there is neither an item nor a gap to take out.
    pub(crate) fn is_exhausted(&self) -> bool {
        match self {
            Self::Plain(queue) => queue.is_exhausted(),
            Self::Latest(queue) => queue.is_exhausted(),
        }
    }

    /// Tells whether one more fits without any loss.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Self::Plain(queue) => queue.has_room(),
            Self::Latest(queue) => queue.has_room(),
        }
    }

    /// Hands out what waits, oldest first.
    pub(crate) fn for_each<'q>(&'q self, mut found: impl FnMut(&'q T)) {
        match self {
            Self::Plain(queue) => queue.iter().for_each(&mut found),
            Self::Latest(queue) => queue.iter().for_each(&mut found),
        }
    }

    /// Takes everything out, and what is missing with it.
    pub(crate) fn take(&mut self) -> Vec<T> {
        match self {
            Self::Plain(queue) => queue.take(),
            Self::Latest(queue) => queue.take(),
        }
    }
}
