//! What goes over all entries of a shard: counts, copies, and the sweep.

use std::mem;

use hashbrown::HashTable;
use otp_core::clock::NEVER;

use super::{Entry, Shard, Walk, is_over};
use crate::s3fifo::to_index;

/// How many entries one step of a sweep looks at, at most. What is done to each costs some tens of
/// nanoseconds, a few hundred where every access misses the cache.
pub(crate) const STEP: usize = 256;

impl<K, V> Shard<K, V> {
    /// Counts the live entries. It looks at each deadline only if one may be over.
    pub(crate) fn count_live(&self, now: impl Fn() -> u64) -> usize {
        if !is_over(self.soonest, &now) {
            return self.entries.len();
        }
        let now = now();
        (0..self.entries.len())
            .filter(|&at| self.expires(at) > now)
            .count()
    }

    /// Adds a clone of each live entry's key to `keys`.
    pub(crate) fn keys(&self, now: u64, keys: &mut Vec<K>)
    where
        K: Clone,
    {
        let live = (0..self.entries.len()).filter(|&at| self.expires(at) > now);
        keys.extend(live.map(|at| self.entries[at].key.clone()));
    }

    /// Adds a copy of up to `STEP` live entries, those below `from`, to `copies`, each with its stamp.
    /// Returns where the next call goes on, 0 after the last.
    pub(crate) fn copy_step(&self, from: usize, now: u64, copies: &mut Vec<(K, V, u32)>) -> usize
    where
        K: Clone,
        V: Clone,
    {
        let from = from.min(self.entries.len());
        let to = from.saturating_sub(STEP);
        for at in (to..from).filter(|&at| self.expires(at) > now) {
            let entry = &self.entries[at];
            copies.push((entry.key.clone(), entry.value.clone(), entry.stamp));
        }
        to
    }

    /// Begins to walk over all entries, if one of them may have expired. Says whether it did.
    pub(crate) fn begin_sweep(&mut self, now: u64) -> bool {
        // Whatever has stopped being live stays for the grace period, if it was not for idling.
        let grace = if self.idle.is_some() {
            0
        } else {
            self.terms.grace
        };
        let worth_it = is_over(self.soonest.saturating_add(grace), || now);
        self.walk = if worth_it {
            Walk {
                rest: self.entries.len(),
                soonest: NEVER,
            }
        } else {
            Walk {
                rest: 0,
                soonest: self.soonest,
            }
        };
        worth_it
    }

    /// Looks at the next `STEP` entries and moves those that are kept no longer to `swept`. Says
    /// whether there are more to look at.
    pub(crate) fn sweep_step(&mut self, now: u64, swept: &mut Vec<Entry<K, V>>) -> bool {
        // Fewer may be here than when the walk began.
        let from = self.walk.rest.min(self.entries.len());
        let to = from.saturating_sub(STEP);
        for index in (to..from).rev() {
            if is_over(self.goes(index), || now) {
                self.expired += 1;
                swept.push(self.swap_remove(to_index(index)));
            } else {
                self.walk.soonest = self.walk.soonest.min(self.expires(index));
            }
        }
        self.walk.rest = to;
        if to == 0 {
            self.soonest = self.walk.soonest;
        }
        to > 0
    }

    /// Moves into less memory if a crowd has left, and returns the old memory for the caller to
    /// free: for megabytes that takes longer than a lock may be held. So does moving many
    /// entries, so it is done only where few are left.
    pub(crate) fn outgrown(&mut self) -> Option<impl Sized + use<K, V>> {
        if self.entries.len() > STEP || self.entries.capacity() <= 4 * STEP {
            return None;
        }
        let entries = fitted(&mut self.entries);
        let mut table = HashTable::with_capacity(self.entries.len());
        for (index, entry) in self.entries.iter().enumerate() {
            let rehash = |&at: &u32| self.entries[at as usize].hash;
            table.insert_unique(entry.hash, to_index(index), rehash);
        }
        let table = mem::replace(&mut self.table, table);
        let links = self.policy.as_mut().map(|policy| fitted(policy.links()));
        let idle = self.idle.as_mut().map(|idle| fitted(idle.all()));
        Some((entries, table, links, idle))
    }
}

/// Moves the elements of `full` into memory of their size. Returns the empty old one.
fn fitted<T>(full: &mut Vec<T>) -> Vec<T> {
    let mut fitting = Vec::with_capacity(full.len());
    fitting.append(full);
    mem::replace(full, fitting)
}
