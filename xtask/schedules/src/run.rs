//! Runs futures, and sees to it that nothing of theirs is woken, polled or dropped under a lock.
//!
//! That no code of a user runs under a lock is an invariant of each module with a lock.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use shuttle::future::{self, JoinHandle};

use crate::sync::is_locked;

/// To be called by all that stands for a user's code.
///
/// # Panics
///
/// If this thread holds a lock.
pub fn assert_unlocked() {
    assert!(!is_locked(), "code of a user runs under a lock");
}

/// A waker as some runtime has it, whose wake and whose drop are that runtime's code.
struct Watched(Waker);

impl Wake for Watched {
    fn wake(self: Arc<Self>) {
        assert_unlocked();
        self.0.wake_by_ref();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        assert_unlocked();
    }
}

/// Polls `work` with a waker that is watched.
async fn watched<F: Future>(work: F) -> F::Output {
    let mut work = Box::pin(work);
    let mut waker = None;
    poll_fn(|cx| {
        let waker = waker.get_or_insert_with(|| Waker::from(Arc::new(Watched(cx.waker().clone()))));
        work.as_mut().poll(&mut Context::from_waker(waker))
    })
    .await
}

/// Runs a future to its end, with a waker that is watched.
pub fn block_on<F: Future>(work: F) -> F::Output {
    future::block_on(watched(work))
}

/// Runs a future as a thread of the scenario, with a waker that is watched.
pub fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    future::spawn(watched(work))
}

/// Waits for the end of what was spawned.
///
/// # Panics
///
/// If it panicked or was aborted.
pub fn join(process: JoinHandle<()>) {
    future::block_on(process).expect("nobody aborts it");
}

/// Polls a future once, without waiting for it.
pub fn poll_once<F: Future + Unpin>(polled: &mut F) -> Poll<F::Output> {
    block_on(poll_fn(|cx| Poll::Ready(Pin::new(&mut *polled).poll(cx))))
}
