//! The guard that keeps a server suspended.

use std::fmt;

use crate::slot::Slot;
use crate::sync::Arc;

/// Keeps a server suspended; dropped, it lets it go on. See
/// [`ServerRef::suspend`](crate::ServerRef::suspend).
#[must_use = "the server goes on when this is dropped"]
pub struct Suspended {
    number: u64,
    slot: Arc<dyn Resume>,
}

impl Suspended {
    pub(crate) fn new<M: Send + 'static>(number: u64, slot: &Arc<Slot<M>>) -> Self {
        Self {
            number,
            slot: Arc::<Slot<M>>::clone(slot),
        }
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        self.slot.resume(self.number);
    }
}

trait Resume: Send + Sync {
    fn resume(&self, number: u64);
}

impl<M: Send> Resume for Slot<M> {
    fn resume(&self, number: u64) {
        self.resume(number);
    }
}

impl fmt::Debug for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspended")
            .field("pid", &self.number)
            .finish()
    }
}
