//! Panics of the program's own code that must go no further.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a panic left behind.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Runs `work`. Its panic, which the panic hook has reported, comes back as its payload.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(work))
}

/// Runs `work` and forgets about its panic.
pub(crate) fn contain(work: impl FnOnce()) {
    if let Err(payload) = catch(work) {
        discard(payload);
    }
}

/// The message of a panic.
pub(crate) fn message(payload: &Payload) -> Arc<str> {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("Box<dyn Any>")
        .into()
}

/// Drops what a panic left behind, which may panic once more; what comes of that is leaked.
pub(crate) fn discard(payload: Payload) {
    if let Err(second) = catch(|| drop(payload)) {
        std::mem::forget(second);
    }
}
