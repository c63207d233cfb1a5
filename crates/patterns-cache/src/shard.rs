//! One shard of the table: entries found by hash, their deadlines, and the policy if there is a
//! bound.
//!
//! It is pure: it has no lock, and it is told what time it is. `now` is a function because most
//! calls need no clock, which costs more than the lookup; it is called only where a deadline is
//! met.
//!
//! User code runs here in two places, `Eq` in `find` and `Clone` in `keys`, and in both the shard
//! is whole and only borrowed. Nothing of the user's is dropped here: what leaves is handed out.
//!
//! Invariants:
//! 1. Entries are dense: `table` holds each index below `entries.len()` once, under its entry's
//!    hash.
//! 2. No two entries have equal keys.
//! 3. `soonest` is no later than any deadline here, and `walk.soonest` no later than that of any
//!    entry at `walk.rest` or above: those that the walk has passed, and those that came after it
//!    began.
//! 4. With a policy: those of `s3fifo.rs`, so there are never more entries than its capacity.

use std::borrow::Borrow;

use hashbrown::HashTable;

use crate::clock::NEVER;
use crate::s3fifo::{Candidate, S3Fifo, Uses, to_index};

/// How many entries one step of a sweep looks at, at most. What is done to each costs some tens of
/// nanoseconds, a few hundred where every access misses the cache.
pub(crate) const STEP: usize = 256;

/// A key, its value, and what the shard has to know of them.
#[derive(Debug)]
pub(crate) struct Entry<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    /// Kept so that growing the table, moving and evicting never call the user's `Hash`.
    hash: u64,
    deadline: u64,
    uses: Uses,
}

impl<K, V> Entry<K, V> {
    pub(crate) fn is_expired(&self, now: impl Fn() -> u64) -> bool {
        is_over(self.deadline, now)
    }
}

fn is_over(deadline: u64, now: impl Fn() -> u64) -> bool {
    deadline != NEVER && deadline <= now()
}

#[derive(Debug)]
pub(crate) struct Shard<K, V> {
    table: HashTable<u32>,
    entries: Vec<Entry<K, V>>,
    policy: Option<S3Fifo>,
    soonest: u64,
    walk: Walk,
    pub(crate) evicted: u64,
    pub(crate) expired: u64,
}

/// How far a sweep has come. It goes downwards, because a removal fills the gap with the last
/// entry, and that one has been looked at already.
#[derive(Debug)]
struct Walk {
    /// The entries below this index are still to be looked at.
    rest: usize,
    soonest: u64,
}

