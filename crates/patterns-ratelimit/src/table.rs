//! All keys of a limiter: shards, and the way to them.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use hashbrown::DefaultHashBuilder;

use crate::clock::Clock;
use crate::desk::Wakers;
use crate::gcra::Gcra;
use crate::limiter::next_id;
use crate::room::Room;
use crate::shard::{Asked, Shard};
use crate::sync::Mutex;
use crate::{Allowed, Denied, KeyedConfig, KeyedStats, Quota};

/// How many places of a table a step of a sweep looks at under one lock.
pub(crate) const STEP: usize = 256;

/// The shards. What they guard, `Shard` numbers.
#[derive(Debug)]
pub(crate) struct Table<K> {
    pub(crate) id: u64,
    pub(crate) clock: Clock,
    hasher: DefaultHashBuilder,
    shards: Box<[Padded<K>]>,
    /// How far a hash is shifted to choose a shard: its table takes the bits above for its tags, and those below for its places.
    shift: u32,
    room: Room,
    /// Where whoever finds no room looks for some next.
    looks: AtomicUsize,
    /// The quota of all keys that have none of their own. Only for those who ask for it: each shard has its own copy.
    quota: Mutex<Quota>,
}

/// Alone on its cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<K>(Mutex<Shard<K>>);

impl<K> Table<K> {
    /// The quota was compiled already.
    pub(crate) fn new(config: &KeyedConfig, gcra: Gcra) -> Self {
        let shards = shards();
        Self {
            id: next_id(),
            clock: Clock::new(),
            hasher: DefaultHashBuilder::default(),
            shards: (0..shards)
                .map(|_| Padded(Mutex::new(Shard::new(gcra))))
                .collect(),
            shift: u64::BITS - 7 - shards.trailing_zeros(),
            room: Room::new(config.max_keys),
            looks: AtomicUsize::new(0),
            quota: Mutex::new(config.quota),
        }
    }

    #[inline]
    pub(crate) fn asked<'a, Q: Hash + ?Sized>(&'a self, key: &'a Q) -> Asked<'a, Q> {
        self.asked_as(key, self.hasher.hash_one(key))
    }

    pub(crate) fn asked_as<'a, Q: ?Sized>(&'a self, key: &'a Q, hash: u64) -> Asked<'a, Q> {
        Asked {
            key,
            hash,
            hasher: &self.hasher,
            room: &self.room,
        }
    }

    /// Which shard a hash belongs to.
    #[inline]
    pub(crate) fn shard_of(&self, hash: u64) -> usize {
        // The mask leaves what is an index.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "masked to less than the number of shards"
        )]
        let bits = (hash >> self.shift) as usize;
        bits & (self.shards.len() - 1)
    }

    /// Does something with a shard, and drops what became garbage by it when the lock is free.
    #[inline]
    pub(crate) fn with<R>(&self, shard: usize, work: impl FnOnce(&mut Shard<K>) -> R) -> R {
        let (done, garbage) = self.with_garbage(shard, work);
        drop(garbage);
        done
    }

    /// Does something with a shard, and returns what became garbage by it, to be dropped when no lock is held.
    #[inline]
    pub(crate) fn with_garbage<R>(
        &self,
        shard: usize,
        work: impl FnOnce(&mut Shard<K>) -> R,
    ) -> (R, Vec<K>) {
        let mut shard = self.shards[shard].0.lock();
        let done = work(&mut shard);
        (done, mem::take(&mut shard.garbage))
    }

    fn each<R>(&self, mut work: impl FnMut(&mut Shard<K>) -> R) -> Vec<R> {
        (0..self.shards.len())
            .map(|shard| self.with(shard, &mut work))
            .collect()
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.each(|shard| shard.len()).into_iter().sum()
    }

    pub(crate) fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        let mut keys = Vec::new();
        self.each(|shard| shard.keys(&mut keys));
        keys
    }

    pub(crate) fn quota(&self) -> Quota {
        *self.quota.lock()
    }

    pub(crate) fn stats(&self) -> KeyedStats {
        let mut stats = KeyedStats {
            allowed: 0,
            rejected: 0,
            keys: 0,
            evicted: 0,
            waiting: 0,
            quota: self.quota(),
        };
        self.each(|shard| {
            stats.allowed += shard.allowed;
            stats.rejected += shard.refused;
            stats.keys += shard.len();
            stats.evicted += shard.evicted;
            stats.waiting += shard.waiting();
        });
        stats
    }

    pub(crate) fn reset_stats(&self) {
        self.each(|shard| (shard.allowed, shard.refused, shard.evicted) = (0, 0, 0));
    }
}

