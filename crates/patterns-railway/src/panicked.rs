//! A panic as a value.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// Runs `work`, and returns its panic as an error.
///
/// This is for the edges of a program, where code that you do not trust is called; inside, a panic is a bug and should be seen as one. The
/// panic hook has run by then: it is what prints the message, the place and the backtrace, and it does so here as everywhere. What `work` had
/// borrowed may be left half changed by the panic.
///
/// With `panic = "abort"` nothing can be caught, and the program ends as it would without this function.
///
/// # Errors
///
/// [`Panicked`], with what `work` panicked with.
///
/// # Examples
///
/// ```
/// # std::panic::set_hook(Box::new(|_| {}));
/// use patterns_railway::catch;
///
/// assert_eq!(catch(|| "12".len()).ok(), Some(2));
///
/// let table = [10, 20, 30];
/// let index = "7".len() + 6;
/// let panicked = catch(|| table[index]).unwrap_err();
/// assert_eq!(panicked.message(), "index out of bounds: the len is 3 but the index is 7");
/// ```
pub fn catch<R>(work: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(Panicked::from_payload)
}

/// What a panic left behind: an error like others.
///
/// It holds what the code panicked with, which is nearly always a text. Where the panic was, and the backtrace, is what the panic hook has
/// printed; neither is in here.
///
/// If dropping what it holds panics, that second panic is caught, and what *it* carries is leaked, for dropping that might panic in turn.
pub struct Panicked {
    payload: Payload,
}

/// What the code panicked with. The standard library's own panics are of the first two kinds.
enum Payload {
    Literal(&'static str),
    Text(String),
    /// Any other type. The lock is never taken: it is there because a payload is `Send` only, and an error has to be `Sync`.
    Value(Mutex<Box<dyn Any + Send>>),
    /// It was taken out, and there is nothing left to drop.
    Taken,
}

impl Panicked {
    /// Makes the error of a payload, which [`catch_unwind`] or a thread's `join` gave.
    #[must_use]
    pub fn from_payload(payload: Box<dyn Any + Send>) -> Self {
        let payload = match payload.downcast::<&'static str>() {
            Ok(literal) => Payload::Literal(*literal),
            Err(payload) => match payload.downcast::<String>() {
                Ok(text) => Payload::Text(*text),
                Err(value) => Payload::Value(Mutex::new(value)),
            },
        };
        Self { payload }
    }

    /// Returns the message of the panic; a payload that is no text reads `Box<dyn Any>`.
    #[must_use]
    pub fn message(&self) -> &str {
        match &self.payload {
            Payload::Literal(literal) => literal,
            Payload::Text(text) => text,
            Payload::Value(_) | Payload::Taken => "Box<dyn Any>",
        }
    }

    /// Returns what the code panicked with, for [`resume_unwind`](std::panic::resume_unwind) or to look into.
    #[must_use]
    pub fn into_payload(mut self) -> Box<dyn Any + Send> {
        match mem::replace(&mut self.payload, Payload::Taken) {
            Payload::Literal(literal) => Box::new(literal),
            Payload::Text(text) => Box::new(text),
            Payload::Value(value) => value
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
            // Nobody has the value between its being taken out and its end.
            Payload::Taken => Box::new(()),
        }
    }
}

impl Drop for Panicked {
    fn drop(&mut self) {
        if let Payload::Value(value) = mem::replace(&mut self.payload, Payload::Taken)
            && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(value)))
        {
            mem::forget(second);
        }
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panicked").field(&self.message()).finish()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message())
    }
}

impl Error for Panicked {}
