//! The handle: what a program does with a cache.

mod loading;

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use otp_core::ServerRef;

use crate::server::{CacheMsg, Server};
use crate::table::Table;
use crate::{BadOption, CacheConfig, CacheStats, Child, Hooks, Pid, StartError, StopError};

/// A concurrent map whose entries can expire and whose size can be bounded.
///
/// A handle is cheap to clone, and all clones are one cache. Reads and writes go straight to the
/// shared table: they are plain functions, cross no process, and work from threads and sync code
/// without a runtime. A process of its own sweeps out what has expired. It ends with the last
/// handle, and the entries are dropped then.
///
/// Reading clones the value, so a large one is best kept in an [`Arc`].
///
/// # User code under a lock
///
/// `K`'s `Eq` and `Clone` and `V`'s `Clone` run while a shard of the table is locked. They must not
/// call the same cache, or they may wait for themselves for ever. A panic in one reaches the
/// caller, and the cache stays whole and usable. `K`'s `Hash`, and the `Drop` of keys and values,
/// run outside the locks and may do as they like.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use patterns_cache::{Cache, CacheConfig};
///
/// let cache = Cache::start(CacheConfig::default()).await?;
/// cache.put("user:1".to_string(), "Ada");
/// cache.put_with_ttl("session:1".to_string(), "open", Duration::from_secs(900));
///
/// assert_eq!(cache.get("user:1"), Some("Ada"));
/// assert_eq!(cache.delete("user:1"), Some("Ada"));
/// assert_eq!(cache.get("user:1"), None);
/// # Ok(())
/// # }
/// ```
#[must_use = "the cache ends when its last handle is dropped"]
pub struct Cache<K, V> {
    table: Arc<Table<K, V>>,
    server: ServerRef<CacheMsg>,
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Starts an empty cache, and the process that sweeps it.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if an option is out of its range, and why its process did not start, above all
    /// [`StartError::NoRuntime`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no cache, and its process ends.
    pub async fn start(config: CacheConfig) -> Result<Self, StartError> {
        Self::start_with(config, Hooks::new()).await
    }

    /// Starts an empty cache with a weigher or a removal listener, and the process that sweeps it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](Self::start).
    pub async fn start_with(config: CacheConfig, hooks: Hooks<K, V>) -> Result<Self, StartError> {
        config.check(hooks.has_weigher())?;
        let table = Arc::new(Table::new(&config, hooks));
        let server = Server::new(Arc::downgrade(&table), config.sweep_interval);
        let server = otp_core::start(server).await?;
        Ok(Self { table, server })
    }

    /// Makes a cache whose process is a child of a supervisor.
    ///
    /// The cache can be used at once. Its entries are in the handles and not in the process, so a
    /// restart of that loses none.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_cache::{Strategy, Supervisor};
    /// use patterns_cache::{Cache, CacheConfig, Hooks};
    ///
    /// let (child, cache) = Cache::child("pages", CacheConfig::default(), Hooks::new())?;
    /// let tree = Supervisor::new(Strategy::OneForOne).child(child).start().await?;
    /// cache.put("/", "<h1>Hello</h1>");
    /// tree.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "as `start` takes it")]
    pub fn child(
        id: impl Into<Arc<str>>,
        config: CacheConfig,
        hooks: Hooks<K, V>,
    ) -> Result<(Child<CacheMsg>, Self), BadOption> {
        config.check(hooks.has_weigher())?;
        let table = Arc::new(Table::new(&config, hooks));
        let (weak, interval) = (Arc::downgrade(&table), config.sweep_interval);
        let child = Child::server(id, move || Server::new(weak.clone(), interval));
        let server = child.server_ref();
        Ok((child, Self { table, server }))
    }
}

impl<K, V> Cache<K, V> {
    /// Removes all entries, live or not. The counts of [`stats`](Self::stats) stay.
    ///
    /// Each shard is emptied at once, one after the other: what another thread puts meanwhile may
    /// stay. The values are dropped here, after the last shard was emptied and outside all locks.
    pub fn clear(&self) {
        self.table.clear();
    }

