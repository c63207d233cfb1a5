//! What a cache can be told at its start.

use std::time::Duration;

use crate::StartError;

/// The options of a [`Cache`](crate::Cache).
///
/// Each has a default, so a config is best written with the fields that differ and
/// `..CacheConfig::default()` for the rest, which also keeps it compiling when options are added.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_cache::CacheConfig;
///
/// let config = CacheConfig {
///     default_ttl: Some(Duration::from_secs(60)),
///     max_entries: Some(10_000),
///     ..CacheConfig::default()
/// };
/// assert_eq!(config.cleanup_interval, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// How long an entry lives whose `put` names no time to live. Default: `None`, for ever.
    ///
    /// Any duration is allowed. Zero makes every such `put` expire at once, which switches a cache
    /// off without touching the code that uses it; [`Duration::MAX`] means for ever.
    pub default_ttl: Option<Duration>,

    /// How many entries the cache holds at most, 1 or more. Default: `None`, **no bound**: without
    /// one a cache grows with the keys that are put into it, and only expiry and deletion shrink
    /// it.
    ///
    /// The bound is never passed, not even for a moment. It is dealt out evenly to the cache's
    /// shards, and a shard that is full evicts while another may still have room, so the first
    /// eviction comes a little before the bound is reached.
    pub max_entries: Option<usize>,

    /// How often expired entries are swept out, more than zero. Default: 30 s.
    ///
    /// A sweep only gives memory back. No reader ever sees an expired entry, whether it was swept
    /// or not. [`Duration::MAX`] means never; below 1 ms is as good as 1 ms, the timer's
    /// resolution.
    pub cleanup_interval: Duration,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            default_ttl: None,
            max_entries: None,
            cleanup_interval: Duration::from_secs(30),
        }
    }
}

impl CacheConfig {
    pub(crate) fn check(&self) -> Result<(), StartError> {
        if self.max_entries == Some(0) {
            return Err(StartError::BadOption {
                option: "max_entries",
                allowed: "1 or more, or `None` for no bound",
            });
        }
        if self.cleanup_interval.is_zero() {
            return Err(StartError::BadOption {
                option: "cleanup_interval",
                allowed: "more than zero; `Duration::MAX` means never",
            });
        }
        Ok(())
    }
}
