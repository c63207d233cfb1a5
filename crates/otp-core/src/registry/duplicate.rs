//! `DuplicateRegistry`: many processes a key.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};

use super::event::RegistryEvent;
use super::held::Keys;
use super::row::{Entry, Owner, Registered};
use super::table::Table;
use crate::context::Context;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::sync::Arc;

/// Processes under keys, any number a key and any number of entries a process, for as long as they live.
///
/// What is said of [`Registry`](crate::Registry) holds here too. Entries of one key stand in the order of their registration.
///
/// ```
/// # use otp_core::{Context, DuplicateRegistry, ExitReason, GenServer, start};
/// struct Listener(DuplicateRegistry<&'static str, String>);
///
/// impl GenServer for Listener {
///     type Msg = String;
///
///     async fn init(&mut self, ctx: &mut Context<String>) -> Result<(), ExitReason> {
///         self.0.register(ctx, "news", ());
///         Ok(())
///     }
///
///     async fn handle(&mut self, news: String, _: &mut Context<String>) -> Result<(), ExitReason> {
///         println!("{news}");
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listeners = DuplicateRegistry::new();
/// let one = start(Listener(listeners.clone())).await?;
/// let other = start(Listener(listeners.clone())).await?;
/// listeners.dispatch("news", |entry| {
///     let _ = entry.server.cast("it rains".to_owned());
/// });
/// assert_eq!(listeners.lookup("news").len(), 2);
/// # drop((one, other));
/// # Ok(()) }
/// ```
pub struct DuplicateRegistry<K, M, V = (), S = RandomState> {
    table: Arc<Table<K, M, V, S>>,
}

impl<K, M, V> DuplicateRegistry<K, M, V> {
    /// Makes a registry without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(RandomState::new())
    }
}

impl<K, M, V> Default for DuplicateRegistry<K, M, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, M, V, S> DuplicateRegistry<K, M, V, S> {
    /// Makes a registry that hashes keys by `hasher`.
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self {
            table: Table::new(hasher, false),
        }
    }

    /// Returns the number of entries, not of keys. Counted shard by shard, so it may be off while others register.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table.count()
    }
}

impl<K, M, V, S> DuplicateRegistry<K, M, V, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Registers the process of `ctx` under a key, once more if it has entries there already.
    pub fn register(&self, ctx: &Context<M>, key: K, value: V) {
        let (pid, server) = (ctx.pid(), ctx.weak_ref());
        // Nobody can be in the way, and a process whose code runs has not ended.
        let _ = self.table.register(&Owner::new(&server, &pid), key, value);
    }

    /// Takes the entries that the process of `ctx` has under a key out, and returns their values.
    pub fn unregister<Q>(&self, ctx: &Context<M>, key: &Q) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.unregister_if(ctx, key, |_| true)
    }

    /// Takes those of them out whose value `which` picks.
    pub fn unregister_if<Q>(&self, ctx: &Context<M>, key: &Q, which: impl Fn(&V) -> bool) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.unregister(&ctx.pid(), key, which)
    }

    /// Returns what stands under a key.
    pub fn lookup<Q>(&self, key: &Q) -> Vec<Registered<M, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let all = self.table.with(key, |entries| {
            let entries = entries.iter();
            entries.filter_map(Entry::registered).collect()
        });
        all.unwrap_or_default()
    }

    /// Calls `send` with each entry under a key, outside of all locks, and returns how many there were.
    pub fn dispatch<Q>(&self, key: &Q, send: impl FnMut(Registered<M, V>)) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entries = self.lookup(key);
        let number = entries.len();
        entries.into_iter().for_each(send);
        number
    }

    /// Returns the keys of a process's entries, in the order of their registration; one for each entry.
    #[must_use]
    pub fn keys(&self, pid: &Pid) -> Vec<K> {
        let held = Keys::of(pid, &self.table, false);
        held.map(|held| held.keys.lock().clone())
            .unwrap_or_default()
    }

    /// Returns the values that a process has under a key, in the order of their registration.
    pub fn values<Q>(&self, key: &Q, pid: &Pid) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let values = self.table.with(key, |entries| {
            let own = entries.iter().filter(|entry| entry.number == pid.number());
            own.map(|entry| entry.value.clone()).collect()
        });
        values.unwrap_or_default()
    }

    /// Returns what `pick` makes of the entries; see [`Registry::select`](crate::Registry::select).
    pub fn select<T>(&self, mut pick: impl FnMut(&K, &Pid, &V) -> Option<T>) -> Vec<T> {
        self.table.select(&mut pick)
    }

    /// Has everything that happens here from now on told to `listener`; see [`Registry::listen`](crate::Registry::listen).
    pub fn listen(&self, listener: Recipient<RegistryEvent<K, V>>) {
        self.table.listeners.add(listener);
    }
}

impl<K, M, V, S> Clone for DuplicateRegistry<K, M, V, S> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
        }
    }
}

impl<K, M, V, S> fmt::Debug for DuplicateRegistry<K, M, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplicateRegistry")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}
