//! What a cache counts.

/// What a [`Cache`](crate::Cache) has counted, and what it holds at this moment.
///
/// All counts but `keys` and `weight` run from the cache's start, or from the last
/// [`reset_stats`](crate::Cache::reset_stats). Without concurrent use they are exact. While others
/// use the cache, the counts are read one after the other and may be a few operations apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// How many reads found a live value.
    pub hits: u64,
    /// How many reads found none. An expired entry is a miss.
    pub misses: u64,
    /// How many live entries there are; expired ones that no sweep has met yet are left out.
    pub keys: usize,
    /// What all entries weigh, expired ones that were not swept yet and stale ones too. Without a
    /// weigher each weighs 1.
    pub weight: u64,
    /// How many entries had to go because the cache was full, or weighed too much to be kept.
    pub evicted: u64,
    /// How many entries were dropped because their time was over: by a sweep, a read, a write to
    /// their key, or in place of a live entry when the cache was full.
    pub expired: u64,
    /// How many loads brought a value.
    pub loads: u64,
    /// How many loads brought none: they failed, panicked, or their future was dropped.
    pub failed_loads: u64,
    /// How many calls got what another call loaded, for which they waited. Each is a miss too.
    pub coalesced: u64,
    /// How many calls got a stale value. Each is a miss too.
    pub stale: u64,
}

impl CacheStats {
    /// Returns the share of reads that were hits, from 0.0 to 1.0, or `None` before the first read.
    ///
    /// A call that waited for another's load is no hit: the share of reads for which nothing was loaded is `1 - (loads + failed_loads) / (hits + misses)`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_cache::{Cache, CacheConfig};
    ///
    /// let cache = Cache::start(CacheConfig::default()).await?;
    /// assert_eq!(cache.stats().hit_ratio(), None);
    /// cache.put("one", 1);
    /// cache.get("one");
    /// cache.get("two");
    /// assert_eq!(cache.stats().hit_ratio(), Some(0.5));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let reads = self.hits + self.misses;
        (reads > 0).then(|| self.hits as f64 / reads as f64)
    }
}
