//! quick_cache: its sync cache; it has no time to live.

use quick_cache::sync::Cache;

use super::caches::{CacheContender, QUICK_CACHE};

/// A quick_cache cache.
pub(crate) struct QuickCache(Cache<u64, u64>);

impl QuickCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }
}

impl CacheContender for QuickCache {
    fn name(&self) -> &'static str {
        QUICK_CACHE
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key)
    }

    fn put(&self, key: u64, value: u64) {
        self.0.insert(key, value);
    }

    fn entries(&self) -> u64 {
        self.0.len() as u64
    }
}
