//! What a cache can be told at its start.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::BadOption;

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
/// assert_eq!(config.sweep_interval, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// How long an entry lives whose `put` names no time to live. Default: `None`, for ever.
    ///
    /// Any duration is allowed. Zero makes every such `put` expire at once, which switches a cache
    /// off without touching the code that uses it; [`Duration::MAX`] means for ever.
    pub default_ttl: Option<Duration>,

    /// How long an entry lives that nobody reads, more than zero. Default: `None`, for ever.
    ///
    /// Each `get` that hits begins the time anew, and so does a put; `peek`, `contains_key` and
    /// `keys` do not. It holds beside the time to live, whichever is over first.
    /// [`Duration::MAX`] means for ever. With it, each hit reads the clock and writes to the entry.
    pub time_to_idle: Option<Duration>,

    /// For how long after its time to live [`get_or_revalidate`](crate::Cache::get_or_revalidate)
    /// still returns a value, while it loads the next one. Default: zero, not at all.
    ///
    /// For everything else such an entry is expired. It keeps its memory, and its place if the cache
    /// is bounded.
    pub stale_for: Duration,

    /// How many entries the cache holds at most, 1 or more. Default: `None`, **no bound**: without
    /// one a cache grows with the keys that are put into it, and only expiry and deletion shrink
    /// it.
    ///
    /// The bound is never passed, not even for a moment. It is dealt out evenly to the cache's
    /// shards, and a shard that is full evicts while another may still have room, so the first
    /// eviction comes a little before the bound is reached.
    pub max_entries: Option<usize>,

    /// How much all entries weigh at most, 1 or more, in the unit of the
    /// [weigher](crate::Hooks::weigher), which it needs. It goes in the place of `max_entries`; both
    /// at once are refused. Default: `None`, **no bound**.
    ///
    /// The bound is never passed. It is dealt out evenly to the shards, and an entry that alone
    /// weighs more than a shard's part is not kept at all: see `shards`.
    pub max_weight: Option<u64>,

    /// How many shards the cache has, each with a lock of its own and an even part of the bound. It
    /// is rounded up to a power of two, and 256 at most. Default: `None`, by the number of cores: 8
    /// for each; with `max_entries` fewer if they would be small, with `max_weight` 1 for each.
    ///
    /// Fewer hold heavier entries and keep better what is worth it; more let more threads write at
    /// the same time.
    pub shards: Option<NonZeroUsize>,

    /// How often expired entries are swept out, more than zero. Default: 30 s.
    ///
    /// A sweep only gives memory back. No reader ever sees an expired entry, whether it was swept
    /// or not. [`Duration::MAX`] means never; below 1 ms is as good as 1 ms, the timer's
    /// resolution.
    pub sweep_interval: Duration,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            default_ttl: None,
            time_to_idle: None,
            stale_for: Duration::ZERO,
            max_entries: None,
            max_weight: None,
            shards: None,
            sweep_interval: Duration::from_secs(30),
        }
    }
}

impl CacheConfig {
    pub(crate) fn check(&self, has_weigher: bool) -> Result<(), BadOption> {
        let bad = |option, allowed| Err(BadOption { option, allowed });
        if self.time_to_idle == Some(Duration::ZERO) {
            return bad("time_to_idle", "more than zero, or `None` for ever");
        }
        if self.max_entries == Some(0) {
            return bad("max_entries", "1 or more, or `None` for no bound");
        }
        if self.max_weight == Some(0) {
            return bad("max_weight", "1 or more, or `None` for no bound");
        }
        if self.max_weight.is_some() && self.max_entries.is_some() {
            return bad("max_weight", "`None` where `max_entries` is set");
        }
        if self.max_weight.is_some() && !has_weigher {
            return bad(
                "max_weight",
                "`None` without a weigher, see `Hooks::weigher`",
            );
        }
        if self.max_weight.is_none() && has_weigher {
            return bad("max_weight", "set where there is a weigher");
        }
        if self.sweep_interval.is_zero() {
            let allowed = "more than zero; `Duration::MAX` means never";
            return bad("sweep_interval", allowed);
        }
        Ok(())
    }
}
