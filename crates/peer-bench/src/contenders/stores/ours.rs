//! patterns-store: a public table, read and written directly.

use patterns_store::{Access, Table, TableConfig, TableOwner};

use super::{STORE, StoreContender};

pub(crate) struct Ours {
    table: Table<u64, u64>,
    _owner: TableOwner<u64, u64>,
}

impl Ours {
    pub(crate) fn new() -> Self {
        let config = TableConfig {
            access: Access::Public,
            ..TableConfig::default()
        };
        let owner = TableOwner::new(config).expect("the options are good");
        Self {
            table: owner.table(),
            _owner: owner,
        }
    }
}

impl StoreContender for Ours {
    fn name(&self) -> &'static str {
        STORE
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.table.get(&key).expect("it is open")
    }

    fn put(&self, key: u64, value: u64) {
        self.table.put(key, value).expect("it is open");
    }

    fn count(&self, key: u64) -> u64 {
        self.table.update_counter(&key, 1).expect("it is open")
    }
}
