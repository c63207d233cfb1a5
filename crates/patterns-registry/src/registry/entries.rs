//! What stands in the table: keys, values, and how the workers are doing.

use std::borrow::Borrow;
use std::hash::Hash;
use std::mem;
use std::sync::Arc;

use otp_core::Pid;
use tokio::time::Instant;

use super::WorkerRegistry;
use crate::WorkerInfo;
use crate::row::{About, Phase, Row};

impl<K, M, V> WorkerRegistry<K, M, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Send + Sync + 'static,
{
    /// Returns the keys of the workers that run, in no order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.core.table.running(|row| row.key.clone())
    }

    /// Tells how each worker that runs is doing, sorted by key.
    ///
    /// No worker is asked, so that busy and dying ones are no trouble. Each part of the table is looked at for itself: a worker that is
    /// there all along is listed once, one that comes or goes meanwhile perhaps.
    #[must_use]
    pub fn list_workers(&self) -> Vec<WorkerInfo<K, V>>
    where
        K: Ord,
        V: Clone,
    {
        let rows = self.core.table.running(|row| {
            let (key, server) = (row.key.clone(), row.about.server.clone());
            let About { up, value, .. } = &*row.about;
            (key, server, up.clone(), Arc::clone(value))
        });
        let now = Instant::now();
        let mut workers: Vec<_> = rows
            .into_iter()
            .filter_map(|(key, server, up, value)| {
                let up = up?;
                let info = server.info();
                Some(WorkerInfo {
                    key,
                    pid: up.pid,
                    value: V::clone(&value),
                    started: up.since,
                    uptime: now.saturating_duration_since(up.since),
                    handled: info.handled,
                    mailbox_len: info.mailbox_len,
                    restarts: up.restarts,
                })
            })
            .collect();
        workers.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        workers
    }

    /// Returns the value of a key's entry, if its worker runs.
    #[must_use]
    pub fn value<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        let (_, value) = self.entry(key)?;
        Some(V::clone(&value))
    }

    /// Changes the value of a key's entry, if its worker runs. Returns the new value and the one before; `None` if there is
    /// no worker, or it ends meanwhile.
    ///
    /// `change` is called again if somebody else has changed the value while it ran. The value stays when the worker is
    /// restarted.
    pub fn update_value<Q>(&self, key: &Q, mut change: impl FnMut(&V) -> V) -> Option<(V, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        let table = &self.core.table;
        let hash = table.hash(key);
        let (id, mut seen) = self.entry(key)?;
        loop {
            let new = Arc::new(change(&seen));
            match table.replace_value(hash, id, &seen, &new)? {
                None => return Some((V::clone(&new), V::clone(&seen))),
                Some(changed) => drop(mem::replace(&mut seen, changed)),
            }
        }
    }

    /// Returns what `pick` makes of the workers that run, in no order, leaving out those of which it makes nothing.
    ///
    /// `pick` runs outside of the locks, on entries as they were a moment before.
    pub fn select<T>(&self, mut pick: impl FnMut(&K, &Pid, &V) -> Option<T>) -> Vec<T> {
        let rows = self.core.table.running(|row| {
            let (key, up) = (row.key.clone(), row.about.up.clone());
            (key, up, Arc::clone(&row.about.value))
        });
        rows.into_iter()
            .filter_map(|(key, up, value)| pick(&key, &up?.pid, &value))
            .collect()
    }

    /// Counts the workers that run and that `which` says so of; otherwise as [`select`](WorkerRegistry::select).
    pub fn count(&self, mut which: impl FnMut(&K, &Pid, &V) -> bool) -> usize {
        let one = |key: &K, pid: &Pid, value: &V| which(key, pid, value).then_some(());
        self.select(one).len()
    }

    /// The worker that runs under a key, by its number, and its value.
    fn entry<Q>(&self, key: &Q) -> Option<(u64, Arc<V>)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let table = &self.core.table;
        let entry = |row: &Row<K, M, V>| {
            let about = &row.about;
            (about.phase == Phase::Running).then(|| (about.id, Arc::clone(&about.value)))
        };
        table.with(table.hash(key), key, entry).flatten()
    }
}
