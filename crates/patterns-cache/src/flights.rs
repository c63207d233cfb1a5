//! The loads of one shard that are under way, found by key.
//!
//! Like the shard it stands beside, it is pure, and whole whenever a key's `Eq` runs.
//!
//! Whatever changes the key's entry meanwhile takes its flight out of here. The load goes on for those
//! who wait for it, but what it brings is not stored: it may be older than the change.

use std::borrow::Borrow;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::flight::Flight;

#[derive(Debug)]
pub(crate) struct Flights<K, V>(HashTable<Flying<K, V>>);

#[derive(Debug)]
pub(crate) struct Flying<K, V> {
    hash: u64,
    key: K,
    flight: Arc<Flight<V>>,
}

impl<K, V> Flights<K, V> {
    pub(crate) fn new() -> Self {
        Self(HashTable::new())
    }

    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<&Arc<Flight<V>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if self.0.is_empty() {
            return None;
        }
        let is_it = |flying: &Flying<K, V>| flying.hash == hash && flying.key.borrow() == key;
        self.0.find(hash, is_it).map(|flying| &flying.flight)
    }

    /// Adds a flight for a key that has none here.
    pub(crate) fn add(&mut self, hash: u64, key: K, flight: Arc<Flight<V>>) {
        let flying = Flying { hash, key, flight };
        self.0.insert_unique(hash, flying, |flying| flying.hash);
    }

    /// Takes out the flight of a key, because the key's entry is being changed.
    #[inline]
    pub(crate) fn take<Q>(&mut self, hash: u64, key: &Q) -> Option<Flying<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if self.0.is_empty() {
            return None;
        }
        let is_it = |flying: &Flying<K, V>| flying.hash == hash && flying.key.borrow() == key;
        let found = self.0.find_entry(hash, is_it).ok()?;
        Some(found.remove().0)
    }

    /// Takes out this very flight, because it is over. `None` if it was taken out before.
    pub(crate) fn take_over(&mut self, hash: u64, flight: &Arc<Flight<V>>) -> Option<Flying<K, V>> {
        let is_it = |flying: &Flying<K, V>| Arc::ptr_eq(&flying.flight, flight);
        let found = self.0.find_entry(hash, is_it).ok()?;
        Some(found.remove().0)
    }

    /// Takes out all of them.
    pub(crate) fn clear(&mut self) -> Self {
        std::mem::replace(self, Self::new())
    }
}
