//! The shards behind their locks, and the counts of reads: all that a cache is but its process.
//!
//! Invariants:
//! 1. No thread ever holds two of these locks.
//! 2. Nothing of the user's is dropped, and nothing but `Eq` and `Clone` called, under one. So each
//!    function below owns what it was given and what it took out, and releases the lock before
//!    those go; a guard is declared after them, so that this holds when a user's `Eq` panics, too.
//! 3. A shard is whole whenever user code runs, so a poisoned lock means nothing and is ignored.
//! 4. Whatever changes a key's entry takes the key's flight out under the same lock.
//! 5. Each entry that leaves is told of once, after the lock.

mod loads;
mod removals;
mod storing;

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use hashbrown::DefaultHashBuilder;
use otp_core::clock::{Clock, NEVER, after, nanos};

use crate::flights::Flights;
use crate::shard::{Entry, Shard, Terms};
use crate::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::{CacheConfig, CacheStats, Hooks, RemovalCause};

pub(crate) use loads::{Found, Lead};

/// A shard of a bounded cache has at least this many places, so that keys that happen to fall into
/// the same shard do not evict each other while the rest is empty.
const LEAST_PLACES: u64 = 64;

/// More shards than this gain nothing, and an empty one takes some hundred bytes.
const MOST_SHARDS: usize = 256;

#[derive(Debug)]
pub(crate) struct Table<K, V> {
    parts: Box<[Part<K, V>]>,
    hasher: DefaultHashBuilder,
    clock: Clock,
    default_ttl: Option<Duration>,
    /// Whether entries differ in weight.
    weighs: bool,
    hooks: Hooks<K, V>,
    loads: Loads,
}

/// A shard, its lock and its counts, in cache lines of its own: cores that work on different shards
/// must not take lines from each other.
#[derive(Debug)]
#[repr(align(128))]
struct Part<K, V> {
    guarded: RwLock<Guarded<K, V>>,
    // Sums that order nothing and guard nothing, so all access to them is relaxed.
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug)]
struct Guarded<K, V> {
    shard: Shard<K, V>,
    flights: Flights<K, V>,
}

/// Counts of loads, which are rare enough to be in one place. All access is relaxed, as for the rest.
#[derive(Debug, Default)]
struct Loads {
    done: AtomicU64,
    failed: AtomicU64,
    coalesced: AtomicU64,
    stale: AtomicU64,
}

impl<K, V> Part<K, V> {
    fn read(&self) -> RwLockReadGuard<'_, Guarded<K, V>> {
        self.guarded.read()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Guarded<K, V>> {
        self.guarded.write()
    }
}

impl<K, V> Table<K, V> {
    pub(crate) fn new(config: &CacheConfig, hooks: Hooks<K, V>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let bound = match (config.max_entries, config.max_weight) {
            (Some(entries), _) => Some(entries as u64),
            (None, weight) => weight,
        };
        let weighs = config.max_weight.is_some();
        let wanted = match config.shards {
            Some(shards) => shards.get(),
            None if weighs => cores,
            None => 8 * cores,
        };
        let places = match config.shards {
            None if !weighs => LEAST_PLACES,
            _ => 1,
        };
        let count = shard_count(bound, places, wanted);
        let terms = Terms {
            time_to_idle: config.time_to_idle.map(nanos),
            grace: nanos(config.stale_for),
            weighs,
        };
        let part = |index| Part {
            guarded: RwLock::new(Guarded {
                shard: Shard::new(bound.map(|max| share(max, count, index)), terms),
                flights: Flights::new(),
            }),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        };
        Self {
            parts: (0..count).map(part).collect(),
            hasher: DefaultHashBuilder::default(),
            clock: Clock::new(),
            default_ttl: config.default_ttl,
            weighs,
            hooks,
            loads: Loads::default(),
        }
    }

    pub(crate) fn default_ttl(&self) -> Option<Duration> {
        self.default_ttl
    }

    pub(crate) fn len(&self) -> usize {
        self.parts
            .iter()
            .map(|part| part.read().shard.count_live(|| self.clock.now()))
            .sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts
            .iter()
            .all(|part| part.read().shard.count_live(|| self.clock.now()) == 0)
    }

