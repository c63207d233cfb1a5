//! patterns-cache: bounded, without and with a time to live on each entry.

use patterns_cache::{Cache, CacheConfig};

use super::caches::{CacheContender, PATTERNS_CACHE, TTL};
use crate::harness::runtime;

/// A cache of ours.
pub(crate) struct PatternsCache {
    cache: Cache<u64, u64>,
    expires: bool,
}

impl PatternsCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            cache: start(capacity),
            expires: false,
        }
    }

    pub(crate) fn with_ttl(capacity: usize) -> Self {
        Self {
            cache: start(capacity),
            expires: true,
        }
    }
}

impl CacheContender for PatternsCache {
    fn name(&self) -> &'static str {
        if self.expires {
            "patterns-cache, `put_with_ttl`"
        } else {
            PATTERNS_CACHE
        }
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.cache.get(&key)
    }

    fn put(&self, key: u64, value: u64) {
        if self.expires {
            self.cache.put_with_ttl(key, value, TTL);
        } else {
            self.cache.put(key, value);
        }
    }

    fn entries(&self) -> u64 {
        self.cache.len() as u64
    }
}

fn start(capacity: usize) -> Cache<u64, u64> {
    let config = CacheConfig {
        max_entries: Some(capacity),
        ..CacheConfig::default()
    };
    runtime::run(async move { Cache::start(config).await }).expect("the cache starts")
}
