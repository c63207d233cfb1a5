//! Panics of a user's code: caught, so that the state is whole before anything else happens.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Runs `work`; a panic comes back as what it carries.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Result<R, Payload> {
    // Whatever `work` had half done is thrown away by all who call this, and seen by nobody.
    catch_unwind(AssertUnwindSafe(work))
}

/// Drops a value of the user's, whose `Drop` may panic. The panic hook has told of it; it goes no further.
pub(crate) fn contained_drop<T>(value: T) {
    if let Err(payload) = catch(move || drop(value)) {
        // What a panic carries may panic in its drop too; the second one carries nothing but a text.
        let _ = catch(move || drop(payload));
    }
}

/// The text of a panic. What is no text reads as in otp-core.
pub(crate) fn message_of(payload: Payload) -> Arc<str> {
    let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
        Arc::from(*text)
    } else if let Some(text) = payload.downcast_ref::<String>() {
        Arc::from(text.as_str())
    } else {
        Arc::from("Box<dyn Any>")
    };
    contained_drop(payload);
    message
}
