//! What can go wrong, one enum per group of operations.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::{BadOption, CallError, ExitReason};

/// Why a pool did not start.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StartError {
    /// An option of [`PoolConfig`](crate::PoolConfig) is outside its range.
    BadOption(BadOption),
    /// One of the first members could not be made. Those that could are closed.
    Create(CreateError),
    /// The pool's process did not start, for instance because there is no tokio runtime here.
    Server(otp_core::StartError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadOption(bad) => bad.fmt(f),
            Self::Create(_) => f.write_str("one of the first members could not be made"),
            Self::Server(_) => f.write_str("the pool's process did not start"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::BadOption(_) => None,
            Self::Create(error) => Some(error),
            Self::Server(error) => Some(error),
        }
    }
}

impl From<BadOption> for StartError {
    fn from(bad: BadOption) -> Self {
        Self::BadOption(bad)
    }
}

/// Why a member could not be made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CreateError {
    /// [`create`](crate::Manager::create) returned this error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// It panicked, with this message.
    Panicked(Arc<str>),
    /// It took longer than `create_timeout`.
    Timeout,
    /// It made a server that ended, for this reason, before anybody had it.
    Ended(ExitReason),
}

impl CreateError {
    /// Tells whether it took too long.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "creating a member failed: {error}"),
            Self::Panicked(message) => write!(f, "creating a member panicked: {message}"),
            Self::Timeout => f.write_str("creating a member took longer than `create_timeout`"),
            Self::Ended(reason) => write!(f, "a member ended before it was used: {reason}"),
        }
    }
}

impl Error for CreateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is in this one's, so its source comes next.
            Self::Failed(error) => error.source(),
            Self::Ended(reason) => source_of(reason),
            Self::Panicked(_) | Self::Timeout => None,
        }
    }
}

/// Why a checkout got no member.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CheckoutError {
    /// None came free in time.
    Timeout {
        /// How long this one has waited.
        waited: Duration,
        /// What it has waited for.
        cause: WaitedFor,
    },
    /// The pool is overloaded, and this one has waited for longer than it would let anybody; see
    /// [`Shedding`](crate::Shedding).
    Shed {
        /// How long it has waited.
        waited: Duration,
    },
    /// The pool was stopped, has ended, or is just being started by its supervisor.
    Closed,
}

/// What a checkout that timed out has waited for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum WaitedFor {
    /// All members were in use.
    Return {
        /// How many others had one, or were about to.
        in_use: usize,
        /// How many waited, this one among them unless it did not wait at all.
        waiting: usize,
    },
    /// A member was being made, which took too long.
    Start {
        /// How many were being made.
        starting: usize,
    },
    /// A member could not be made, for this reason. The pool goes on trying.
    Create(CreateError),
}

impl CheckoutError {
    /// Tells whether the time was over, whatever the cause.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}

impl fmt::Display for CheckoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { waited, cause } => write!(f, "no member after {waited:?}: {cause}"),
            Self::Shed { waited } => {
                write!(f, "turned away after {waited:?}: the pool is overloaded")
            }
            Self::Closed => f.write_str("the pool is closed"),
        }
    }
}

impl fmt::Display for WaitedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Return { in_use, waiting } => {
                write!(f, "exhausted, {in_use} in use and {waiting} waiting")
            }
            Self::Start { starting } => write!(f, "{starting} still being made"),
            Self::Create(error) => error.fmt(f),
        }
    }
}

impl Error for CheckoutError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is in this one's, so its source comes next.
            Self::Timeout {
                cause: WaitedFor::Create(error),
                ..
            } => error.source(),
            _ => None,
        }
    }
}

/// Why a transaction has no result.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TransactionError {
    /// There was no member for it, and it was not begun.
    Checkout(CheckoutError),
    /// The member, a server, ended while the transaction had it, for this reason.
    WorkerCrashed(ExitReason),
}

impl TransactionError {
    /// Tells whether there was no member in time.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Checkout(error) if error.is_timeout())
    }
}

impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkout(error) => error.fmt(f),
            Self::WorkerCrashed(reason) => {
                write!(f, "the worker ended in the transaction: {reason}")
            }
        }
    }
}

impl Error for TransactionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Checkout(error) => error.source(),
            Self::WorkerCrashed(reason) => source_of(reason),
        }
    }
}

impl From<CheckoutError> for TransactionError {
    fn from(error: CheckoutError) -> Self {
        Self::Checkout(error)
    }
}

/// Why a job has no result.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProcessError {
    /// There was no worker for it, and it was not begun.
    Checkout(CheckoutError),
    /// The worker ended over it, for this reason.
    WorkerCrashed(ExitReason),
    /// The worker did not reply. If the time was over, it is at work still, and is not lent again.
    Call(CallError),
}

impl ProcessError {
    /// Tells whether the time was over, be it for a worker or for its reply.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        match self {
            Self::Checkout(error) => error.is_timeout(),
            Self::Call(error) => matches!(error, CallError::Timeout),
            Self::WorkerCrashed(_) => false,
        }
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkout(error) => error.fmt(f),
            Self::WorkerCrashed(reason) => write!(f, "the worker ended over the job: {reason}"),
            Self::Call(error) => write!(f, "the worker did not reply: {error}"),
        }
    }
}

impl Error for ProcessError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Checkout(error) => error.source(),
            Self::WorkerCrashed(reason) => source_of(reason),
            Self::Call(error) => error.source(),
        }
    }
}

impl From<CheckoutError> for ProcessError {
    fn from(error: CheckoutError) -> Self {
        Self::Checkout(error)
    }
}

/// The source of an error whose text holds the reason's, and so that of its cause.
fn source_of(reason: &ExitReason) -> Option<&(dyn Error + 'static)> {
    reason.cause().and_then(|cause| cause.source())
}
