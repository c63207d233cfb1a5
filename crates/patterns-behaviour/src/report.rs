//! What becomes of a delivery.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A delivery that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered<T> {
    /// Who delivered it.
    pub implementation: Arc<str>,
    /// What the implementation returned.
    pub value: T,
    /// How many attempts it took, 1 or more.
    pub attempts: u32,
}

/// Why one attempt failed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Failure<E> {
    /// The implementation returned this error.
    Error(E),
    /// It panicked, with this message.
    Panicked(Arc<str>),
    /// It took longer than `attempt_timeout`, or than what was left of `delivery_timeout`.
    Timeout,
    /// There was no implementation: its factory returned this error.
    NotMade(Arc<dyn Error + Send + Sync>),
    /// Its process was ended in the middle. Whether the message arrived is not known.
    Interrupted,
}

impl<E> Failure<E> {
    /// Returns the error of the implementation, if it is one.
    #[must_use]
    pub fn error(&self) -> Option<&E> {
        match self {
            Self::Error(error) => Some(error),
            _ => None,
        }
    }

    /// Tells whether it took too long.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Timeout => f.write_str("timed out"),
            Self::NotMade(error) => write!(f, "could not be made: {error}"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// Why there was no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GaveUp {
    /// All attempts were made.
    Exhausted,
    /// The failure is one that is not worth another attempt, as [`Hooks::retry_if`](crate::Hooks::retry_if) said.
    NotWorthIt,
    /// There was no time left for the rest and another attempt.
    NoTime,
    /// The dispatcher was stopped, or the implementation removed, before it came to an end.
    Stopped,
}

/// A delivery that did not succeed, and will not be tried again. The message is in it.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeadLetter<M, E> {
    /// Who was to deliver it.
    pub implementation: Arc<str>,
    /// What was to be delivered.
    pub message: M,
    /// How many attempts were made.
    pub attempts: u32,
    /// Why the last one failed; `None` if none was made.
    pub failure: Option<Failure<E>>,
    /// Why there was no further one.
    pub gave_up: GaveUp,
}

impl<M, E> DeadLetter<M, E> {
    /// Tells whether it was for want of time: the last attempt took too long, or there was none left for another one.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.gave_up == GaveUp::NoTime || self.failure.as_ref().is_some_and(Failure::is_timeout)
    }
}

impl<M, E: fmt::Display> fmt::Display for DeadLetter<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, attempts) = (&self.implementation, self.attempts);
        let s = if attempts == 1 { "" } else { "s" };
        match self.gave_up {
            GaveUp::Exhausted => write!(f, "`{name}` failed after {attempts} attempt{s}"),
            GaveUp::NotWorthIt => write!(
                f,
                "`{name}` failed after {attempts} attempt{s}, not to be tried again"
            ),
            GaveUp::NoTime => write!(f, "`{name}` was out of time after {attempts} attempt{s}"),
            GaveUp::Stopped => write!(f, "`{name}` was stopped after {attempts} attempt{s}"),
        }?;
        match &self.failure {
            Some(failure) => write!(f, ": {failure}"),
            None => Ok(()),
        }
    }
}

/// Leaves out the message, which may be secret and need not have a `Debug`.
impl<M, E: fmt::Debug> fmt::Debug for DeadLetter<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("implementation", &self.implementation)
            .field("attempts", &self.attempts)
            .field("failure", &self.failure)
            .field("gave_up", &self.gave_up)
            .finish_non_exhaustive()
    }
}

impl<M, E: fmt::Debug + fmt::Display> Error for DeadLetter<M, E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failure {
            // Its text is in this one's, so its source comes next. The error of an implementation need not be an `Error`.
            Some(Failure::NotMade(error)) => error.source(),
            _ => None,
        }
    }
}

/// Why [`Dispatcher::deliver`](crate::Dispatcher::deliver) delivered nothing. The message is in it.
#[derive(Clone)]
#[non_exhaustive]
pub enum DeliverError<M, E> {
    /// It was not accepted.
    Refused(crate::SendError<M>),
    /// It was, and did not succeed.
    Failed(DeadLetter<M, E>),
}

impl<M, E> DeliverError<M, E> {
    /// Tells whether it was for want of time: see [`DeadLetter::is_timeout`].
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Failed(letter) => letter.is_timeout(),
        }
    }

    /// Returns the message.
    pub fn into_message(self) -> M {
        match self {
            Self::Refused(refused) => refused.into_message(),
            Self::Failed(letter) => letter.message,
        }
    }
}

impl<M, E: fmt::Display> fmt::Display for DeliverError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Failed(letter) => letter.fmt(f),
        }
    }
}

impl<M, E: fmt::Debug> fmt::Debug for DeliverError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Failed(letter) => letter.fmt(f),
        }
    }
}

impl<M, E: fmt::Debug + fmt::Display> Error for DeliverError<M, E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(letter) => letter.source(),
        }
    }
}
