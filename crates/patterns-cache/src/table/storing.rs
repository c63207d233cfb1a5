//! Putting a value for a key, whoever puts it.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use super::{Guarded, Table, deadline_of};
use crate::RemovalCause;
use crate::shard::{Entry, Gone};

/// What is put for a key, and all that is found out before the lock.
pub(super) struct Plan<K, V> {
    pub(super) hash: u64,
    pub(super) key: K,
    pub(super) value: V,
    pub(super) ttl: Option<Duration>,
    pub(super) weight: u32,
}

/// What putting a value let go: to be told of and dropped after the lock.
pub(super) struct Stored<K, V> {
    change: Change<K, V>,
    /// What had to go to make room for a weight.
    more: Vec<Gone<K, V>>,
}

enum Change<K, V> {
    /// A new entry, for which another one may have had to go.
    Added(Option<Gone<K, V>>),
    /// Another value in an entry, which has its key already.
    Replaced { key: K, old: V, live: bool },
    /// The value was over or too heavy before it was there. What the key had is gone all the same.
    Refused {
        key: K,
        value: V,
        cause: RemovalCause,
        old: Option<(Entry<K, V>, bool)>,
    },
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// Puts a value that lives for `ttl`, or for ever. Returns the live value that it replaces.
    #[inline]
    pub(crate) fn put(&self, key: K, value: V, ttl: Option<Duration>) -> Option<V> {
        let plan = self.plan(key, value, ttl);
        let mut guarded = self.part(plan.hash).write();
        let found = guarded.shard.find(plan.hash, &plan.key);
        let flying = guarded.flights.take(plan.hash, &plan.key);
        let stored = self.store(&mut guarded, found, plan);
        drop(guarded);
        drop(flying);
        self.settle(stored)
    }

    #[inline]
    pub(super) fn plan(&self, key: K, value: V, ttl: Option<Duration>) -> Plan<K, V> {
        Plan {
            hash: self.hasher.hash_one(&key),
            weight: self.hooks.weigh(&key, &value),
            key,
            value,
            ttl,
        }
    }

    /// Puts a value in the key's entry, which is at `found`. Runs no code of the user's.
    #[inline]
    pub(super) fn store(
        &self,
        guarded: &mut Guarded<K, V>,
        found: Option<u32>,
        plan: Plan<K, V>,
    ) -> Stored<K, V> {
        let Plan {
            hash,
            key,
            value,
            ttl,
            weight,
        } = plan;
        let shard = &mut guarded.shard;
        // One reading of the clock serves the new deadline and all that are met on the way.
        let begun = ttl.map(|_| self.clock.now());
        let now = || begun.unwrap_or_else(|| self.clock.now());
        let mut more = Vec::new();
        let refused = if ttl == Some(Duration::ZERO) {
            shard.expired += 1;
            Some(RemovalCause::Expired)
        } else if shard.can_hold(weight) {
            None
        } else {
            shard.evicted += 1;
            Some(RemovalCause::Evicted)
        };
        let change = if let Some(cause) = refused {
            let old = found.map(|index| shard.take(index, now));
            Change::Refused {
                key,
                value,
                cause,
                old,
            }
        } else if let Some(index) = found {
            let deadline = deadline_of(ttl, now);
            let (old, live) = shard.replace(index, value, deadline, weight, now);
            if self.weighs {
                // It may weigh more than before, and then even this entry may have to go.
                shard.make_room(0, now, &mut more);
            }
            Change::Replaced { key, old, live }
        } else {
            let deadline = deadline_of(ttl, now);
            if self.weighs {
                shard.make_room(weight, now, &mut more);
            }
            Change::Added(shard.insert(hash, key, value, deadline, weight, now))
        };
        Stored { change, more }
    }

    /// Tells of what putting a value let go. Returns the live value that it replaced.
    #[inline]
    pub(super) fn settle(&self, stored: Stored<K, V>) -> Option<V> {
        let Stored { change, more } = stored;
        let old = match change {
            Change::Added(gone) => {
                self.tell_gone(gone);
                None
            }
            Change::Replaced { key, old, live } => {
                self.hooks.tell(&key, &old, replaced(live));
                live.then_some(old)
            }
            Change::Refused {
                key,
                value,
                cause,
                old,
            } => {
                let old = old.and_then(|(entry, live)| {
                    self.hooks.tell(&entry.key, &entry.value, replaced(live));
                    live.then_some(entry.value)
                });
                self.hooks.tell(&key, &value, cause);
                old
            }
        };
        self.tell_gone(more);
        old
    }

    fn tell_gone(&self, gone: impl IntoIterator<Item = Gone<K, V>>) {
        for (entry, cause) in gone {
            self.hooks.tell(&entry.key, &entry.value, cause);
        }
    }
}

fn replaced(live: bool) -> RemovalCause {
    if live {
        RemovalCause::Replaced
    } else {
        RemovalCause::Expired
    }
}
