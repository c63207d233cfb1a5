//! What several modules need.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patterns_cache::{Cache, CacheConfig};

/// Starts a cache with the default options.
pub(crate) async fn cache<K, V>() -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    Cache::start(CacheConfig::default()).await.unwrap()
}

/// Starts a cache that holds `max_entries` at most.
pub(crate) async fn bounded<K, V>(max_entries: usize) -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    let max_entries = Some(max_entries);
    Cache::start(CacheConfig {
        max_entries,
        ..CacheConfig::default()
    })
    .await
    .unwrap()
}

/// Counts its drops.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn value(&self) -> Counted {
        Counted(self.clone())
    }
}

/// A value whose drop is counted.
#[derive(Debug)]
pub(crate) struct Counted(Drops);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}
