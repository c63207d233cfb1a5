//! What a load brings, and where a value came from.

use std::time::Duration;

/// A loaded value, and how long it lives. A load may return the value alone, which then has the
/// cache's default time to live.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use patterns_cache::{Cache, CacheConfig, Loaded};
///
/// let cache: Cache<&str, &str> = Cache::start(CacheConfig::default()).await?;
/// let load = async || Ok::<_, std::io::Error>(Loaded::with_ttl("abc", Duration::from_secs(60)));
/// assert_eq!(cache.get_or_load(&"token", load).await?, "abc");
///
/// tokio::time::advance(Duration::from_secs(60)).await;
/// assert_eq!(cache.get("token"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded<V> {
    pub(crate) value: V,
    /// `None` for the cache's default.
    pub(crate) ttl: Option<Duration>,
}

impl<V> Loaded<V> {
    /// Gives a value its own time to live, as
    /// [`put_with_ttl`](crate::Cache::put_with_ttl) does. Zero means that it is not kept: only those
    /// who wait for it get it.
    pub fn with_ttl(value: V, ttl: Duration) -> Self {
        Self {
            value,
            ttl: Some(ttl),
        }
    }
}

impl<V> From<V> for Loaded<V> {
    fn from(value: V) -> Self {
        Self { value, ttl: None }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// It was in the cache, and live.
    Fresh,
    /// It was in the cache and its time to live was over, but not by more than
    /// [`CacheConfig::stale_for`](crate::CacheConfig::stale_for). A load is on its way.
    Stale,
    /// This call loaded it.
    Loaded,
    /// It was loaded by another call, for which this one waited.
    Coalesced,
}

/// What [`Cache::compute`](crate::Cache::compute) does to the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compute<V> {
    /// Leaves all as it is.
    Keep,
    /// Puts a value, with the cache's default time to live.
    Put(V),
    /// Puts a value that lives for this long.
    PutWithTtl(V, Duration),
    /// Removes the entry, if there is one.
    Delete,
}
