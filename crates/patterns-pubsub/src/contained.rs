//! Panics of the program's own code that must go no further: there are other subscribers to serve.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Runs `work`; `None` if it panicked, which the panic hook has reported.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Some(done),
        Err(payload) => {
            // It may panic once more when it is dropped; what comes of that is leaked.
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
            None
        }
    }
}

/// Drops a value whose `Drop` may panic.
pub(crate) fn catch_drop<T>(value: T) {
    catch(move || drop(value));
}

/// Wakes whoever waits.
#[inline]
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        catch(move || waker.wake());
    }
}
