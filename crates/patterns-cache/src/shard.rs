//! One shard of the table: entries found by hash, their deadlines, and the policy if there is a
//! bound.
//!
//! It is pure: it has no lock, and it is told what time it is. `now` is a function because most
//! calls need no clock, which costs more than the lookup; it is called only where a deadline is
//! met.
//!
//! An entry is *live* until its time to live or its time to idle is over. It is *kept* for longer if
//! the cache serves stale values: then what outlived its time to live stays for the grace period,
//! found by `find` and seen only by who asks for stale values.
//!
//! User code runs here in two places, `Eq` in `find` and `Clone` in `keys`, and in both the shard
//! is whole and only borrowed. Nothing of the user's is dropped here: what leaves is handed out.
//!
//! Invariants:
//! 1. Entries are dense: `table` holds each index below `entries.len()` once, under its entry's
//!    hash.
//! 2. No two entries have equal keys.
//! 3. No entry here stops being live before `soonest`, and none at `walk.rest` or above before
//!    `walk.soonest`: those that the walk has passed, and those that came after it began.
//! 4. With a policy: those of `s3fifo.rs`, so there is never more than its capacity.
//! 5. With a time to idle, `idle` has one element for each entry, at the entry's own index.

mod entry;
mod walks;

use std::borrow::Borrow;

use hashbrown::HashTable;
use otp_core::clock::NEVER;

use crate::RemovalCause;
use crate::idle::Idle;
use crate::s3fifo::{S3Fifo, Uses, to_index};

pub(crate) use entry::{Entry, Gone, Terms};
use entry::{goes, is_over, look_at};

#[derive(Debug)]
pub(crate) struct Shard<K, V> {
    table: HashTable<u32>,
    entries: Vec<Entry<K, V>>,
    // Boxed, so that what a hit looks at is together.
    policy: Option<Box<S3Fifo>>,
    idle: Option<Box<Idle>>,
    terms: Terms,
    soonest: u64,
    walk: Walk,
    next_stamp: u32,
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
    /// Makes an empty shard, which holds at most `capacity` if that is given.
    pub(crate) fn new(capacity: Option<u64>, terms: Terms) -> Self {
        Self {
            table: HashTable::new(),
            entries: Vec::new(),
            policy: capacity.map(|capacity| Box::new(S3Fifo::new(capacity))),
            idle: terms.time_to_idle.map(|idle| Box::new(Idle::new(idle))),
            terms,
            soonest: NEVER,
            walk: Walk {
                rest: 0,
                soonest: NEVER,
            },
            next_stamp: 0,
            evicted: 0,
            expired: 0,
        }
    }

    /// Returns the index of the key's entry, live or not. It is good until the shard is next
    /// changed.
    #[inline]
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

    #[inline]
    pub(crate) fn entry(&self, index: u32) -> &Entry<K, V> {
        &self.entries[index as usize]
    }

    /// Says whether an entry is live. Nobody notices.
    #[inline]
    pub(crate) fn is_live(&self, index: u32, now: impl Fn() -> u64) -> bool {
        !is_over(self.expires(index as usize), now)
    }

    /// Says whether an entry is still here for those who take stale values.
    pub(crate) fn is_kept(&self, index: u32, now: impl Fn() -> u64) -> bool {
        !is_over(self.goes(index as usize), now)
    }

    /// Says whether an entry is live. If so that was a use of it, for the policy and for its time to
    /// idle.
    #[inline]
    pub(crate) fn touch(&self, index: u32, now: impl Fn() -> u64) -> bool {
        let entry = self.entry(index);
        if self.idle.is_some() {
            if !self.touch_idle(index, now) {
                return false;
            }
        } else if is_over(entry.deadline, now) {
            return false;
        }
        self.count_use(entry);
        true
    }

    #[cold]
    fn touch_idle(&self, index: u32, now: impl Fn() -> u64) -> bool {
        let now = now();
        let idle = self.idle.as_ref();
        self.entry(index).deadline > now && idle.is_none_or(|idle| idle.touch(index as usize, now))
    }

    /// What all entries weigh, or how many there are where they are only counted.
    pub(crate) fn weight(&self) -> u64 {
        self.policy
            .as_ref()
            .map_or(self.entries.len() as u64, |policy| policy.weight())
    }

    /// Says whether an entry of this weight can be here at all.
    #[inline]
    pub(crate) fn can_hold(&self, weight: u32) -> bool {
        let capacity = self.policy.as_ref().map(|policy| policy.capacity());
        capacity.is_none_or(|capacity| u64::from(weight) <= capacity)
    }

    #[inline]
    fn count_use(&self, entry: &Entry<K, V>) {
        if self.policy.is_some() {
            entry.uses.count();
        }
    }

    /// Puts another value into an entry. Returns the old one, and whether it was live. Where entries
    /// differ in weight, [`make_room`](Self::make_room) has to follow.
    #[inline]
    pub(crate) fn replace(
        &mut self,
        index: u32,
        value: V,
        deadline: u64,
        weight: u32,
        now: impl Fn() -> u64,
    ) -> (V, bool) {
        let live = self.is_live(index, &now);
        if live {
            self.count_use(self.entry(index));
        } else {
            self.expired += 1;
        }
        let expires = deadline.min(match &mut self.idle {
            Some(idle) => idle.begin(index as usize, now()),
            None => NEVER,
        });
        self.note_deadline(expires);
        if let (Some(policy), true) = (&mut self.policy, self.terms.weighs) {
            policy.reweigh(index, weight);
        }
        let stamp = self.stamp();
        let entry = &mut self.entries[index as usize];
        entry.deadline = deadline;
        entry.stamp = stamp;
        (std::mem::replace(&mut entry.value, value), live)
    }

