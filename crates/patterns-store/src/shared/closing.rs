//! How a table dies.

use otp_core::contained::{contain, drop_contained};

use super::Shared;
use crate::inside::Inside;
use crate::rows::Rows;
use crate::shard::Bin;
use crate::sync::Ordering;
use crate::{TableError, TableType};

impl<K, V, T: TableType<K, V>> Shared<K, V, T> {
    /// Ends the table: from now on every operation of every handle fails. Drops all rows, and tells those who
    /// watch.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        // Under a lock of a table none can be taken; it may be this table's. Then the rows stay in memory, out of
        // reach, until the last handle is dropped.
        if !Inside::is_here() {
            for part in &self.parts {
                let mut bin = Bin::default();
                let mut shard = part.shard.write();
                let watchers = std::mem::take(&mut shard.watchers);
                let rows = shard.clear(&mut bin, None);
                drop(shard);
                // Outside of the lock. A drop that panics must not keep the rest from being dropped.
                drop_contained(watchers);
                rows.discard();
                drop_contained(bin);
            }
        }
        let watchers = std::mem::take(&mut *self.watchers.lock());
        for watcher in watchers {
            contain(|| watcher.close());
            drop_contained(watcher);
        }
    }

    pub(crate) fn check_alive(&self) -> Result<(), TableError> {
        self.alive()
    }
}