impl<K: Hash + Eq> Table<K> {
    #[inline]
    pub(crate) fn consume<Q>(&self, key: &Q, tokens: u32) -> Result<Allowed, Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let asked = self.asked(key);
        let nanos = self.clock.now();
        let mut shard = self.shards[self.shard_of(asked.hash)].0.lock();
        if let Some(taken) = shard.take_known(asked, nanos, tokens) {
            return shard.told(taken, tokens);
        }
        drop(shard);
        self.consume_any(asked, tokens)
    }

    /// As [`consume`](Self::consume), for whoever asks for nothing but whether it was there.
    #[inline]
    pub(crate) fn allows<Q>(&self, key: &Q, tokens: u32) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let asked = self.asked(key);
        let nanos = self.clock.now();
        let mut shard = self.shards[self.shard_of(asked.hash)].0.lock();
        if let Some(taken) = shard.take_known(asked, nanos, tokens) {
            return taken.is_ok();
        }
        drop(shard);
        self.consume_any(asked, tokens).is_ok()
    }

    #[inline(never)]
    fn consume_any<Q>(&self, asked: Asked<'_, Q>, tokens: u32) -> Result<Allowed, Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.take_once(asked, tokens) {
            Err(Denied::TooManyKeys { .. }) => self.take_again(asked, tokens),
            taken => taken,
        }
    }

    fn take_once<Q>(&self, asked: Asked<'_, Q>, tokens: u32) -> Result<Allowed, Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let nanos = self.clock.now();
        self.with(self.shard_of(asked.hash), |shard| {
            let taken = shard.take(asked, nanos, tokens);
            // Whoever finds no room asks again.
            if !matches!(taken, Err(Denied::TooManyKeys { .. })) {
                shard.count(taken.is_ok());
            }
            taken.map(|(allowed, _)| allowed)
        })
    }

    /// Looks for keys to forget in a few other places, and asks once more.
    #[cold]
    fn take_again<Q>(&self, asked: Asked<'_, Q>, tokens: u32) -> Result<Allowed, Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.make_room();
        let taken = self.take_once(asked, tokens);
        if matches!(taken, Err(Denied::TooManyKeys { .. })) {
            self.with(self.shard_of(asked.hash), |shard| shard.count(false));
        }
        taken
    }

    /// Forgets some keys that are idle, if a short search finds any: through all shards of a small table, and a few steps of a large one.
    pub(crate) fn make_room(&self) {
        const PLACES: usize = 4 * STEP;

        let nanos = self.clock.now();
        let mut looked_at = 0;
        for _ in 0..self.shards.len() {
            let shard = self.looks.fetch_add(1, Ordering::Relaxed) % self.shards.len();
            let (places, found) = self.with(shard, |shard| {
                let before = shard.evicted;
                // A step ends at the table's end, and the next one begins at its beginning.
                shard.sweep_at(nanos, STEP, &self.room);
                let places = shard.sweep_at(nanos, STEP, &self.room);
                (places.min(2 * STEP), shard.evicted > before)
            });
            looked_at += places;
            if found || looked_at >= PLACES {
                return;
            }
        }
    }

    /// Sweeps the next `STEP` places of a shard, or those up to its end. Returns how many places it has.
    pub(crate) fn sweep(&self, shard: usize) -> usize {
        let nanos = self.clock.now();
        self.with(shard, |shard| shard.sweep_at(nanos, STEP, &self.room))
    }

    /// Gives memory of a shard back, if it has far more than it needs.
    pub(crate) fn shrink(&self, shard: usize) {
        self.with(shard, |shard| shard.shrink(&self.hasher));
    }

    pub(crate) fn set_quota(&self, quota: Quota, gcra: Gcra) {
        let mut current = self.quota.lock();
        *current = quota;
        let nanos = self.clock.now();
        // Shard by shard, under the lock of those who change it: two changes at once leave all shards with the same one.
        let wakers = self.each(|shard| shard.set_quota(nanos, gcra));
        drop(current);
        wakers.into_iter().flatten().for_each(Wakers::settle);
    }

    pub(crate) fn reset_all(&self) {
        let wakers = self.each(|shard| shard.reset_all(&self.room));
        wakers.into_iter().flatten().for_each(Wakers::settle);
    }
}

/// How many shards there are: sixteen for each core, so that two threads seldom meet, in a power of two.
fn shards() -> usize {
    let cores = available_parallelism().map_or(4, usize::from);
    (cores * 16).next_power_of_two().clamp(16, 256)
}