impl<K, V> Shard<K, V> {
    /// Makes an empty shard, which holds at most `capacity` entries if that is given.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        Self {
            table: HashTable::new(),
            entries: Vec::new(),
            policy: capacity.map(S3Fifo::new),
            soonest: NEVER,
            walk: Walk {
                rest: 0,
                soonest: NEVER,
            },
            evicted: 0,
            expired: 0,
        }
    }

    /// Returns the index of the key's entry, live or not. It is good until the shard is next
    /// changed.
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let is_it = |&at: &u32| {
            let entry = &self.entries[at as usize];
            entry.hash == hash && entry.key.borrow() == key
        };
        self.table.find(hash, is_it).copied()
    }

    pub(crate) fn entry(&self, index: u32) -> &Entry<K, V> {
        &self.entries[index as usize]
    }

    /// Notes a read of a live entry, for the policy.
    pub(crate) fn count_use(&self, entry: &Entry<K, V>) {
        if self.policy.is_some() {
            entry.uses.count();
        }
    }

    /// Puts another value into an entry. Returns the old one, and whether it was live.
    pub(crate) fn replace(
        &mut self,
        index: u32,
        value: V,
        deadline: u64,
        now: impl Fn() -> u64,
    ) -> (V, bool) {
        let live = !self.entry(index).is_expired(now);
        if live {
            self.count_use(self.entry(index));
        } else {
            self.expired += 1;
        }
        self.note_deadline(deadline);
        let entry = &mut self.entries[index as usize];
        entry.deadline = deadline;
        (std::mem::replace(&mut entry.value, value), live)
    }

    /// Adds an entry whose key is not here. Returns the one that had to go for it, if any.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        key: K,
        value: V,
        deadline: u64,
        now: impl Fn() -> u64,
    ) -> Option<Entry<K, V>> {
        self.note_deadline(deadline);
        let entry = Entry {
            key,
            value,
            hash,
            deadline,
            uses: Uses::default(),
        };
        let entries = &mut self.entries;
        let (index, evicted) = match &mut self.policy {
            Some(policy) if policy.is_full() => {
                let (index, expired) = policy.replace(hash, |at| {
                    let Entry {
                        hash,
                        uses,
                        deadline,
                        ..
                    } = &entries[at as usize];
                    Candidate {
                        hash: *hash,
                        uses,
                        expired: is_over(*deadline, &now),
                    }
                });
                *(if expired {
                    &mut self.expired
                } else {
                    &mut self.evicted
                }) += 1;
                let evicted = std::mem::replace(&mut entries[index as usize], entry);
                unlist(&mut self.table, evicted.hash, index);
                (index, Some(evicted))
            }
            policy => {
                let index = to_index(entries.len());
                if let Some(policy) = policy {
                    policy.push(hash);
                }
                entries.push(entry);
                (index, None)
            }
        };
        self.table
            .insert_unique(hash, index, |&at| entries[at as usize].hash);
        evicted
    }

    /// Takes an entry out. Returns it, and whether it was live.
    pub(crate) fn take(&mut self, index: u32, now: impl Fn() -> u64) -> (Entry<K, V>, bool) {
        let live = !self.entry(index).is_expired(now);
        if !live {
            self.expired += 1;
        }
        (self.swap_remove(index), live)
    }

    /// Empties the shard and hands out all that it held. The counts stay.
    pub(crate) fn clear(&mut self) -> Self {
        let empty = Self {
            evicted: self.evicted,
            expired: self.expired,
            ..Self::new(self.policy.as_ref().map(S3Fifo::capacity))
        };
        std::mem::replace(self, empty)
    }

    /// Counts the live entries. It looks at each deadline only if one may be over.
    pub(crate) fn count_live(&self, now: impl Fn() -> u64) -> usize {
        if !is_over(self.soonest, &now) {
            return self.entries.len();
        }
        let now = now();
        self.entries
            .iter()
            .filter(|entry| !entry.is_expired(|| now))
            .count()
    }

    /// Adds a clone of each live entry's key to `keys`.
    pub(crate) fn keys(&self, now: u64, keys: &mut Vec<K>)
    where
        K: Clone,
    {
        let live = self
            .entries
            .iter()
            .filter(|entry| !entry.is_expired(|| now));
        keys.extend(live.map(|entry| entry.key.clone()));
    }

    /// Begins to walk over all entries, if one of them may have expired. Says whether it did.
    pub(crate) fn begin_sweep(&mut self, now: u64) -> bool {
        let worth_it = is_over(self.soonest, || now);
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

    /// Looks at the next `STEP` entries and moves those that have expired to `swept`. Says whether
    /// there are more to look at.
    pub(crate) fn sweep_step(&mut self, now: u64, swept: &mut Vec<Entry<K, V>>) -> bool {
        // Fewer may be here than when the walk began.
        let from = self.walk.rest.min(self.entries.len());
        let to = from.saturating_sub(STEP);
        for index in (to..from).rev() {
            let deadline = self.entries[index].deadline;
            if is_over(deadline, || now) {
                self.expired += 1;
                swept.push(self.swap_remove(to_index(index)));
            } else {
                self.walk.soonest = self.walk.soonest.min(deadline);
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
        let table = std::mem::replace(&mut self.table, table);
        let links = self.policy.as_mut().map(|policy| fitted(policy.links()));
        Some((entries, table, links))
    }

    fn note_deadline(&mut self, deadline: u64) {
        self.soonest = self.soonest.min(deadline);
        self.walk.soonest = self.walk.soonest.min(deadline);
    }

    fn swap_remove(&mut self, index: u32) -> Entry<K, V> {
        unlist(&mut self.table, self.entries[index as usize].hash, index);
        let last = to_index(self.entries.len() - 1);
        if index != last {
            let moved = self.entries[last as usize].hash;
            let listed = self.table.find_mut(moved, |&at| at == last);
            *listed.expect("each entry is in the table") = index;
        }
        if let Some(policy) = &mut self.policy {
            policy.swap_remove(index);
        }
        self.entries.swap_remove(index as usize)
    }
}

/// Moves the elements of `full` into memory of their size. Returns the empty old one.
fn fitted<T>(full: &mut Vec<T>) -> Vec<T> {
    let mut fitting = Vec::with_capacity(full.len());
    fitting.append(full);
    std::mem::replace(full, fitting)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests;

/// Takes an index out of the table.
fn unlist(table: &mut HashTable<u32>, hash: u64, index: u32) {
    let listed = table.find_entry(hash, |&at| at == index);
    listed.expect("each entry is in the table").remove();
}
