//! Taking entries out.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use super::{Part, Table};
use crate::RemovalCause;

impl<K, V> Table<K, V> {
    pub(crate) fn clear(&self) {
        self.empty(RemovalCause::Deleted);
    }

    /// Takes out all entries, and tells of the live ones with this cause.
    pub(super) fn empty(&self, cause: RemovalCause) {
        // All shards are empty before the first value is dropped, which may panic.
        let cleared: Vec<_> = self
            .parts
            .iter()
            .map(|part| {
                let mut guarded = part.write();
                (guarded.shard.clear(), guarded.flights.clear())
            })
            .collect();
        if self.hooks.has_listener() {
            let now = self.clock.now();
            for (shard, _flights) in cleared {
                for (entry, live) in shard.into_entries(now) {
                    let cause = if live { cause } else { RemovalCause::Expired };
                    self.hooks.tell(&entry.key, &entry.value, cause);
                }
            }
        }
    }
}

impl<K: Hash + Eq, V> Table<K, V> {
    pub(crate) fn delete<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut guarded = self.part(hash).write();
        let found = guarded.shard.find(hash, key);
        let flying = guarded.flights.take(hash, key);
        let taken = found.map(|index| guarded.shard.take(index, || self.clock.now()));
        drop(guarded);
        drop(flying);
        let (entry, live) = taken?;
        self.hooks.tell(&entry.key, &entry.value, deleted(live));
        live.then_some(entry.value)
    }

    pub(crate) fn invalidate_if(&self, mut is_invalid: impl FnMut(&K, &V) -> bool) -> usize
    where
        K: Clone,
        V: Clone,
    {
        let mut removed = 0;
        let mut copies = Vec::new();
        for part in &self.parts {
            let mut from = usize::MAX;
            while from > 0 {
                let guarded = part.read();
                from = guarded.shard.copy_step(from, self.clock.now(), &mut copies);
                drop(guarded);
                for (key, value, stamp) in copies.drain(..) {
                    if is_invalid(&key, &value) && self.delete_this(part, &key, stamp) {
                        removed += 1;
                    }
                }
            }
        }
        removed
    }

    /// Deletes the key's entry if it still has the value of this stamp.
    fn delete_this(&self, part: &Part<K, V>, key: &K, stamp: u32) -> bool {
        let hash = self.hasher.hash_one(key);
        let mut guarded = part.write();
        let shard = &mut guarded.shard;
        let found = shard
            .find(hash, key)
            .filter(|&at| shard.entry(at).stamp() == stamp);
        let Some(index) = found else { return false };
        let flying = guarded.flights.take(hash, key);
        let (entry, live) = guarded.shard.take(index, || self.clock.now());
        drop(guarded);
        drop(flying);
        self.hooks.tell(&entry.key, &entry.value, deleted(live));
        live
    }
}

pub(super) fn deleted(live: bool) -> RemovalCause {
    if live {
        RemovalCause::Deleted
    } else {
        RemovalCause::Expired
    }
}
