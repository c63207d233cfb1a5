//! What a cache asks and tells its user's code.

use std::fmt;

use otp_core::contained::contain;

/// Why an entry is no longer in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemovalCause {
    /// Its time to live was over, or its time to idle. So it is also called when it is replaced,
    /// deleted or evicted after that.
    Expired,
    /// Another value was put for its key.
    Replaced,
    /// It was taken out by `delete`, `clear`, `invalidate_if` or `compute`.
    Deleted,
    /// The cache was full, or the entry alone weighed more than a shard holds.
    Evicted,
    /// The cache itself is gone: its last handle was dropped.
    Dropped,
}

type Weigher<K, V> = Box<dyn Fn(&K, &V) -> u32 + Send + Sync>;
type Listener<K, V> = Box<dyn Fn(&K, &V, RemovalCause) + Send + Sync>;

/// The closures of a cache, for [`Cache::start_with`](crate::Cache::start_with). By default there are
/// none.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_cache::{Cache, CacheConfig, Hooks};
///
/// let hooks = Hooks::new()
///     .weigher(|_: &String, page: &String| u32::try_from(page.len()).unwrap_or(u32::MAX))
///     .on_removal(|path, _, cause| println!("{path}: {cause:?}"));
/// let config = CacheConfig { max_weight: Some(1 << 20), ..CacheConfig::default() };
/// let pages = Cache::start_with(config, hooks).await?;
/// pages.put("/".to_string(), "<h1>Hello</h1>".to_string());
/// assert_eq!(pages.stats().weight, 14);
/// # Ok(())
/// # }
/// ```
pub struct Hooks<K, V> {
    weigher: Option<Weigher<K, V>>,
    on_removal: Option<Listener<K, V>>,
}

impl<K, V> Hooks<K, V> {
    /// Makes an empty set of closures.
    #[must_use]
    pub fn new() -> Self {
        Self {
            weigher: None,
            on_removal: None,
        }
    }

    /// Sets how much an entry weighs, in a unit of your own: bytes, say. Zero counts as 1.
    ///
    /// It is asked once for each value, before that is put, outside all locks; a panic reaches the
    /// caller, and nothing has changed. [`CacheConfig::max_weight`](crate::CacheConfig::max_weight) is
    /// the bound, and needs a weigher.
    #[must_use]
    pub fn weigher(mut self, weigher: impl Fn(&K, &V) -> u32 + Send + Sync + 'static) -> Self {
        self.weigher = Some(Box::new(weigher));
        self
    }

    /// Sets what is told of each entry that leaves the cache, once, with the cause.
    ///
    /// It runs outside all locks and may use the cache. It runs where the entry left: in the thread
    /// that put, deleted, read or dropped the cache, or in the process that sweeps; so it should be
    /// short. It comes after the change, which others may have seen by then. A panic in it goes to
    /// the panic hook and no further.
    #[must_use]
    pub fn on_removal(
        mut self,
        listener: impl Fn(&K, &V, RemovalCause) + Send + Sync + 'static,
    ) -> Self {
        self.on_removal = Some(Box::new(listener));
        self
    }

    pub(crate) fn has_weigher(&self) -> bool {
        self.weigher.is_some()
    }

    pub(crate) fn has_listener(&self) -> bool {
        self.on_removal.is_some()
    }

    /// What an entry weighs: 1 or more.
    #[inline]
    pub(crate) fn weigh(&self, key: &K, value: &V) -> u32 {
        self.weigher
            .as_ref()
            .map_or(1, |weigher| weigher(key, value).max(1))
    }

    /// Tells of an entry that is gone.
    #[inline]
    pub(crate) fn tell(&self, key: &K, value: &V, cause: RemovalCause) {
        if let Some(listener) = &self.on_removal {
            // The change is made, and others wait to be told of theirs.
            contain(|| listener(key, value, cause));
        }
    }
}

impl<K, V> Default for Hooks<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> fmt::Debug for Hooks<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("weigher", &self.has_weigher())
            .field("on_removal", &self.has_listener())
            .finish()
    }
}
