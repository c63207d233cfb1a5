//! scc: its `HashMap`, from keys to `Arc`s.

use std::sync::Arc;

use scc::HashMap;

use super::{Directory, Hasher, Key};

/// An `Arc` of eight bytes under each key.
pub(crate) struct Scc<K, S: Hasher>(HashMap<K, Arc<u64>, S>);

impl<K: Key, S: Hasher> Directory<K> for Scc<K, S> {
    const NAME: &'static str = "scc to `Arc`";
    type Found = Arc<u64>;

    fn new() -> Self {
        Self(HashMap::with_hasher(S::default()))
    }

    async fn add(&self, key: K) {
        let inserted = self.0.insert_sync(key, Arc::new(0));
        assert!(inserted.is_ok(), "the key is new");
    }

    fn find(&self, key: &K) -> Option<Arc<u64>> {
        self.0.read_sync(key, |_, found| Arc::clone(found))
    }

    fn list(&self) -> Vec<K> {
        let mut keys = Vec::new();
        self.0.iter_sync(|key, _| {
            keys.push(key.clone());
            true
        });
        keys
    }
}
