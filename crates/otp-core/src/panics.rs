//! Panics: caught where user code runs, and told as an exit reason.

use std::cell::RefCell;
use std::fmt;
use std::panic;
use std::sync::{Arc, Once};

use crate::contained::{self, Payload};
use crate::exit_reason::ExitReason;

thread_local! {
    /// The last panic of this thread as the hook saw it; taken by whoever catches the panic.
    static LAST: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// A panic as the hook saw it.
struct Seen {
    message: String,
    location: String,
}

/// A panic that ended a process.
#[derive(Debug)]
pub struct CaughtPanic {
    message: String,
    location: Option<String>,
}

impl CaughtPanic {
    /// Returns the panic's message. A payload that is no text reads `Box<dyn Any>`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns where the panic began, as `file:line:column`.
    ///
    /// Known only if [`record_panic_locations`] was called before.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}

impl fmt::Display for CaughtPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "panicked at {location}: {}", self.message),
            None => write!(f, "panicked: {}", self.message),
        }
    }
}

/// Installs a panic hook that records where panics begin, so that [`CaughtPanic::location`] knows
/// it.
///
/// The hook chains to the one that was set before; a second call does nothing. It is the program's
/// choice to make: no crate here sets a hook unasked.
pub fn record_panic_locations() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if let Some(location) = info.location() {
                let seen = Seen {
                    message: contained::text_of(info.payload()).to_owned(),
                    location: location.to_string(),
                };
                // A thread that is being torn down has no locals any more; its panic keeps no location.
                let _ = LAST.try_with(|last| last.replace(Some(seen)));
            }
            before(info);
        }));
    });
}

/// Runs `work`; a panic comes back as the exit reason that it is.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Result<R, ExitReason> {
    // Whatever `work` borrowed may be torn after a panic. All callers either drop it next or hand
    // it to `terminate`, whose documentation says so.
    contained::catch(work).map_err(|payload| reason_of(&payload))
}

/// Drops a value whose `Drop` may panic.
pub(crate) fn catch_drop<T>(value: T) -> Result<(), ExitReason> {
    catch(move || drop(value))
}

fn reason_of(payload: &Payload) -> ExitReason {
    let message = payload.text().to_owned();
    // Taken before the payload is dropped, for that may panic too. A panic that was carried on from
    // elsewhere ran no hook: what the hook saw last is not this one unless it says the same.
    let seen = LAST.try_with(RefCell::take).ok().flatten();
    let location = seen
        .filter(|seen| seen.message == message)
        .map(|seen| seen.location);
    ExitReason::Panic(Arc::new(CaughtPanic { message, location }))
}

/// The reason of a panic that never happened.
pub(crate) fn made_up(message: String) -> ExitReason {
    ExitReason::Panic(Arc::new(CaughtPanic {
        message,
        location: None,
    }))
}
