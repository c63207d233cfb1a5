//! How a task hears that it is to end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Tells a task that it is asked to end; see [`spawn_with_stop`](crate::spawn_with_stop). Clones go along with the parts of
/// the work.
#[derive(Clone, Default)]
pub struct StopSignal {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    requested: AtomicBool,
    waiting: Notify,
}

impl StopSignal {
    /// Waits until the task is asked to end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn requested(&self) {
        let notified = self.state.waiting.notified();
        // Looked at after `notified` has begun to listen, so that no request falls between the two.
        if !self.is_requested() {
            notified.await;
        }
    }

    /// Tells whether the task is asked to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.state.requested.load(Ordering::Acquire)
    }

    pub(crate) fn request(&self) {
        self.state.requested.store(true, Ordering::Release);
        self.state.waiting.notify_waiters();
    }
}

impl fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopSignal")
            .field("is_requested", &self.is_requested())
            .finish()
    }
}