    /// Adds an entry whose key is not here. Returns the one that had to go for it, if any. Where
    /// entries differ in weight, [`make_room`](Self::make_room) has to come first.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        key: K,
        value: V,
        deadline: u64,
        weight: u32,
        now: impl Fn() -> u64,
    ) -> Option<Gone<K, V>> {
        let entry = Entry {
            key,
            value,
            hash,
            deadline,
            stamp: self.stamp(),
            uses: Uses::default(),
        };
        let expires = deadline.min(match &mut self.idle {
            Some(idle) => idle.ends(now()),
            None => NEVER,
        });
        self.note_deadline(expires);
        let Self {
            entries,
            idle,
            terms,
            ..
        } = self;
        let (index, gone) = match &mut self.policy {
            Some(policy) if !policy.has_room_for(weight) => {
                let look = look_at(entries, idle.as_deref(), terms.grace, &now);
                let (index, expired) = policy.replace(hash, look);
                let gone = std::mem::replace(&mut entries[index as usize], entry);
                unlist(&mut self.table, gone.hash, index);
                if let Some(idle) = idle {
                    idle.begin(index as usize, now());
                }
                let cause = if expired {
                    self.expired += 1;
                    RemovalCause::Expired
                } else {
                    self.evicted += 1;
                    RemovalCause::Evicted
                };
                (index, Some((gone, cause)))
            }
            policy => {
                let index = to_index(entries.len());
                if let Some(policy) = policy {
                    policy.push(hash, weight);
                }
                if let Some(idle) = idle {
                    idle.push(now());
                }
                entries.push(entry);
                (index, None)
            }
        };
        self.table
            .insert_unique(hash, index, |&at| entries[at as usize].hash);
        gone
    }

    /// Evicts until there is room for an entry of this weight, which must not be more than the
    /// shard [can hold](Self::can_hold). What went is added to `gone`.
    pub(crate) fn make_room(
        &mut self,
        weight: u32,
        now: impl Fn() -> u64,
        gone: &mut Vec<Gone<K, V>>,
    ) {
        while let Some(policy) = &mut self.policy
            && !policy.has_room_for(weight)
        {
            let look = look_at(&self.entries, self.idle.as_deref(), self.terms.grace, &now);
            let (index, expired) = policy.evict(look);
            let cause = if expired {
                self.expired += 1;
                RemovalCause::Expired
            } else {
                self.evicted += 1;
                RemovalCause::Evicted
            };
            gone.push((self.remove_from_all_but_policy(index), cause));
        }
    }

    /// Takes an entry out. Returns it, and whether it was live.
    pub(crate) fn take(&mut self, index: u32, now: impl Fn() -> u64) -> (Entry<K, V>, bool) {
        let live = self.is_live(index, now);
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
            next_stamp: self.next_stamp,
            ..Self::new(
                self.policy.as_ref().map(|policy| policy.capacity()),
                self.terms,
            )
        };
        std::mem::replace(self, empty)
    }

    /// All entries, each with whether it is live.
    pub(crate) fn into_entries(
        mut self,
        now: u64,
    ) -> impl ExactSizeIterator<Item = (Entry<K, V>, bool)> {
        let idle = self.idle.take();
        let entries = std::mem::take(&mut self.entries);
        entries.into_iter().enumerate().map(move |(at, entry)| {
            let idles = idle.as_ref().map_or(NEVER, |idle| idle.at(at));
            let live = entry.deadline.min(idles) > now;
            (entry, live)
        })
    }

    /// When an entry stops being live.
    #[inline]
    fn expires(&self, index: usize) -> u64 {
        let deadline = self.entries[index].deadline;
        match &self.idle {
            Some(idle) => deadline.min(idle.at(index)),
            None => deadline,
        }
    }

    /// When an entry is kept no longer.
    fn goes(&self, index: usize) -> u64 {
        goes(&self.entries, self.idle.as_deref(), self.terms.grace, index)
    }

    fn stamp(&mut self) -> u32 {
        self.next_stamp = self.next_stamp.wrapping_add(1);
        self.next_stamp
    }

    #[inline]
    fn note_deadline(&mut self, deadline: u64) {
        self.soonest = self.soonest.min(deadline);
        self.walk.soonest = self.walk.soonest.min(deadline);
    }

    fn swap_remove(&mut self, index: u32) -> Entry<K, V> {
        if let Some(policy) = &mut self.policy {
            policy.swap_remove(index);
        }
        self.remove_from_all_but_policy(index)
    }

    fn remove_from_all_but_policy(&mut self, index: u32) -> Entry<K, V> {
        unlist(&mut self.table, self.entries[index as usize].hash, index);
        let last = to_index(self.entries.len() - 1);
        if index != last {
            let moved = self.entries[last as usize].hash;
            let listed = self.table.find_mut(moved, |&at| at == last);
            *listed.expect("each entry is in the table") = index;
        }
        if let Some(idle) = &mut self.idle {
            idle.swap_remove(index as usize);
        }
        self.entries.swap_remove(index as usize)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests;

/// Takes an index out of the table.
fn unlist(table: &mut HashTable<u32>, hash: u64, index: u32) {
    let listed = table.find_entry(hash, |&at| at == index);
    listed.expect("each entry is in the table").remove();
}
