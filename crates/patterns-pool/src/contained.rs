//! Panics of the program's own code that must go no further.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// Runs `work`. Its panic, which the panic hook has reported, comes back as its message.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Result<R, Arc<str>> {
    catch_unwind(AssertUnwindSafe(work)).map_err(message)
}

/// Runs a future; otherwise as [`catch`]. A panic of its drop goes on: it is the one who drops it that meets it.
pub(crate) async fn catch_async<R>(work: impl Future<Output = R>) -> Result<R, Arc<str>> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch(|| work.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn message(payload: Box<dyn Any + Send>) -> Arc<str> {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("Box<dyn Any>")
        .into();
    // It may panic once more when it is dropped; what comes of that is leaked.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    message
}
