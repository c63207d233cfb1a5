//! What can go wrong with an operation on an agent.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use otp_core::{CallError, CastError, ExitReason, Pid};

/// Why an operation on an agent gave no result.
///
/// After [`Refused`](AgentError::Refused), [`Conflict`](AgentError::Conflict), [`Full`](AgentError::Full),
/// [`CallingSelf`](AgentError::CallingSelf) and [`Deadlock`](AgentError::Deadlock) the state is as it was, and so it is
/// after [`Panicked`](AgentError::Panicked). After [`Timeout`](AgentError::Timeout) the closure may still run, and after
/// [`Exited`](AgentError::Exited) it may have run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AgentError {
    /// No answer came in time. The closure is not called off: it may have run or may still run.
    Timeout,
    /// The agent has ended, or is not running at the moment.
    NoProc,
    /// The mailbox is bounded and has no room.
    Full,
    /// The agent ended before it answered, for this reason. If the closure itself panicked and the agent stops on a panic,
    /// this is [`ExitReason::Panic`] with the panic's message.
    Exited(ExitReason),
    /// The closure panicked with this message, and changed nothing; the agent goes on.
    Panicked(Arc<str>),
    /// The new state was refused for this cause, by the validator or by a bound, and nobody saw it.
    Refused(Arc<dyn Error + Send + Sync>),
    /// The state is not of the version that was asked for, and the closure did not run.
    Conflict {
        /// The version that the state has.
        current: u64,
    },
    /// What runs in the agent asked the agent itself, which could never be answered: a call in an async update, or a snapshot in
    /// the closure that is changing the state.
    CallingSelf,
    /// Agents wait for each other in a circle, by calls or by snapshots in closures, so that none could ever go on.
    Deadlock {
        /// The caller, then the one it called, and so on; the last one waits for the caller.
        cycle: Arc<[Pid]>,
    },
}

impl AgentError {
    /// Tells whether no answer came in time.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::NoProc => f.write_str("the agent is not running"),
            Self::Full => f.write_str("the agent's mailbox is full"),
            Self::Exited(reason) => write!(f, "the agent ended before it answered: {reason}"),
            Self::Panicked(message) => {
                write!(f, "the closure panicked and changed nothing: {message}")
            }
            Self::Refused(cause) => write!(f, "the new state was refused: {cause}"),
            Self::Conflict { current } => write!(f, "the state is of version {current} by now"),
            Self::CallingSelf => f.write_str("a closure in the agent cannot ask the agent itself"),
            Self::Deadlock { cycle } => CallError::Deadlock {
                cycle: Arc::clone(cycle),
            }
            .fmt(f),
        }
    }
}

impl Error for AgentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The text holds the cause, so what comes next is the cause's own.
        match self {
            Self::Exited(reason) => reason.cause()?.source(),
            Self::Refused(cause) => cause.source(),
            _ => None,
        }
    }
}

impl From<CallError> for AgentError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Timeout => Self::Timeout,
            CallError::Exited(reason) => Self::Exited(reason),
            CallError::CallingSelf => Self::CallingSelf,
            CallError::Deadlock { cycle } => Self::Deadlock { cycle },
            // The agent answers whatever it begins. What is left is that nobody is there to begin it.
            _ => Self::NoProc,
        }
    }
}

impl<M> From<CastError<M>> for AgentError {
    fn from(error: CastError<M>) -> Self {
        match error {
            CastError::Full(_) => Self::Full,
            CastError::NoProc(_) => Self::NoProc,
        }
    }
}

/// What the agent tells the caller of a closure that changed nothing. It travels boxed: an answer is rarely one.
#[derive(Debug)]
pub(crate) enum Fault {
    Panicked(Arc<str>),
    Refused(Arc<dyn Error + Send + Sync>),
    Conflict(u64),
}

impl Fault {
    /// A refusal for this cause.
    pub(crate) fn refused(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(Arc::from(cause.into()))
    }
}

impl From<Box<Fault>> for AgentError {
    fn from(fault: Box<Fault>) -> Self {
        (*fault).into()
    }
}

impl From<Fault> for AgentError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Panicked(message) => Self::Panicked(message),
            Fault::Refused(cause) => Self::Refused(cause),
            Fault::Conflict(current) => Self::Conflict { current },
        }
    }
}
