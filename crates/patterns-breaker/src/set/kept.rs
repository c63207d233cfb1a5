//! The breakers of a part of a set, in the order in which they were last asked for.

use hashbrown::HashTable;

use super::BreakerSetStats;
use crate::Breaker;

/// No place.
const NONE: usize = usize::MAX;

#[derive(Debug)]
struct Entry<K> {
    hash: u64,
    key: K,
    breaker: Breaker,
    /// The one that was asked for later.
    later: usize,
    /// The one that was asked for earlier.
    earlier: usize,
}

/// A table of places in `entries`, which are all in use, and a list that goes through them.
#[derive(Debug)]
pub(super) struct Kept<K> {
    room: usize,
    table: HashTable<usize>,
    entries: Vec<Entry<K>>,
    latest: usize,
    earliest: usize,
    created: u64,
    evicted: u64,
    evicted_hot: u64,
    removed: u64,
}

impl<K> Kept<K> {
    pub(super) const fn new(room: usize) -> Self {
        Self {
            room,
            table: HashTable::new(),
            entries: Vec::new(),
            latest: NONE,
            earliest: NONE,
            created: 0,
            evicted: 0,
            evicted_hot: 0,
            removed: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn stats(&self) -> BreakerSetStats {
        BreakerSetStats {
            keys: self.entries.len(),
            created: self.created,
            evicted: self.evicted,
            evicted_hot: self.evicted_hot,
            removed: self.removed,
        }
    }

    /// Finds a breaker and makes it the one that was asked for last.
    pub(super) fn get(&mut self, hash: u64, is_it: impl Fn(&K) -> bool) -> Option<Breaker> {
        let place = self.find(hash, is_it)?;
        if self.latest != place {
            self.unlink(place);
            self.link(place);
        }
        Some(self.entries[place].breaker.clone())
    }

    pub(super) fn peek(&self, hash: u64, is_it: impl Fn(&K) -> bool) -> Option<Breaker> {
        let place = self.find(hash, is_it)?;
        Some(self.entries[place].breaker.clone())
    }

    /// Adds a key that is not there. Returns what had to go for it.
    pub(super) fn insert(&mut self, hash: u64, key: K, breaker: Breaker) -> Option<(K, Breaker)> {
        let gone = if self.entries.len() < self.room {
            None
        } else {
            Some(self.evict())
        };
        let place = self.entries.len();
        self.entries.push(Entry {
            hash,
            key,
            breaker,
            later: NONE,
            earlier: NONE,
        });
        self.link(place);
        let entries = &self.entries;
        self.table
            .insert_unique(hash, place, |place| entries[*place].hash);
        self.created += 1;
        gone
    }

    pub(super) fn remove(&mut self, hash: u64, is_it: impl Fn(&K) -> bool) -> Option<(K, Breaker)> {
        let place = self.find(hash, is_it)?;
        self.removed += 1;
        Some(self.take(place))
    }

    pub(super) fn collect(&self, all: &mut Vec<(K, Breaker)>)
    where
        K: Clone,
    {
        let entries = self.entries.iter();
        all.extend(entries.map(|entry| (entry.key.clone(), entry.breaker.clone())));
    }

    fn find(&self, hash: u64, is_it: impl Fn(&K) -> bool) -> Option<usize> {
        let entries = &self.entries;
        self.table
            .find(hash, |place| is_it(&entries[*place].key))
            .copied()
    }

    /// Takes out the one that was asked for longest ago, of those that are cold if there are any.
    fn evict(&mut self) -> (K, Breaker) {
        let mut place = self.earliest;
        while place != NONE && !self.entries[place].breaker.shared().is_spotless() {
            place = self.entries[place].later;
        }
        if place == NONE {
            self.evicted_hot += 1;
            place = self.earliest;
        }
        self.evicted += 1;
        self.take(place)
    }

    /// Takes an entry out. The last one gets its place.
    fn take(&mut self, place: usize) -> (K, Breaker) {
        self.unlink(place);
        if let Ok(found) = self
            .table
            .find_entry(self.entries[place].hash, |other| *other == place)
        {
            found.remove();
        }
        let last = self.entries.len() - 1;
        if place != last {
            let Entry {
                hash,
                later,
                earlier,
                ..
            } = self.entries[last];
            if let Some(moved) = self.table.find_mut(hash, |other| *other == last) {
                *moved = place;
            }
            self.set_earlier(later, place);
            self.set_later(earlier, place);
        }
        let gone = self.entries.swap_remove(place);
        (gone.key, gone.breaker)
    }

    /// Puts an entry that is not in the list at its later end.
    fn link(&mut self, place: usize) {
        let before = self.latest;
        self.entries[place].later = NONE;
        self.entries[place].earlier = before;
        self.set_later(before, place);
        self.latest = place;
    }

    fn unlink(&mut self, place: usize) {
        let Entry { later, earlier, .. } = self.entries[place];
        self.set_earlier(later, earlier);
        self.set_later(earlier, later);
    }

    /// Says of `place`, or of the end of the list if there is none, which one comes before.
    fn set_earlier(&mut self, place: usize, earlier: usize) {
        match self.entries.get_mut(place) {
            Some(entry) => entry.earlier = earlier,
            None => self.latest = earlier,
        }
    }

    /// Says of `place`, or of the beginning of the list if there is none, which one comes after.
    fn set_later(&mut self, place: usize, later: usize) {
        match self.entries.get_mut(place) {
            Some(entry) => entry.later = later,
            None => self.earliest = later,
        }
    }
}
