//! What every cache contender can do, and the list of them.

use std::time::Duration;

use super::{moka, quick_cache};

/// The name of patterns-cache in every table.
pub(crate) const PATTERNS_CACHE: &str = "patterns-cache";
/// The name of quick_cache in every table.
pub(crate) const QUICK_CACHE: &str = "quick_cache";
/// The time to live where there is one: long enough that nothing expires.
pub(crate) const TTL: Duration = Duration::from_secs(3600);

/// A bounded cache from `u64` to `u64`, with its own default hasher.
pub(crate) trait CacheContender: Send + Sync {
    fn name(&self) -> &'static str;

    fn get(&self, key: u64) -> Option<u64>;

    fn put(&self, key: u64, value: u64);

    /// Does now what the cache has put off.
    fn settle(&self) {}

    /// How many entries it holds.
    fn entries(&self) -> u64;
}

/// Runs `visit` with a new cache of each kind, one that holds `capacity` entries.
pub(crate) trait CacheVisit {
    fn visit<C: CacheContender + 'static>(&mut self, build: fn(usize) -> C);
}

/// Visits all caches, those with a time to live too.
pub(crate) fn every(visit: &mut impl CacheVisit) {
    without_ttl(visit);
    #[cfg(feature = "cache")]
    visit.visit(super::patterns_cache::PatternsCache::with_ttl);
    visit.visit(moka::Moka::with_ttl);
}

/// Visits the caches once each.
pub(crate) fn without_ttl(visit: &mut impl CacheVisit) {
    visit.visit(quick_cache::QuickCache::new);
    #[cfg(feature = "cache")]
    visit.visit(super::patterns_cache::PatternsCache::new);
    visit.visit(moka::Moka::new);
}
