//! One shard: rows, when the first of them may be over, how far a sweep has come, and who watches.
//!
//! Invariants:
//! 1. `soonest` is no later than any deadline here.
//! 2. `walk.soonest` is no later than that of any row that the walk has passed, or that was put since it
//!    began; unless rows have moved, which [`Rows::moved`] tells.
//! 3. Who is in `watchers` was told of every row here, and is told of every change before the lock is
//!    released.

use std::mem;

use otp_core::clock::NEVER;

use crate::limit::Limit;
use crate::moment::Moment;
use crate::rows::{Rows, Taken};
use crate::watch::{Event, Telling, Watchers, What};

/// How many rows one step of a sweep looks at, at most.
pub(crate) const STEP: usize = 256;

pub(crate) struct Shard<K, V, R: Rows<K, V>> {
    pub(crate) rows: R,
    pub(crate) watchers: Watchers<K, V>,
    soonest: u64,
    walk: Walk<R::Cursor>,
}

struct Walk<C> {
    cursor: C,
    soonest: u64,
}

/// What a change leaves behind: all that must be told or dropped, but not under the lock. It is made before the
/// lock is taken, so that it goes after it, also when code of the program panics.
pub(crate) struct Bin<K, V, R: Rows<K, V>> {
    pub(crate) places: Vec<R::Place>,
    pub(crate) taken: Taken<K, V>,
    pub(crate) cursors: Vec<R::Cursor>,
    pub(crate) telling: Telling,
}

impl<K, V, R: Rows<K, V>> Default for Bin<K, V, R> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            taken: Vec::new(),
            cursors: Vec::new(),
            telling: Telling::default(),
        }
    }
}

impl<K, V, R: Rows<K, V>> Shard<K, V, R> {
    pub(crate) fn new() -> Self {
        Self {
            rows: R::default(),
            watchers: Vec::new(),
            soonest: NEVER,
            walk: Walk {
                cursor: R::Cursor::default(),
                soonest: NEVER,
            },
        }
    }

    /// Notes the deadline of a row that is put, or put back: it may have come to a place that the walk has
    /// passed.
    #[inline]
    pub(crate) fn note_deadline(&mut self, deadline: u64) {
        self.soonest = self.soonest.min(deadline);
        self.walk.soonest = self.walk.soonest.min(deadline);
    }

    /// Counts the live rows. It looks at each only if one may be over.
    pub(crate) fn count_live(&self, now: &Moment<'_>) -> usize {
        if !now.is_over(self.soonest) {
            return self.rows.len();
        }
        let mut live = 0;
        self.rows
            .visit(|_, row| live += usize::from(!now.is_over(row.deadline)));
        live
    }

    /// Tells the watchers and takes the rows at `bin.places` out.
    pub(crate) fn remove_picked(
        &mut self,
        bin: &mut Bin<K, V, R>,
        what: What,
        limit: Option<&Limit>,
    ) {
        if !self.watchers.is_empty() {
            for (key, row) in bin.places.iter().filter_map(|place| self.rows.at(place)) {
                let event = Event(what, key, &row.value);
                bin.telling.prepare(&self.watchers, &event);
            }
        }
        let before = self.rows.len();
        self.rows.take(&bin.places, &mut bin.taken);
        if let Some(limit) = limit {
            limit.settle(before, self.rows.len());
        }
        bin.telling.commit();
    }

    /// Hands out all rows, and tells the watchers.
    pub(crate) fn clear(&mut self, bin: &mut Bin<K, V, R>, limit: Option<&Limit>) -> R {
        let watchers = &self.watchers;
        if !watchers.is_empty() {
            let telling = &mut bin.telling;
            self.rows.visit(|key, row| {
                telling.prepare(watchers, &Event(What::Deleted, key, &row.value));
            });
        }
        let rows = mem::take(&mut self.rows);
        if let Some(limit) = limit {
            limit.settle(rows.len(), 0);
        }
        self.soonest = NEVER;
        self.walk.soonest = NEVER;
        bin.cursors.push(mem::take(&mut self.walk.cursor));
        bin.telling.commit();
        rows
    }

    /// Begins to walk over all rows, if one of them may be over. Says whether it did.
    pub(crate) fn begin_sweep(&mut self, bin: &mut Bin<K, V, R>, now: &Moment<'_>) -> bool {
        let worth_it = now.is_over(self.soonest);
        if worth_it {
            bin.cursors.push(mem::take(&mut self.walk.cursor));
            self.walk.soonest = NEVER;
            self.rows.moved();
        }
        worth_it
    }

    /// Looks at the next rows and takes out those whose time is over. Says whether there are more to look
    /// at.
    pub(crate) fn sweep_step(
        &mut self,
        bin: &mut Bin<K, V, R>,
        now: &Moment<'_>,
        limit: Option<&Limit>,
    ) -> bool {
        let soonest = &mut self.walk.soonest;
        let over = |_: &K, row: &crate::rows::Row<V>| {
            let over = now.is_over(row.deadline);
            if !over {
                *soonest = row.deadline.min(*soonest);
            }
            over
        };
        let next = self
            .rows
            .pick(&self.walk.cursor, STEP, over, &mut bin.places);
        self.remove_picked(bin, What::Expired, limit);
        match next {
            Some(next) => {
                bin.cursors.push(mem::replace(&mut self.walk.cursor, next));
                true
            }
            None => {
                // Rows that have moved may have escaped the walk; the next one will meet them.
                if !self.rows.moved() {
                    self.soonest = self.walk.soonest;
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