    pub(crate) fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        let mut keys = Vec::new();
        for part in &self.parts {
            let guarded = part.read();
            guarded.shard.keys(self.clock.now(), &mut keys);
        }
        keys
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = CacheStats {
            loads: self.loads.done.load(Ordering::Relaxed),
            failed_loads: self.loads.failed.load(Ordering::Relaxed),
            coalesced: self.loads.coalesced.load(Ordering::Relaxed),
            stale: self.loads.stale.load(Ordering::Relaxed),
            ..CacheStats::default()
        };
        for part in &self.parts {
            stats.hits += part.hits.load(Ordering::Relaxed);
            stats.misses += part.misses.load(Ordering::Relaxed);
            let guarded = part.read();
            let shard = &guarded.shard;
            stats.keys += shard.count_live(|| self.clock.now());
            stats.weight += shard.weight();
            stats.evicted += shard.evicted;
            stats.expired += shard.expired;
        }
        stats
    }

    pub(crate) fn reset_stats(&self) {
        let Loads {
            done,
            failed,
            coalesced,
            stale,
        } = &self.loads;
        for count in [done, failed, coalesced, stale] {
            count.store(0, Ordering::Relaxed);
        }
        for part in &self.parts {
            part.hits.store(0, Ordering::Relaxed);
            part.misses.store(0, Ordering::Relaxed);
            let mut guarded = part.write();
            guarded.shard.evicted = 0;
            guarded.shard.expired = 0;
        }
    }

    /// Takes a sweep one step on. The expired entries that it met are added to `swept`. Returns
    /// where the next step goes on, or `None` after the last.
    pub(crate) fn sweep(&self, at: SweepAt, swept: &mut Vec<Entry<K, V>>) -> Option<SweepAt> {
        let SweepAt { part, begun } = at;
        let mut guarded = self.parts.get(part)?.write();
        let shard = &mut guarded.shard;
        let now = self.clock.now();
        let more = (begun || shard.begin_sweep(now)) && shard.sweep_step(now, swept);
        let outgrown = if more { None } else { shard.outgrown() };
        drop(guarded);
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

    /// Tells of what a sweep took out.
    pub(crate) fn tell_swept(&self, swept: &[Entry<K, V>]) {
        if self.hooks.has_listener() {
            for entry in swept {
                self.hooks
                    .tell(&entry.key, &entry.value, RemovalCause::Expired);
            }
        }
    }

    #[inline]
    fn part(&self, hash: u64) -> &Part<K, V> {
        // The table inside a shard uses the lowest bits and the seven highest, so the shard is
        // chosen by others.
        &self.parts[(hash >> 40) as usize & (self.parts.len() - 1)]
    }
}

/// Where a sweep goes on: in which part, and whether that one's walk has begun.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SweepAt {
    part: usize,
    begun: bool,
}

impl<K: Hash + Eq, V> Table<K, V> {
    #[inline]
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        let hash = self.hasher.hash_one(key);
        let part = self.part(hash);
        let guarded = part.read();
        let shard = &guarded.shard;
        if let Some(index) = shard.find(hash, key) {
            if shard.touch(index, || self.clock.now()) {
                let value = shard.entry(index).value.clone();
                part.hits.fetch_add(1, Ordering::Relaxed);
                return Some(value);
            }
            drop(guarded);
            self.remove_expired(part, hash, key);
        }
        part.misses.fetch_add(1, Ordering::Relaxed);
        None
    }

    pub(crate) fn peek<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        let hash = self.hasher.hash_one(key);
        let guarded = self.part(hash).read();
        let shard = &guarded.shard;
        let index = shard.find(hash, key)?;
        let live = shard.is_live(index, || self.clock.now());
        live.then(|| shard.entry(index).value.clone())
    }

    pub(crate) fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let guarded = self.part(hash).read();
        let found = guarded.shard.find(hash, key);
        found.is_some_and(|at| guarded.shard.is_live(at, || self.clock.now()))
    }

    /// Removes an entry that a read has found to be over, unless it is kept as a stale one.
    #[cold]
    fn remove_expired<Q>(&self, part: &Part<K, V>, hash: u64, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = || self.clock.now();
        let guarded = part.read();
        let found = guarded.shard.find(hash, key);
        if found.is_some_and(|at| guarded.shard.is_kept(at, now)) {
            return;
        }
        drop(guarded);
        // The entry may have been replaced or removed since it was seen under the shared lock.
        let mut guarded = part.write();
        let shard = &mut guarded.shard;
        let expired = shard.find(hash, key).filter(|&at| !shard.is_kept(at, now));
        let taken = expired.map(|index| shard.take(index, now).0);
        drop(guarded);
        if let Some(entry) = taken {
            self.hooks
                .tell(&entry.key, &entry.value, RemovalCause::Expired);
        }
    }
}

impl<K, V> Drop for Table<K, V> {
    fn drop(&mut self) {
        if self.hooks.has_listener() {
            self.empty(RemovalCause::Dropped);
        }
    }
}

/// How many shards a cache has: a power of two, `wanted` or a little more, and fewer if they would have
/// less than `least` of the bound.
fn shard_count(bound: Option<u64>, least: u64, wanted: usize) -> usize {
    let wanted = wanted.min(MOST_SHARDS).next_power_of_two();
    let most = bound.map_or(u64::MAX, |max| (max / least).max(1));
    // The greatest power of two that is not above `most`.
    usize::try_from(1_u64 << most.ilog2()).map_or(wanted, |most| wanted.min(most))
}

/// How much of `max` the shard `index` of `count` has.
fn share(max: u64, count: usize, index: usize) -> u64 {
    let (count, index) = (count as u64, index as u64);
    max / count + u64::from(index < max % count)
}

/// The deadline of what is put now, for as long as `ttl`.
fn deadline_of(ttl: Option<Duration>, now: impl Fn() -> u64) -> u64 {
    ttl.map_or(NEVER, |ttl| after(now(), ttl))
}

#[cfg(test)]
mod tests;
