//! Futures that are polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A future that is polled by hand.
pub(crate) struct ByHand<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    waker: Waker,
    done: bool,
}

impl<'a, T> ByHand<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self::woken(future, Waker::noop().clone())
    }

    /// One whose wakes are seen.
    pub(crate) fn woken(future: impl Future<Output = T> + 'a, waker: Waker) -> Self {
        Self {
            future: Box::pin(future),
            waker,
            done: false,
        }
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        let poll = self
            .future
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker));
        self.done = poll.is_ready();
        poll
    }

    /// Has somebody else woken from the next poll on.
    pub(crate) fn wakes(&mut self, waker: Waker) {
        self.waker = waker;
    }

    /// Polls unless it is done; tells whether it is.
    pub(crate) fn poll_once_done(&mut self) -> bool {
        self.done || self.poll().is_ready()
    }
}

/// A waker that does `what` when it is woken.
pub(crate) fn waker(what: impl Fn() + Send + Sync + 'static) -> Waker {
    struct Does<F>(F);

    impl<F: Fn() + Send + Sync + 'static> Wake for Does<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }

    Waker::from(Arc::new(Does(what)))
}
