//! papaya; pinned anew for each operation, as by callers that have nothing to do with each other.

use papaya::HashMap;

use super::StoreContender;

pub(crate) struct Papaya(HashMap<u64, u64>);

impl Papaya {
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }
}

impl StoreContender for Papaya {
    fn name(&self) -> &'static str {
        "papaya"
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.pin().get(&key).copied()
    }

    fn put(&self, key: u64, value: u64) {
        self.0.pin().insert(key, value);
    }

    fn count(&self, key: u64) -> u64 {
        *self.0.pin().update_or_insert(key, |value| value + 1, 1)
    }
}
