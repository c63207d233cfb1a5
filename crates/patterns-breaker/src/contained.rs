//! Panics of the program's own code that must go no further.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Runs `work`. Its panic, which the panic hook has reported, comes back as its message.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Result<R, Arc<str>> {
    catch_unwind(AssertUnwindSafe(work)).map_err(message)
}

#[cold]
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
