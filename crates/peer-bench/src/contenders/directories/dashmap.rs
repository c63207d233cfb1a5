//! dashmap: from keys to `Arc`s.

use std::sync::Arc;

use dashmap::DashMap;

use super::{Directory, Hasher, Key};
use crate::contenders::DASHMAP;

/// What a concurrent map costs as such: an `Arc` of eight bytes under each key.
pub(crate) struct Arcs<K, S>(DashMap<K, Arc<u64>, S>);

impl<K: Key, S: Hasher> Directory<K> for Arcs<K, S> {
    const NAME: &'static str = DASHMAP;
    type Found = Arc<u64>;

    fn new() -> Self {
        Self(DashMap::with_hasher(S::default()))
    }

    async fn add(&self, key: K) {
        self.0.insert(key, Arc::new(0));
    }

    fn find(&self, key: &K) -> Option<Arc<u64>> {
        self.0.get(key).map(|found| Arc::clone(&found))
    }

    fn list(&self) -> Vec<K> {
        self.0.iter().map(|entry| entry.key().clone()).collect()
    }
}
