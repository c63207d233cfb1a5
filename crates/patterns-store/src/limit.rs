//! The bound on the number of rows.

use crate::sync::{AtomicUsize, Ordering};

/// How many rows there may be, and how many places are taken.
///
/// A place is taken before its row is put, and given back after a row was removed, so there are never
/// more rows than places taken, and never more of those than `most`. The number guards no other memory,
/// so all access to it is relaxed.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) most: usize,
    taken: AtomicUsize,
}

impl Limit {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            taken: AtomicUsize::new(0),
        }
    }

    /// Takes `count` places, all or none.
    pub(crate) fn take(&self, count: usize) -> Option<Places<'_>> {
        let more = |taken: usize| taken.checked_add(count).filter(|&sum| sum <= self.most);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Places {
            limit: Some(self),
            count,
        })
    }

    fn give_back(&self, count: usize) {
        if count > 0 {
            self.taken.fetch_sub(count, Ordering::Relaxed);
        }
    }

    /// Settles a change of a shard that had `before` rows and has `after`.
    pub(crate) fn settle(&self, before: usize, after: usize) {
        self.give_back(before.saturating_sub(after));
    }
}

/// Places that were taken and are not used yet. What is left is given back.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    limit: Option<&'a Limit>,
    count: usize,
}

impl Places<'_> {
    /// Where there is no bound, there is always a place.
    pub(crate) fn unbounded() -> Self {
        Self {
            limit: None,
            count: 0,
        }
    }

    /// Uses `count` of them for rows that were put.
    pub(crate) fn use_up(&mut self, count: usize) {
        self.count -= count.min(self.count);
    }
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        if let Some(limit) = self.limit {
            limit.give_back(self.count);
        }
    }
}
