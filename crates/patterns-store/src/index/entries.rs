//! What an index keeps: keys by index values, and the index value of each key.
//!
//! Invariants, unless it is broken:
//! 1. `keys` holds the index value of each row of the table as of its last change, and `values` is its inverse. Both are
//!    changed under the lock of the row's shard, which is taken before the index's own.
//! 2. While they are changed `broken` is set. So it stays set if an `Ord` of the program panics halfway.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::ops::RangeBounds;

use otp_core::contained::contain;

use crate::TableError;
use crate::bounds::proper;
use crate::inside::{Held, Inside};
use crate::sync::{Arc, Mutex};
use crate::watch::{Event, Notes, Ready, Watcher, What};

/// What the program computes from a row.
type Of<I, K, V> = dyn Fn(&K, &V) -> I + Send + Sync;

pub(super) struct Entries<I, K, V> {
    of: Box<Of<I, K, V>>,
    maps: Mutex<Maps<I, K>>,
}

struct Maps<I, K> {
    keys: BTreeMap<K, I>,
    values: BTreeMap<I, BTreeSet<K>>,
    broken: bool,
}

impl<I, K, V> Entries<I, K, V>
where
    I: Ord + Clone,
    K: Ord + Clone,
{
    pub(super) fn new(of: impl Fn(&K, &V) -> I + Send + Sync + 'static) -> Self {
        Self {
            of: Box::new(of),
            maps: Mutex::new(Maps {
                keys: BTreeMap::new(),
                values: BTreeMap::new(),
                broken: false,
            }),
        }
    }

    pub(super) fn value_of(&self, key: &K, value: &V) -> I {
        (self.of)(key, value)
    }

    /// The keys of all rows whose index values lie in a range, and those of some whose time is over.
    pub(super) fn keys<Q>(&self, range: &impl RangeBounds<Q>) -> Result<Vec<K>, TableError>
    where
        I: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut found = Vec::new();
        let inside = Inside::enter()?;
        let maps = Held::new(self.maps.lock(), inside);
        if maps.broken {
            return Err(TableError::IndexBroken);
        }
        if let Some(bounds) = proper(range) {
            let keys = maps.values.range::<Q, _>(bounds);
            found.extend(keys.flat_map(|(_, keys)| keys).cloned());
        }
        drop(maps);
        Ok(found)
    }
}

impl<I, K, V> Watcher<K, V> for Entries<I, K, V>
where
    I: Ord + Clone + Send + Sync + 'static,
    K: Ord + Clone + Send + Sync + 'static,
    V: 'static,
{
    fn prepare(self: Arc<Self>, event: &Event<'_, K, V>) -> Box<dyn Ready> {
        let &Event(what, key, value) = event;
        let value = (what == What::Put).then(|| (self.of)(key, value));
        Box::new(Pending {
            keys: (key.clone(), key.clone()),
            values: value.map(|value| (value.clone(), value)),
            entries: self,
        })
    }

    fn close(&self) {}
}

struct Pending<I, K, V> {
    entries: Arc<Entries<I, K, V>>,
    keys: (K, K),
    values: Option<(I, I)>,
}

impl<I, K, V> Ready for Pending<I, K, V>
where
    I: Ord + 'static,
    K: Ord + 'static,
    V: 'static,
{
    fn commit(self: Box<Self>, notes: &mut Notes) {
        let Self {
            entries,
            keys,
            values,
        } = *self;
        let mut maps = entries.maps.lock();
        if maps.broken {
            notes.discard((keys, values));
        } else {
            maps.broken = true;
            // A panic stays here: the row's change is made, and others are to be told of it.
            contain(|| {
                maps.set(keys, values, notes);
                maps.broken = false;
            });
        }
    }
}

impl<I: Ord + 'static, K: Ord + 'static> Maps<I, K> {
    /// Sets the index value of a key, or removes the key. What is not needed any more goes to `notes`.
    fn set(&mut self, keys: (K, K), values: Option<(I, I)>, notes: &mut Notes) {
        let Some((value, same)) = values else {
            if let Some((key, old)) = self.keys.remove_entry(&keys.0) {
                self.unlist(&keys.0, old, notes);
                notes.discard(key);
            }
            notes.discard(keys);
            return;
        };
        if let Some(current) = self.keys.get_mut(&keys.0) {
            if *current == value {
                notes.discard((keys, value, same));
                return;
            }
            let old = mem::replace(current, value);
            self.unlist(&keys.0, old, notes);
            notes.discard(keys.0);
        } else {
            self.keys.insert(keys.0, value);
        }
        if let Some(list) = self.values.get_mut(&same) {
            list.insert(keys.1);
            notes.discard(same);
        } else {
            self.values.insert(same, BTreeSet::from([keys.1]));
        }
    }

    /// Takes a key out of the list of an index value.
    fn unlist(&mut self, key: &K, value: I, notes: &mut Notes) {
        if let Some(list) = self.values.get_mut(&value) {
            notes.discard(list.take(key));
            if list.is_empty() {
                notes.discard(self.values.remove_entry(&value));
            }
        }
        notes.discard(value);
    }
}
