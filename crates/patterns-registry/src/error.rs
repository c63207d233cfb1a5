//! What can go wrong, one enum per group of operations.

use std::error::Error;
use std::fmt;

use otp_core::{CallError, ExitReason, StartChildError};

/// Why there is no worker under a key. Nothing is kept of the attempt: the next one begins anew.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StartWorkerError {
    /// There are as many workers as there may be.
    MaxWorkers,
    /// The worker's `init` declined by `Context::ignore`.
    Ignored,
    /// The worker's `init` took longer than the start timeout.
    Timeout,
    /// The factory or the worker's `init` failed, panicked or was killed.
    Failed(ExitReason),
    /// Somebody stopped the worker before it had started.
    Stopped,
    /// The registry was stopped, has ended, or is just being started by its supervisor.
    Closed,
    /// A worker would wait for itself, from its `init` or `terminate`.
    CallingSelf,
}

impl StartWorkerError {
    /// Tells whether `init` took longer than the start timeout.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }

    /// What a failed start means that the supervisor reports.
    pub(crate) fn of(error: StartChildError, stopped: bool) -> Self {
        match error {
            _ if stopped => Self::Stopped,
            StartChildError::MaxChildren => Self::MaxWorkers,
            StartChildError::Ignored => Self::Ignored,
            StartChildError::Failed(reason) => match reason.downcast_ref() {
                Some(otp_core::StartError::Timeout) => Self::Timeout,
                _ => Self::Failed(reason),
            },
            other => Self::Failed(ExitReason::from(other)),
        }
    }
}

impl fmt::Display for StartWorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxWorkers => f.write_str("there are as many workers as there may be"),
            Self::Ignored => f.write_str("the worker declined to start"),
            Self::Timeout => f.write_str("the worker took longer than the start timeout"),
            Self::Failed(reason) => write!(f, "the worker did not start: {reason}"),
            Self::Stopped => f.write_str("the worker was stopped before it had started"),
            Self::Closed => f.write_str("the registry does not run"),
            Self::CallingSelf => f.write_str("a worker cannot wait for itself"),
        }
    }
}

impl Error for StartWorkerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // The cause's text is in this one's, so its source comes next.
            Self::Failed(reason) => reason.cause().and_then(|cause| cause.source()),
            _ => None,
        }
    }
}

/// Why a call by key got no reply.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallWorkerError {
    /// There is no worker, and none could be started. The request was not sent.
    Start(StartWorkerError),
    /// The worker did not reply, or did not start in time.
    Call(CallError),
}

impl CallWorkerError {
    /// Tells whether the time was over, be it for the start or for the reply.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        match self {
            Self::Start(error) => error.is_timeout(),
            Self::Call(error) => matches!(error, CallError::Timeout),
        }
    }
}

impl fmt::Display for CallWorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => error.fmt(f),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl Error for CallWorkerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Start(error) => error.source(),
            Self::Call(error) => error.source(),
        }
    }
}

/// A message that no worker accepted, and why. The message is in it.
///
/// For `?` in a handler the message must be `Send + Sync`, as every error that turns into an
/// [`ExitReason`]; otherwise `map_err(CastWorkerError::without_message)` leaves it behind.
#[derive(Clone)]
#[non_exhaustive]
pub enum CastWorkerError<M> {
    /// There is no worker, and none could be started.
    Start {
        /// Why not.
        error: StartWorkerError,
        /// The message.
        message: M,
    },
    /// The worker's mailbox is full.
    Full(M),
    /// Worker after worker ended before it could take the message.
    Ended(M),
}

impl<M> CastWorkerError<M> {
    /// Tells whether the worker took longer to start than it may.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Start { error, .. } if error.is_timeout())
    }

    /// Takes the refused message back.
    pub fn into_message(self) -> M {
        match self {
            Self::Start { message, .. } | Self::Full(message) | Self::Ended(message) => message,
        }
    }

    /// Drops the message and keeps the reason: for `?` in a handler where the message is not `Sync`.
    pub fn without_message(self) -> CastWorkerError<()> {
        match self {
            Self::Start { error, .. } => CastWorkerError::Start { error, message: () },
            Self::Full(_) => CastWorkerError::Full(()),
            Self::Ended(_) => CastWorkerError::Ended(()),
        }
    }
}

// Messages need not be `Debug`, so these print the reason alone.
impl<M> fmt::Debug for CastWorkerError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { error, .. } => write!(f, "Start({error:?}, ..)"),
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Ended(_) => f.write_str("Ended(..)"),
        }
    }
}

impl<M> fmt::Display for CastWorkerError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { error, .. } => error.fmt(f),
            Self::Full(_) => f.write_str("the worker's mailbox is full"),
            Self::Ended(_) => f.write_str("worker after worker ended before it took the message"),
        }
    }
}

impl<M> Error for CastWorkerError<M> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Start { error, .. } => error.source(),
            _ => None,
        }
    }
}

/// Why a worker was not stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopWorkerError {
    /// There is no worker under this key.
    NotFound,
    /// A worker would wait for its own end. In a handler, return `Err(ExitReason::Normal)` instead.
    CallingSelf,
}

impl fmt::Display for StopWorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => NotFound.fmt(f),
            Self::CallingSelf => f.write_str("a worker cannot wait for its own end"),
        }
    }
}

impl Error for StopWorkerError {}

/// There is no worker under this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFound;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no worker under this key")
    }
}

impl Error for NotFound {}
