//! scc: its `HashMap`.

use scc::HashMap;

use super::StoreContender;

pub(crate) struct Scc(HashMap<u64, u64>);

impl Scc {
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }
}

impl StoreContender for Scc {
    fn name(&self) -> &'static str {
        "scc"
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.read_sync(&key, |_, value| *value)
    }

    fn put(&self, key: u64, value: u64) {
        self.0.upsert_sync(key, value);
    }

    fn count(&self, key: u64) -> u64 {
        let mut entry = self.0.entry_sync(key).or_insert(0);
        *entry += 1;
        *entry
    }
}
