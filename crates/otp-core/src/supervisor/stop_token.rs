//! How a future that is a child hears that it is to end.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, Mutex};

/// Tells a future that is a supervisor's child that it is asked to end.
///
/// Given to the closure of [`Child::task`](crate::Child::task). Clones go along with the parts of the work.
#[derive(Clone, Default)]
pub struct StopToken {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    requested: bool,
    waiting: Vec<Waker>,
}

impl StopToken {
    /// Waits until the child is asked to end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn requested(&self) {
        poll_fn(|cx| self.poll_requested(cx)).await;
    }

    /// Tells whether the child is asked to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.state.lock().requested
    }

    fn poll_requested(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if state.requested {
            return Poll::Ready(());
        }
        if !state.waiting.iter().any(|known| known.will_wake(&waker)) {
            state.waiting.push(waker);
        }
        Poll::Pending
    }

    pub(crate) fn request(&self) {
        let mut state = self.state.lock();
        state.requested = true;
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for StopToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopToken")
            .field("is_requested", &self.is_requested())
            .finish()
    }
}
