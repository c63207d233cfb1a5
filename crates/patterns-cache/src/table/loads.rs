//! Joining the load of a key, leading one, and storing what it brought.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Table;
use super::removals::deleted;
use crate::Compute;
use crate::flight::Flight;

/// What somebody finds who asks for a value and can load it.
pub(crate) enum Found<K, V> {
    Live(V),
    /// The value is over but still kept. Who gets a lead with it has to load the next one.
    Stale(V, Option<Lead<K, V>>),
    /// Another one loads it.
    Flying(Arc<Flight<V>>),
    /// This one is to load it.
    Missing(Lead<K, V>),
}

/// The right, and the duty, to end a flight. Dropped, it ends the flight without a value, so that one
/// of those who wait begins another.
pub(crate) struct Lead<K, V> {
    table: Arc<Table<K, V>>,
    hash: u64,
    /// Gone when the value is being stored.
    key: Option<K>,
    flight: Arc<Flight<V>>,
    /// Whether the flight may still be found by others.
    listed: bool,
    /// Whether it ends a load, which has failed if it brings nothing.
    loads: bool,
}

impl<K, V> Lead<K, V> {
    pub(crate) fn flight(&self) -> &Arc<Flight<V>> {
        &self.flight
    }
}

impl<K: Hash + Eq, V: Clone> Table<K, V> {
    /// Looks a key up, and joins its load or begins one if there is no live value. Counts a hit or a
    /// miss, if this is the `first` look.
    pub(crate) fn join<Q>(self: &Arc<Self>, key: &Q, stale: bool, first: bool) -> Found<K, V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let part = self.part(hash);
        let now = || self.clock.now();
        let guarded = part.read();
        let found = guarded.shard.find(hash, key);
        if let Some(index) = found.filter(|&at| guarded.shard.touch(at, now)) {
            let value = guarded.shard.entry(index).value.clone();
            drop(guarded);
            if first {
                part.hits.fetch_add(1, Ordering::Relaxed);
            }
            return Found::Live(value);
        }
        let kept = found.filter(|&at| stale && guarded.shard.is_kept(at, now));
        let kept = kept.map(|at| guarded.shard.entry(at).value.clone());
        let flying = guarded.flights.find(hash, key).cloned();
        drop(guarded);
        if first {
            part.misses.fetch_add(1, Ordering::Relaxed);
        }
        if kept.is_some() {
            self.loads.stale.fetch_add(1, Ordering::Relaxed);
        }
        match (kept, flying) {
            (Some(value), Some(_)) => Found::Stale(value, None),
            (None, Some(flight)) => Found::Flying(flight),
            (kept, None) => {
                // Another may be quicker, and then this one finds what that one did.
                let begun = self.begin(hash, key);
                match (kept, begun) {
                    (Some(value), Begun::Led(lead)) => Found::Stale(value, Some(lead)),
                    (Some(value), Begun::Flying(_)) => Found::Stale(value, None),
                    (None, Begun::Led(lead)) => Found::Missing(lead),
                    (None, Begun::Flying(flight)) => Found::Flying(flight),
                    (_, Begun::Live(value)) => Found::Live(value),
                }
            }
        }
    }

    /// Begins a load, unless another one has, or the value is there by now.
    fn begin<Q>(self: &Arc<Self>, hash: u64, key: &Q) -> Begun<K, V>
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        let (flight, keys) = (Flight::new(), (key.to_owned(), key.to_owned()));
        let mut guarded = self.part(hash).write();
        let shard = &guarded.shard;
        let found = shard.find(hash, key);
        if let Some(index) = found.filter(|&at| shard.touch(at, || self.clock.now())) {
            return Begun::Live(shard.entry(index).value.clone());
        }
        if let Some(flight) = guarded.flights.find(hash, key) {
            return Begun::Flying(Arc::clone(flight));
        }
        guarded.flights.add(hash, keys.0, Arc::clone(&flight));
        drop(guarded);
        Begun::Led(self.lead(hash, keys.1, flight, true))
    }

    /// Begins to compute what becomes of a key: nobody else loads or computes it meanwhile. Returns
    /// its live value too, or the flight that goes first.
    pub(crate) fn begin_compute<Q>(self: &Arc<Self>, key: &Q) -> Result<Turn<K, V>, Arc<Flight<V>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let (flight, keys) = (Flight::new(), (key.to_owned(), key.to_owned()));
        let mut guarded = self.part(hash).write();
        if let Some(flight) = guarded.flights.find(hash, key) {
            return Err(Arc::clone(flight));
        }
        let shard = &guarded.shard;
        let found = shard.find(hash, key);
        let live = found.filter(|&at| shard.is_live(at, || self.clock.now()));
        let value = live.map(|at| shard.entry(at).value.clone());
        guarded.flights.add(hash, keys.0, Arc::clone(&flight));
        drop(guarded);
        Ok((self.lead(hash, keys.1, flight, false), value))
    }

    fn lead(
        self: &Arc<Self>,
        hash: u64,
        key: K,
        flight: Arc<Flight<V>>,
        loads: bool,
    ) -> Lead<K, V> {
        Lead {
            table: Arc::clone(self),
            hash,
            key: Some(key),
            flight,
            listed: true,
            loads,
        }
    }

    /// Counts one who gets what another has loaded.
    pub(crate) fn count_coalesced(&self) {
        self.loads.coalesced.fetch_add(1, Ordering::Relaxed);
    }
}

