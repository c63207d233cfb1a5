//! dashmap, with the standard library's hasher and with the one that patterns-store has.

use std::any::TypeId;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use dashmap::DashMap;

use super::{DASHMAP_DEFAULT, DASHMAP_FOLDHASH, StoreContender};

pub(crate) struct Dashmap<S>(DashMap<u64, u64, S>);

impl<S: BuildHasher + Clone + Default> Dashmap<S> {
    pub(crate) fn new() -> Self {
        Self(DashMap::with_hasher(S::default()))
    }
}

impl<S: BuildHasher + Clone + Send + Sync + 'static> StoreContender for Dashmap<S> {
    fn name(&self) -> &'static str {
        if TypeId::of::<S>() == TypeId::of::<RandomState>() {
            DASHMAP_DEFAULT
        } else {
            DASHMAP_FOLDHASH
        }
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key).map(|value| *value)
    }

    fn put(&self, key: u64, value: u64) {
        self.0.insert(key, value);
    }

    fn count(&self, key: u64) -> u64 {
        let mut value = self.0.entry(key).or_insert(0);
        *value += 1;
        *value
    }
}
