//! How a future that is a child hears that it is to end.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::panics;
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
    /// Those who wait, each under a number of its own.
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

impl StopToken {
    /// Waits until the child is asked to end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn requested(&self) {
        let requested = Requested {
            token: self,
            number: None,
        };
        requested.await;
    }

    /// Tells whether the child is asked to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.state.lock().requested
    }

    pub(crate) fn request(&self) {
        let mut state = self.state.lock();
        state.requested = true;
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        for waker in waiting.into_values() {
            // One that panics must not keep the others from hearing.
            let _ = panics::catch(|| waker.wake());
        }
    }
}

/// One who waits; gone, it leaves nothing in the token, which lives as long as the child does.
struct Requested<'a> {
    token: &'a StopToken,
    number: Option<u64>,
}

impl Future for Requested<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.token.state.lock();
        if state.requested {
            return Poll::Ready(());
        }
        let number = self.number.unwrap_or(state.next);
        if self.number.is_none() {
            state.next += 1;
        }
        let before = state.waiting.insert(number, waker);
        drop(state);
        drop(before);
        self.number = Some(number);
        Poll::Pending
    }
}

impl Drop for Requested<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            // A statement of its own, so that the waker is dropped after the lock.
            let waker = self.token.state.lock().waiting.remove(&number);
            drop(waker);
        }
    }
}

impl fmt::Debug for StopToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopToken")
            .field("is_requested", &self.is_requested())
            .finish()
    }
}
