//! The shards of a registry behind their locks.
//!
//! Invariants:
//! 1. No thread ever holds two of these locks.
//! 2. Under one, nothing of the user's is dropped, and nothing called but `Hash`, `Eq` and `Clone` of keys and values and the
//!    closure of `select` and of an update.
//! 3. What of the program's runs under a lock may panic, and runs before anything is changed.
//! 4. An entry is taken out once: by its owner, by the end of its owner, or by whoever takes a key over whose owner has ended. Who takes it
//!    out tells of it.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::thread;

use hashbrown::HashTable;

use super::error::AlreadyRegistered;
use super::event::RegistryEvent;
use super::held::{Held, Keys};
use super::row::{Entries, Entry, Owner, Row};
use crate::listeners::Listeners;
use crate::panics;
use crate::pid::Pid;
use crate::sync::{Arc, RwLock};

/// What an insertion leaves over, to be dropped outside of the lock.
struct Left<K, M, V> {
    /// The living process that is in the way; nothing was put in then.
    holder: Option<Pid>,
    key: Option<K>,
    value: Option<V>,
    /// The entry of a process that has ended.
    replaced: Option<Entry<M, V>>,
}

pub(super) struct Table<K, M, V, S> {
    shards: Box<[Shard<K, M, V>]>,
    hasher: S,
    /// Whether a key has one holder at most.
    unique: bool,
    pub(super) listeners: Listeners<RegistryEvent<K, V>>,
}

/// In cache lines of its own: cores that work on different shards must not take lines from each other.
#[repr(align(128))]
struct Shard<K, M, V> {
    rows: RwLock<HashTable<Row<K, M, V>>>,
}

impl<K, M, V, S> Table<K, M, V, S> {
    pub(super) fn new(hasher: S, unique: bool) -> Arc<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shard = |_| Shard {
            rows: RwLock::new(HashTable::new()),
        };
        Arc::new(Self {
            shards: (0..(cores * 4).next_power_of_two()).map(shard).collect(),
            hasher,
            unique,
            listeners: Listeners::new(),
        })
    }

    /// The number of entries.
    pub(super) fn count(&self) -> usize {
        let of = |shard: &Shard<K, M, V>| {
            let rows = shard.rows.read();
            if self.unique {
                return rows.len();
            }
            rows.iter().map(|row| row.entries.as_slice().len()).sum()
        };
        self.shards.iter().map(of).sum()
    }

    /// Runs `look` on every row, shard by shard.
    pub(super) fn for_each(&self, mut look: impl FnMut(&Row<K, M, V>)) {
        for shard in &self.shards {
            shard.rows.read().iter().for_each(&mut look);
        }
    }
}

impl<K, M, V, S> Table<K, M, V, S>
where
    K: Hash + Eq,
    S: BuildHasher,
{
    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<HashTable<Row<K, M, V>>> {
        // The table in the shard uses the lowest bits and the seven highest.
        let at = (hash >> 40) as usize & (self.shards.len() - 1);
        &self.shards[at].rows
    }

    /// Runs `look` on the entries under a key.
    #[inline]
    pub(super) fn with<Q, R>(&self, key: &Q, look: impl FnOnce(&[Entry<M, V>]) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let rows = self.shard(hash).read();
        let row = rows.find(hash, |row| row.key.borrow() == key)?;
        Some(look(row.entries.as_slice()))
    }

    /// Runs `change` on the value of the first entry that `number` has under a key.
    pub(super) fn update<Q, R>(
        &self,
        key: &Q,
        number: u64,
        change: impl FnOnce(&mut V) -> R,
    ) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut rows = self.shard(hash).write();
        let row = rows.find_mut(hash, |row| row.key.borrow() == key)?;
        let mut entries = row.entries.as_mut_slice().iter_mut();
        let entry = entries.find(|entry| entry.number == number)?;
        Some(change(&mut entry.value))
    }
}

