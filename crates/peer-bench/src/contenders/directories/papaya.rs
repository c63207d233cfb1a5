//! papaya: from keys to `Arc`s; pinned anew for each look, as by callers that have nothing to do with each other.

use std::sync::Arc;

use papaya::HashMap;

use super::{Directory, Hasher, Key};

/// An `Arc` of eight bytes under each key.
pub(crate) struct Papaya<K, S>(HashMap<K, Arc<u64>, S>);

impl<K: Key, S: Hasher> Directory<K> for Papaya<K, S> {
    const NAME: &'static str = "papaya to `Arc`";
    type Found = Arc<u64>;

    fn new() -> Self {
        Self(HashMap::with_hasher(S::default()))
    }

    async fn add(&self, key: K) {
        self.0.pin().insert(key, Arc::new(0));
    }

    fn find(&self, key: &K) -> Option<Arc<u64>> {
        self.0.pin().get(key).cloned()
    }

    fn list(&self) -> Vec<K> {
        self.0.pin().keys().cloned().collect()
    }
}
