//! What several tests need.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use patterns_ratelimit::{Denied, KeyedRateLimiter, Quota, RateLimiter};

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// A limiter of which one token a second comes back.
pub(crate) fn limiter(capacity: u32) -> RateLimiter {
    RateLimiter::new(Quota::per_second(1).burst(capacity)).expect("the quota is good")
}

/// The same for each key, without a process.
pub(crate) fn keyed(capacity: u32) -> KeyedRateLimiter<String> {
    KeyedRateLimiter::new(Quota::per_second(1).burst(capacity)).expect("the quota is good")
}

pub(crate) fn limited(retry_after: Duration) -> Denied {
    Denied::Limited { retry_after }
}

/// Polls once, with a waker that wakes nobody.
pub(crate) fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}