/// The right to decide what becomes of a key, and the live value that it has.
type Turn<K, V> = (Lead<K, V>, Option<V>);

enum Begun<K, V> {
    Live(V),
    Flying(Arc<Flight<V>>),
    Led(Lead<K, V>),
}

impl<K: Hash + Eq, V: Clone> Lead<K, V> {
    /// Stores what was loaded, unless the key's entry was changed since the load began, and gives it
    /// to all who wait.
    pub(crate) fn land(mut self, value: V, ttl: Option<Duration>) -> V {
        let table = Arc::clone(&self.table);
        let loaded = value.clone();
        if let Some(key) = self.key.take() {
            let ttl = ttl.or(table.default_ttl());
            table.finish(self.hash, &self.flight, key, Some((value, ttl)));
        }
        (self.listed, self.loads) = (false, false);
        count(&table.loads.done);
        // Nobody new can join, for the flight is no longer listed.
        if Arc::strong_count(&self.flight) > 1 {
            self.flight.land(Some(loaded.clone()));
        }
        loaded
    }

    /// Does to the key's entry what was computed. Says whether it did: not if the entry was changed
    /// since it was looked at.
    pub(crate) fn apply(mut self, computed: Compute<V>) -> bool {
        let table = Arc::clone(&self.table);
        let Some(key) = self.key.take() else {
            return false;
        };
        let put = match computed {
            Compute::Keep => return table.finish_keeping(self.hash, &self.flight),
            Compute::Put(value) => Some((value, table.default_ttl())),
            Compute::PutWithTtl(value, ttl) => Some((value, Some(ttl))),
            Compute::Delete => None,
        };
        let applied = table.finish(self.hash, &self.flight, key, put);
        self.listed = false;
        applied
    }
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// Takes a flight out and puts what it brought, or deletes the entry. Says whether it did: not if
    /// the flight had been taken out before.
    fn finish(
        &self,
        hash: u64,
        flight: &Arc<Flight<V>>,
        key: K,
        put: Option<(V, Option<Duration>)>,
    ) -> bool {
        match put {
            Some((value, ttl)) => {
                let plan = self.plan(key, value, ttl);
                let mut guarded = self.part(hash).write();
                let found = guarded.shard.find(hash, &plan.key);
                let Some(flying) = guarded.flights.take_over(hash, flight) else {
                    drop(guarded);
                    return false;
                };
                let stored = self.store(&mut guarded, found, plan);
                drop(guarded);
                drop(flying);
                self.settle(stored);
            }
            None => {
                let mut guarded = self.part(hash).write();
                let found = guarded.shard.find(hash, &key);
                let Some(flying) = guarded.flights.take_over(hash, flight) else {
                    drop(guarded);
                    return false;
                };
                let taken = found.map(|at| guarded.shard.take(at, || self.clock.now()));
                drop(guarded);
                drop(flying);
                if let Some((entry, live)) = taken {
                    self.hooks.tell(&entry.key, &entry.value, deleted(live));
                }
            }
        }
        true
    }
}

impl<K, V> Table<K, V> {
    /// Takes a flight out and leaves the entry. Says whether it was there.
    fn finish_keeping(&self, hash: u64, flight: &Arc<Flight<V>>) -> bool {
        let mut guarded = self.part(hash).write();
        let flying = guarded.flights.take_over(hash, flight);
        drop(guarded);
        flying.is_some()
    }
}

impl<K, V> Drop for Lead<K, V> {
    fn drop(&mut self) {
        if self.listed {
            self.table.finish_keeping(self.hash, &self.flight);
        }
        if self.loads {
            count(&self.table.loads.failed);
        }
        self.flight.land(None);
    }
}

impl<K, V> fmt::Debug for Lead<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead").finish_non_exhaustive()
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
