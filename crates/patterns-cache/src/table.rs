//! The shards behind their locks, and the counts of reads: all that a cache is but its process.
//!
//! Invariants:
//! 1. No thread ever holds two of these locks.
//! 2. Nothing of the user's is dropped, and nothing but `Eq` and `Clone` called, under one. So each
//!    function below owns what it was given and what it took out, and releases the lock before
//!    those go; a guard is declared after them, so that this holds when a user's `Eq` panics, too.
//! 3. A shard is whole whenever user code runs, so a poisoned lock means nothing and is ignored.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::Duration;

use hashbrown::DefaultHashBuilder;

use crate::CacheStats;
use crate::clock::{Clock, NEVER, deadline};
use crate::shard::{Entry, Shard};

/// A shard of a bounded cache has at least this many places, so that keys that happen to fall into
/// the same shard do not evict each other while the rest is empty.
const LEAST_PLACES: usize = 64;

/// More shards than this gain nothing, and an empty one takes some hundred bytes.
const MOST_SHARDS: usize = 256;

#[derive(Debug)]
pub(crate) struct Table<K, V> {
    parts: Box<[Part<K, V>]>,
    hasher: DefaultHashBuilder,
    clock: Clock,
}

/// A shard, its lock and its counts, in cache lines of its own: cores that work on different shards
/// must not take lines from each other.
#[derive(Debug)]
#[repr(align(128))]
struct Part<K, V> {
    shard: RwLock<Shard<K, V>>,
    // Sums that order nothing and guard nothing, so all access to them is relaxed.
    hits: AtomicU64,
    misses: AtomicU64,
}

impl<K, V> Part<K, V> {
    fn read(&self) -> RwLockReadGuard<'_, Shard<K, V>> {
        self.shard.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shard<K, V>> {
        self.shard.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Table<K, V> {
    pub(crate) fn new(max_entries: Option<usize>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let count = shard_count(max_entries, cores);
        let part = |index| Part {
            shard: RwLock::new(Shard::new(max_entries.map(|max| share(max, count, index)))),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        };
        Self {
            parts: (0..count).map(part).collect(),
            hasher: DefaultHashBuilder::default(),
            clock: Clock::new(),
        }
    }

    pub(crate) fn clear(&self) {
        // All shards are empty before the first value is dropped, which may panic.
        let cleared: Vec<_> = self.parts.iter().map(|part| part.write().clear()).collect();
        drop(cleared);
    }

    pub(crate) fn len(&self) -> usize {
        self.parts
            .iter()
            .map(|part| part.read().count_live(|| self.clock.now()))
            .sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts
            .iter()
            .all(|part| part.read().count_live(|| self.clock.now()) == 0)
    }

    pub(crate) fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        let mut keys = Vec::new();
        for part in &self.parts {
            let shard = part.read();
            shard.keys(self.clock.now(), &mut keys);
        }
        keys
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = CacheStats::default();
        for part in &self.parts {
            stats.hits += part.hits.load(Ordering::Relaxed);
            stats.misses += part.misses.load(Ordering::Relaxed);
            let shard = part.read();
            stats.keys += shard.count_live(|| self.clock.now());
            stats.evicted += shard.evicted;
            stats.expired += shard.expired;
        }
        stats
    }

    pub(crate) fn reset_stats(&self) {
        for part in &self.parts {
            part.hits.store(0, Ordering::Relaxed);
            part.misses.store(0, Ordering::Relaxed);
            let mut shard = part.write();
            shard.evicted = 0;
            shard.expired = 0;
        }
    }

    /// Takes a sweep one step on. The expired entries that it met are added to `swept`. Returns
    /// where the next step goes on, or `None` after the last.
    pub(crate) fn sweep(&self, at: SweepAt, swept: &mut Vec<Entry<K, V>>) -> Option<SweepAt> {
        let SweepAt { part, begun } = at;
        let mut shard = self.parts.get(part)?.write();
        let now = self.clock.now();
        let more = (begun || shard.begin_sweep(now)) && shard.sweep_step(now, swept);
        let outgrown = if more { None } else { shard.outgrown() };
        drop(shard);
        drop(outgrown);
        Some(if more {
            SweepAt { part, begun: true }
        } else {
            SweepAt {
                part: part + 1,
                begun: false,
            }
        })
    }
}

/// Where a sweep goes on: in which part, and whether that one's walk has begun.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SweepAt {
    part: usize,
    begun: bool,
}

