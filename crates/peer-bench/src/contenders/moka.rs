//! moka: its sync cache, without and with a time to live.

use moka::sync::Cache;

use super::caches::{CacheContender, TTL};

/// A moka cache.
pub(crate) struct Moka {
    cache: Cache<u64, u64>,
    name: &'static str,
}

impl Moka {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            cache: Cache::new(capacity as u64),
            name: "moka",
        }
    }

    pub(crate) fn with_ttl(capacity: usize) -> Self {
        let cache = Cache::builder()
            .max_capacity(capacity as u64)
            .time_to_live(TTL)
            .build();
        Self {
            cache,
            name: "moka, `time_to_live`",
        }
    }
}

impl CacheContender for Moka {
    fn name(&self) -> &'static str {
        self.name
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.cache.get(&key)
    }

    fn put(&self, key: u64, value: u64) {
        self.cache.insert(key, value);
    }

    fn settle(&self) {
        self.cache.run_pending_tasks();
    }

    fn entries(&self) -> u64 {
        self.cache.entry_count()
    }
}
