//! When each entry of a shard has idled too long.
//!
//! Readers move an entry's end on under the shard's shared lock, so it is an atomic. It orders nothing
//! and guards nothing: all access is relaxed.

use std::sync::atomic::{AtomicU64, Ordering};

/// The moments at which the entries have idled too long, at the entries' own indices.
#[derive(Debug)]
pub(crate) struct Idle {
    time_to_idle: u64,
    ends: Vec<AtomicU64>,
}

impl Idle {
    pub(crate) fn new(time_to_idle: u64) -> Self {
        Self {
            time_to_idle,
            ends: Vec::new(),
        }
    }

    /// When something idles too long that is used now.
    pub(crate) fn ends(&self, now: u64) -> u64 {
        // The saturated sum is `NEVER`.
        now.saturating_add(self.time_to_idle)
    }

    /// When the entry at `index` has idled too long.
    pub(crate) fn at(&self, index: usize) -> u64 {
        self.ends[index].load(Ordering::Relaxed)
    }

    /// Notes a use. Says whether it came in time; if not, it is none.
    pub(crate) fn touch(&self, index: usize, now: u64) -> bool {
        let end = &self.ends[index];
        if end.load(Ordering::Relaxed) <= now {
            return false;
        }
        // Another reader may have looked at the clock later and been here sooner.
        end.fetch_max(self.ends(now), Ordering::Relaxed);
        true
    }

    /// Begins anew for another value at `index`. Returns when that has idled too long.
    pub(crate) fn begin(&mut self, index: usize, now: u64) -> u64 {
        let end = self.ends(now);
        *self.ends[index].get_mut() = end;
        end
    }

    pub(crate) fn push(&mut self, now: u64) {
        self.ends.push(AtomicU64::new(self.ends(now)));
    }

    pub(crate) fn swap_remove(&mut self, index: usize) {
        self.ends.swap_remove(index);
    }

    /// All of them, for their memory to be taken in.
    pub(crate) fn all(&mut self) -> &mut Vec<AtomicU64> {
        &mut self.ends
    }
}
