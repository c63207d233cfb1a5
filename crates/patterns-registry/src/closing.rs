//! The end of a registry, as those see it who wait for a worker to come.

use std::sync::Arc;

use crate::table::Table;

/// Stands in the specification of the workers' supervisor, and goes with it: when the supervisor has ended and will not be
/// started again.
pub(crate) struct Closing<K, M, V>(pub(crate) Arc<Table<K, M, V>>);

impl<K, M, V> Drop for Closing<K, M, V> {
    fn drop(&mut self) {
        self.0.close();
    }
}
