//! A limit of time that costs nothing unless something is waited for.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use otp_core::contained::catch;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};

/// Runs `work` for `limit` at most, by the clock of the runtime that `runtime` gives. `None` if the time is over.
pub(crate) async fn within<R>(
    limit: Duration,
    runtime: impl Fn() -> Option<Handle>,
    work: impl Future<Output = R>,
) -> Option<R> {
    let mut work = pin!(work);
    let mut sleeping: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        if limit == Duration::MAX {
            return Poll::Pending;
        }
        // A runtime that is just being dropped has no timers any more, and says so by a panic: time is over there.
        let over = catch(|| {
            let sleeping = sleeping.get_or_insert_with(|| {
                let runtime = runtime();
                let _inside = runtime.as_ref().map(Handle::enter);
                Box::pin(sleep(limit))
            });
            sleeping.as_mut().poll(cx)
        });
        over.unwrap_or(Poll::Ready(())).map(|()| None)
    })
    .await
}
