//! `Registry`: one process a key.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};

use super::error::AlreadyRegistered;
use super::event::RegistryEvent;
use super::held::Keys;
use super::row::{Owner, Registered};
use super::table::Table;
use super::via::Via;
use crate::context::Context;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::server_ref::ServerRef;
use crate::sync::Arc;

/// Processes under keys, one a key, for as long as they live.
///
/// A server registers itself, in `init` as a rule, or is started [`via`](Registry::via) a key. When it ends, by whatever
/// way, its entries are gone before anybody is told of the end: callers, links, monitors and listeners.
///
/// It is a value and no global: clones lead to the same entries, and a program has as many registries as it needs. Reading and
/// registering asks no process; a lookup takes one of many locks for reading, for some nanoseconds.
///
/// `M` is what the servers understand, `V` the value that each entry has. Keys are cloned once for the process that is
/// registered; for long ones take `Arc<str>`.
///
/// ```
/// use otp_core::{Context, ExitReason, GenServer, Registry, ReplyTo, start};
///
/// struct Room { name: &'static str, rooms: Registry<&'static str, Ask> }
/// struct Ask(ReplyTo<usize>);
///
/// impl GenServer for Room {
///     type Msg = Ask;
///
///     async fn init(&mut self, ctx: &mut Context<Ask>) -> Result<(), ExitReason> {
///         self.rooms.register(ctx, self.name, ())?;
///         Ok(())
///     }
///
///     async fn handle(&mut self, Ask(reply): Ask, _: &mut Context<Ask>) -> Result<(), ExitReason> {
///         reply.send(self.name.len());
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rooms = Registry::new();
/// let lobby = start(Room { name: "lobby", rooms: rooms.clone() }).await?;
///
/// let found = rooms.whereis("lobby").ok_or("no lobby")?;
/// assert_eq!(found.call(Ask).await?, 5);
/// assert!(start(Room { name: "lobby", rooms: rooms.clone() }).await.is_err());
///
/// lobby.stop().await?;
/// assert!(rooms.whereis("lobby").is_none());
/// # Ok(()) }
/// ```
///
/// # Your code under its locks
///
/// `Hash`, `Eq` and `Clone` of keys and values, and the closures of [`select`](Registry::select), [`update_value`](Registry::update_value) and
/// [`unregister_if`](Registry::unregister_if) run under a lock of the registry and must not use the same registry. A panic in one
/// reaches the caller and leaves the registry whole. Keys and values are dropped outside of the locks.
pub struct Registry<K, M, V = (), S = RandomState> {
    table: Arc<Table<K, M, V, S>>,
}

impl<K, M, V> Registry<K, M, V> {
    /// Makes a registry without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(RandomState::new())
    }
}

impl<K, M, V> Default for Registry<K, M, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, M, V, S> Registry<K, M, V, S> {
    /// Makes a registry that hashes keys by `hasher`.
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self {
            table: Table::new(hasher, true),
        }
    }

    /// Returns the number of entries. Counted shard by shard, so it may be off while others register.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table.count()
    }
}

impl<K, M, V, S> Registry<K, M, V, S>
where
    K: Hash + Eq,
    S: BuildHasher,
{
    /// Returns the address of the server under a key; `None` if there is none or it has just ended.
    #[inline]
    pub fn whereis<Q>(&self, key: &Q) -> Option<ServerRef<M>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table
            .with(key, |entries| entries[0].server())
            .flatten()
    }
}

impl<K, M, V, S> Registry<K, M, V, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Registers the process of `ctx` under a key, until it ends or gives the key back.
    ///
    /// A key whose holder has ended is free at once.
    ///
    /// # Errors
    ///
    /// [`AlreadyRegistered`] if a process holds the key, be it this one.
    pub fn register(&self, ctx: &Context<M>, key: K, value: V) -> Result<(), AlreadyRegistered> {
        let (pid, server) = (ctx.pid(), ctx.weak_ref());
        let registered = self.table.register(&Owner::new(&server, &pid), key, value);
        // A process whose code runs has not ended.
        registered.unwrap_or(Ok(()))
    }

    /// Takes the entry that the process of `ctx` has under a key out, and returns its value; `None` if it has none.
    pub fn unregister<Q>(&self, ctx: &Context<M>, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.unregister_if(ctx, key, |_| true)
    }

    /// Takes the entry out if `which` says so of its value; otherwise as [`unregister`](Registry::unregister).
    pub fn unregister_if<Q>(
        &self,
        ctx: &Context<M>,
        key: &Q,
        which: impl Fn(&V) -> bool,
    ) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.unregister(&ctx.pid(), key, which).pop()
    }

    /// Returns what stands under a key.
    pub fn lookup<Q>(&self, key: &Q) -> Option<Registered<M, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table
            .with(key, |entries| entries[0].registered())
            .flatten()
    }

    /// Changes the value that the process of `ctx` has under a key. Returns the new one and the one before; `None` if the
    /// key is not its own.
    pub fn update_value<Q>(
        &self,
        ctx: &Context<M>,
        key: &Q,
        change: impl FnOnce(&V) -> V,
    ) -> Option<(V, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.update(key, ctx.pid().number(), |value| {
            let new = change(value);
            let before = std::mem::replace(value, new.clone());
            (new, before)
        })
    }

    /// Returns the keys that a process has, in the order of their registration.
    #[must_use]
    pub fn keys(&self, pid: &Pid) -> Vec<K> {
        let held = Keys::of(pid, &self.table, false);
        held.map(|held| held.keys.lock().clone())
            .unwrap_or_default()
    }

    /// Returns the value that a process has under a key.
    pub fn value<Q>(&self, key: &Q, pid: &Pid) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table
            .with(key, |entries| {
                let own = entries.iter().find(|entry| entry.number == pid.number());
                own.map(|entry| entry.value.clone())
            })
            .flatten()
    }

    /// Returns what `pick` makes of the entries, in no order, leaving out those of which it makes nothing.
    ///
    /// Each shard is looked at for itself: an entry that is there all along is seen once, one that comes or goes meanwhile
    /// perhaps.
    pub fn select<T>(&self, mut pick: impl FnMut(&K, &Pid, &V) -> Option<T>) -> Vec<T> {
        self.table.select(&mut pick)
    }

    /// Has everything that happens here from now on told to `listener`, in order for each key.
    ///
    /// One whose mailbox is full misses events; one that has ended is forgotten. A panic in the code that turns an event into its
    /// message goes to the panic hook and no further, and that event is lost to it.
    pub fn listen(&self, listener: Recipient<RegistryEvent<K, V>>) {
        self.table.listeners.add(listener);
    }

    /// Returns the address of whoever holds `key`, at each use anew. A server can be started or supervised by it.
    pub fn via(&self, key: K) -> Via<M>
    where
        V: Default,
    {
        self.via_with(key, V::default())
    }

    /// The same with a value for the entry of a server that is started by it.
    pub fn via_with(&self, key: K, value: V) -> Via<M> {
        Via::new(self.clone(), key, value)
    }

    /// Registers another process.
    pub(super) fn claim(
        &self,
        owner: &Owner<'_, M>,
        key: K,
        value: V,
    ) -> Option<Result<(), AlreadyRegistered>> {
        self.table.register(owner, key, value)
    }
}

impl<K, M, V, S> Clone for Registry<K, M, V, S> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
        }
    }
}

impl<K, M, V, S> fmt::Debug for Registry<K, M, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}