impl<K, M, V, S> Table<K, M, V, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Registers a process, which holds the key from now on until it gives it back or ends. `None` if it has ended
    /// already.
    pub(super) fn register(
        self: &Arc<Self>,
        owner: &Owner<'_, M>,
        key: K,
        value: V,
    ) -> Option<Result<(), AlreadyRegistered>> {
        let held = Keys::of(&owner.pid(), self, true)?;
        let own = key.clone();
        let left = self.insert(owner, key, value);
        if let Some(pid) = left.holder {
            return Some(Err(AlreadyRegistered { pid }));
        }
        // Its end looks there for what it has to take out.
        held.keys.lock().push(own);
        if !owner.is_alive() {
            // It may have looked before the key was there.
            held.release(&owner.pid());
            return None;
        }
        self.listeners.tell();
        Some(Ok(()))
    }

    /// Puts an entry in, unless a living process is in the way.
    fn insert(&self, owner: &Owner<'_, M>, key: K, value: V) -> Left<K, M, V> {
        let hash = self.hasher.hash_one(&key);
        let mut left = Left {
            holder: None,
            key: None,
            value: None,
            replaced: None,
        };
        let mut went = None;
        let came;
        let mut rows = self.shard(hash).write();
        let row = rows.find_mut(hash, |row| row.key == key);
        let tells = self.listeners.are_there();
        if let Some(Entries::One(entry)) = row.as_ref().map(|row| &row.entries) {
            let pid = entry.pid();
            if entry.is_alive() {
                left.holder = Some(pid);
                (left.key, left.value) = (Some(key), Some(value));
                return left;
            }
            went = tells.then(|| RegistryEvent::Unregistered {
                key: key.clone(),
                pid,
            });
        }
        came = tells.then(|| RegistryEvent::Registered {
            key: key.clone(),
            pid: owner.pid(),
            value: value.clone(),
        });
        self.listeners.note_all(went.into_iter().chain(came));
        let entry = Entry {
            server: owner.server.clone(),
            number: owner.number,
            value,
        };
        match row {
            Some(row) => {
                match &mut row.entries {
                    Entries::One(before) => left.replaced = Some(std::mem::replace(before, entry)),
                    Entries::Many(entries) => entries.push(entry),
                }
                left.key = Some(key);
            }
            None => {
                let entries = if self.unique {
                    Entries::One(entry)
                } else {
                    Entries::Many(vec![entry])
                };
                let row = Row { hash, key, entries };
                rows.insert_unique(hash, row, |row| row.hash);
            }
        }
        left
    }

    /// Takes out what a process itself gives back, and returns the values.
    pub(super) fn unregister<Q>(
        self: &Arc<Self>,
        pid: &Pid,
        key: &Q,
        which: impl Fn(&V) -> bool,
    ) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Some(held) = Keys::of(pid, self, false) else {
            return Vec::new();
        };
        let keys = held.keys.lock();
        let own = keys.iter().enumerate();
        let places = own.filter_map(|(at, held)| (held.borrow() == key).then_some(at));
        let mut places: Vec<usize> = places.collect();
        drop(keys);
        if places.is_empty() {
            return Vec::new();
        }
        let values = self.remove(key, pid.number(), which);
        // Nobody else changes them: these are the places still.
        places.truncate(values.len());
        let (mut places, mut at) = (places.into_iter().peekable(), 0..);
        let mut keys = held.keys.lock();
        let goes = |_: &mut K| places.next_if(|place| at.next() == Some(*place)).is_some();
        let gone: Vec<K> = keys.extract_if(.., goes).collect();
        drop(keys);
        self.listeners.tell();
        drop(gone);
        values
    }

    /// What `pick` makes of the entries.
    pub(super) fn select<T>(&self, pick: &mut dyn FnMut(&K, &Pid, &V) -> Option<T>) -> Vec<T> {
        let mut picked = Vec::new();
        self.for_each(|row| {
            for entry in row
                .entries
                .as_slice()
                .iter()
                .filter(|entry| entry.is_alive())
            {
                picked.extend(pick(&row.key, &entry.pid(), &entry.value));
            }
        });
        picked
    }

    /// Takes out the entries of process `number` under a key whose value `which` picks, and returns their values.
    pub(super) fn remove<Q>(&self, key: &Q, number: u64, which: impl Fn(&V) -> bool) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        // Dropped after the lock.
        let (mut gone, mut events, mut emptied) = (Vec::new(), Vec::new(), None);
        let mut rows = self.shard(hash).write();
        let Ok(mut found) = rows.find_entry(hash, |row| row.key.borrow() == key) else {
            return gone;
        };
        let tells = self.listeners.are_there();
        let Row { key, entries, .. } = found.get_mut();
        let mut goes = |entry: &Entry<M, V>| {
            let goes = entry.number == number && which(&entry.value);
            if goes && tells {
                let (key, pid) = (key.clone(), entry.pid());
                events.push(RegistryEvent::Unregistered { key, pid });
            }
            goes
        };
        let empty = match entries {
            Entries::One(entry) => goes(entry),
            Entries::Many(entries) => {
                let picked: Vec<bool> = entries.iter().map(goes).collect();
                let mut picked = picked.into_iter();
                let picked = entries.extract_if(.., |_| picked.next() == Some(true));
                gone.extend(picked.map(|entry| entry.value));
                entries.is_empty()
            }
        };
        self.listeners.note_all(events);
        if empty {
            emptied = Some(found.remove().0);
        }
        drop(rows);
        if let Some(Row { key, entries, .. }) = emptied {
            if let Entries::One(entry) = entries {
                gone.push(entry.value);
            }
            let _ = panics::catch_drop(key);
        }
        gone
    }
}
