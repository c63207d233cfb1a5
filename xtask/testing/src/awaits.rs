//! Futures that are dropped half-way.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

/// No future that is tried here waits so often.
const MANY: usize = 5_000;

/// Polls a future so often, with everything else having a turn in between, and drops it. Tells whether it was done by then.
pub async fn polled<T>(work: impl Future<Output = T>, times: usize) -> bool {
    polled_after(work, times, async || tokio::task::yield_now().await).await
}

/// As [`polled`], with `between` done in between.
pub async fn polled_after<T>(
    work: impl Future<Output = T>,
    times: usize,
    between: impl AsyncFn(),
) -> bool {
    let mut work = pin!(work);
    for _ in 0..times {
        let mut cx = Context::from_waker(Waker::noop());
        if work.as_mut().poll(&mut cx).is_ready() {
            return true;
        }
        between().await;
    }
    false
}

/// Calls `attempt` with 0, 1, 2 and so on, until it says that its future was done after so many polls.
///
/// # Panics
///
/// If it never is: then not every await was tried.
pub async fn at_each_await(mut attempt: impl AsyncFnMut(usize) -> bool) {
    for times in 0..MANY {
        if attempt(times).await {
            return;
        }
    }
    panic!("it is not done after {MANY} polls");
}
