//! What can go wrong, one type per group of operations.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::clock::RoundedUp;

use crate::State;

/// A call was not let through, and nothing was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    state: State,
    retry_after: Option<Duration>,
}

impl Rejected {
    pub(crate) const fn new(state: State, retry_after: Option<Duration>) -> Self {
        Self { state, retry_after }
    }

    /// Returns the state in which the breaker rejected it.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Returns after how long it is worth trying again; `None` if only [`reset`](crate::Breaker::reset) can open the way.
    ///
    /// While the breaker is open, that is when it lets a trial through, to the nanosecond. While it is half-open and all trials
    /// are under way, it is when they must have ended if they keep to `call_timeout`, and if they do not, when the
    /// breaker gives them up. While it ramps up, it is when the ramp is over, though some calls are let through before.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circuit {}, ", self.state)?;
        match self.retry_after {
            None => f.write_str("until it is reset"),
            // A moment too early is rejected again.
            Some(time) => write!(f, "try again in {}", RoundedUp(time)),
        }
    }
}

impl Error for Rejected {}

/// Why a call brought no result.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerError<E> {
    /// The breaker did not let it through, and nothing was run.
    Rejected(Rejected),
    /// It was run and returned this error, however that was counted.
    Failed(E),
    /// It took too long and was dropped. That counts as a failure.
    Timeout {
        /// Its limit.
        after: Duration,
    },
    /// It panicked with this message, or what classifies its result did. That counts as a failure.
    Panicked(Arc<str>),
}

impl<E> BreakerError<E> {
    /// Tells whether nothing was run.
    #[must_use]
    pub const fn is_rejected(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }

    /// Tells whether it took too long.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Returns the error that the work itself returned, if it did.
    #[must_use]
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Rejected(_) | Self::Timeout { .. } | Self::Panicked(_) => None,
        }
    }
}

impl<E> From<Rejected> for BreakerError<E> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl<E: fmt::Display> fmt::Display for BreakerError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Failed(error) => error.fmt(f),
            Self::Timeout { after } => write!(f, "no result after {after:?}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
        }
    }
}

impl<E: Error + 'static> Error for BreakerError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is this one's, so its source comes next.
            Self::Failed(error) => error.source(),
            Self::Rejected(_) | Self::Timeout { .. } | Self::Panicked(_) => None,
        }
    }
}