    /// Returns the keys of all live entries, in no order.
    ///
    /// It is a snapshot: each shard's keys are cloned under its lock, during which reads go on and
    /// writes to that shard wait.
    #[must_use]
    pub fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        self.table.keys()
    }

    /// Returns the number of live entries.
    ///
    /// That takes a glance at each shard, unless something in it has expired that was not swept
    /// yet. Then the shard's deadlines are counted through, a nanosecond or two for each entry,
    /// during which reads go on and writes to that shard wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Says whether there is no live entry. It costs no more than [`len`](Self::len).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Returns what the cache has counted, and how many live entries it holds, at the cost of
    /// [`len`](Self::len).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_cache::{Cache, CacheConfig};
    /// let cache = Cache::start(CacheConfig::default()).await?;
    /// cache.extend([("a", 1), ("b", 2)]);
    /// cache.get("a");
    /// cache.get("c");
    ///
    /// let stats = cache.stats();
    /// assert_eq!((stats.hits, stats.misses, stats.keys), (1, 1, 2));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.table.stats()
    }

    /// Sets all counts of [`stats`](Self::stats) back to zero. The entries stay.
    pub fn reset_stats(&self) {
        self.table.reset_stats();
    }

    /// Ends the sweeping process and waits for its end.
    ///
    /// The cache itself goes on, for every handle: reads, writes, the exact expiry on reading, and
    /// the bound. Only nothing sweeps any more, so an entry that has expired keeps its memory
    /// until its key is next used, a full cache evicts it, or `clear` or the last handle's drop
    /// takes it.
    ///
    /// A cache that is a [child](Self::child) is to be stopped by its supervisor, which would otherwise
    /// start its process again.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`]; [`StopError::NoProc`] if it has ended already.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after it was first polled, the process still ends.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.server.stop().await
    }

    /// Returns the sweeping process, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.server.pid()
    }
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// Puts a value, with the cache's default time to live. Returns the live value that it
    /// replaces.
    ///
    /// The value is there for everyone when this returns. If the key has an entry, its value and
    /// its time to live are replaced and its key is kept, as `HashMap::insert` does. If the
    /// cache is full, another entry is evicted.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_cache::{Cache, CacheConfig};
    /// let cache = Cache::start(CacheConfig::default()).await?;
    /// assert_eq!(cache.put("colour", "red"), None);
    /// assert_eq!(cache.put("colour", "blue"), Some("red"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn put(&self, key: K, value: V) -> Option<V> {
        self.table.put(key, value, self.table.default_ttl())
    }

    /// Puts a value that lives for `ttl`, whatever the default is. Returns the live value that it
    /// replaces.
    ///
    /// The entry is gone at the very nanosecond at which `ttl` has passed. Zero expires at once:
    /// the new value is dropped and the old one is gone. [`Duration::MAX`], and all that is
    /// longer than 584 years, means for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// # use patterns_cache::{Cache, CacheConfig};
    /// let cache = Cache::start(CacheConfig::default()).await?;
    /// cache.put_with_ttl("token", "abc", Duration::from_secs(60));
    ///
    /// tokio::time::advance(Duration::from_secs(59)).await;
    /// assert_eq!(cache.get("token"), Some("abc"));
    /// tokio::time::advance(Duration::from_secs(1)).await;
    /// assert_eq!(cache.get("token"), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn put_with_ttl(&self, key: K, value: V, ttl: Duration) -> Option<V> {
        self.table.put(key, value, Some(ttl))
    }

    /// Returns a clone of the key's live value, and counts a hit or a miss.
    ///
    /// A read that meets an expired entry is a miss and removes it.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        self.table.get(key)
    }

    /// Returns a clone of the key's live value. It counts as no hit and no miss, and not as a use:
    /// neither for eviction nor for the time to idle.
    pub fn peek<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        self.table.peek(key)
    }

    /// Says whether the key has a live entry. It counts as no hit and no miss, and not as a use
    /// that keeps the entry from being evicted.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.contains_key(key)
    }

    /// Removes the key's entry. Returns its value if it was live.
    pub fn delete<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.delete(key)
    }

    /// Removes all live entries for which `is_invalid` says so. Returns how many.
    ///
    /// It looks at clones of some 256 entries at a time, outside the locks, and may use the cache. An
    /// entry whose value is replaced while it is looked at stays. What is put meanwhile may be
    /// looked at or not, and so may what is moved by another removal. A load that is under way is no
    /// entry yet and goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_cache::{Cache, CacheConfig};
    /// let cache = Cache::start(CacheConfig::default()).await?;
    /// cache.extend([("user:1", 10), ("user:2", 20), ("page:1", 30)]);
    /// assert_eq!(cache.invalidate_if(|key, _| key.starts_with("user:")), 2);
    /// assert_eq!(cache.keys(), ["page:1"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn invalidate_if(&self, is_invalid: impl FnMut(&K, &V) -> bool) -> usize
    where
        K: Clone,
        V: Clone,
    {
        self.table.invalidate_if(is_invalid)
    }

    /// Puts all these entries, as [`put`](Self::put) does: a warm-up, say. Values that they replace
    /// are dropped.
    ///
    /// The iterator runs outside the locks and may use the cache.
    pub fn extend(&self, entries: impl IntoIterator<Item = (K, V)>) {
        for (key, value) in entries {
            self.put(key, value);
        }
    }
}

#[cfg(all(test, otp_schedules))]
impl<K, V> Cache<K, V> {
    /// A cache beside whatever process there is.
    pub(crate) fn of(table: Arc<Table<K, V>>, server: ServerRef<CacheMsg>) -> Self {
        Self { table, server }
    }
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
            server: self.server.clone(),
        }
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    /// Shows no entries, and takes no lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("default_ttl", &self.table.default_ttl())
            .finish_non_exhaustive()
    }
}