impl<K: Hash + Eq, V> Table<K, V> {
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        let hash = self.hasher.hash_one(key);
        let part = self.part(hash);
        let shard = part.read();
        if let Some(index) = shard.find(hash, key) {
            let entry = shard.entry(index);
            if !entry.is_expired(|| self.clock.now()) {
                shard.count_use(entry);
                let value = entry.value.clone();
                part.hits.fetch_add(1, Ordering::Relaxed);
                return Some(value);
            }
            drop(shard);
            self.remove_expired(part, hash, key);
        }
        part.misses.fetch_add(1, Ordering::Relaxed);
        None
    }

    pub(crate) fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let shard = self.part(hash).read();
        shard
            .find(hash, key)
            .is_some_and(|at| !shard.entry(at).is_expired(|| self.clock.now()))
    }

    /// Puts a value that lives for `ttl`, or for ever. Returns the live value that it replaces.
    pub(crate) fn put(&self, key: K, value: V, ttl: Option<Duration>) -> Option<V> {
        if ttl == Some(Duration::ZERO) {
            return self.put_expired(&key);
        }
        let hash = self.hasher.hash_one(&key);
        // One reading of the clock serves the new deadline and all that are met on the way.
        let begun = ttl.map(|_| self.clock.now());
        let now = || begun.unwrap_or_else(|| self.clock.now());
        let deadline = ttl.map_or(NEVER, |ttl| deadline(now(), ttl));
        let mut shard = self.part(hash).write();
        if let Some(index) = shard.find(hash, &key) {
            let (old, live) = shard.replace(index, value, deadline, now);
            drop(shard);
            live.then_some(old)
        } else {
            let evicted = shard.insert(hash, key, value, deadline, now);
            drop(shard);
            drop(evicted);
            None
        }
    }

    pub(crate) fn delete<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.part(hash).write();
        let index = shard.find(hash, key)?;
        let (entry, live) = shard.take(index, || self.clock.now());
        drop(shard);
        live.then_some(entry.value)
    }

    /// What a `put` with no time to live does: it ends the entry that was there, and the new one is
    /// over before it begins.
    fn put_expired(&self, key: &K) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.part(hash).write();
        let found = shard.find(hash, key);
        let taken = found.map(|index| shard.take(index, || self.clock.now()));
        shard.expired += 1;
        drop(shard);
        taken.and_then(|(entry, live)| live.then_some(entry.value))
    }

    #[cold]
    fn remove_expired<Q>(&self, part: &Part<K, V>, hash: u64, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // The entry may have been replaced or removed since it was seen under the shared lock.
        let mut shard = part.write();
        let now = || self.clock.now();
        let expired = shard
            .find(hash, key)
            .filter(|&at| shard.entry(at).is_expired(now));
        let taken = expired.map(|index| shard.take(index, now));
        drop(shard);
        drop(taken);
    }

    fn part(&self, hash: u64) -> &Part<K, V> {
        // The table inside a shard uses the lowest bits and the seven highest, so the shard is
        // chosen by others.
        &self.parts[(hash >> 40) as usize & (self.parts.len() - 1)]
    }
}

/// How many shards a cache has: a power of two, several for each core so that two cores rarely meet
/// in one, and fewer if they would be tiny.
fn shard_count(max_entries: Option<usize>, cores: usize) -> usize {
    let wanted = (8 * cores).next_power_of_two().min(MOST_SHARDS);
    let most = max_entries.map_or(usize::MAX, |max| (max / LEAST_PLACES).max(1));
    // The greatest power of two that is not above `most`.
    wanted.min(1 << most.ilog2())
}

/// How many of `max` places the shard `index` of `count` has.
fn share(max: usize, count: usize, index: usize) -> usize {
    max / count + usize::from(index < max % count)
}

#[cfg(test)]
mod tests;
