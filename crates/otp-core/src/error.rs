//! What can go wrong, one enum per group of operations.

use std::error::Error;
use std::fmt;

use crate::bad_option::BadOption;
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::sync::Arc;

/// Why a server did not start.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StartError {
    /// `start` was polled outside a tokio runtime.
    NoRuntime,
    /// The runtime was built without timers (`enable_time`).
    NoTimers,
    /// An option has a value that is not allowed.
    BadOption(BadOption),
    /// The name under which the server was to be started is held by this process.
    AlreadyStarted(Pid),
    /// `init` declined by `Context::ignore`.
    Ignored,
    /// `init` took longer than the start timeout; the process was killed.
    Timeout,
    /// `init` failed, panicked or was killed.
    Failed(ExitReason),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime => f.write_str("there is no tokio runtime here"),
            Self::NoTimers => {
                f.write_str("the tokio runtime has no timers: build it with `enable_time`")
            }
            Self::BadOption(bad) => bad.fmt(f),
            Self::AlreadyStarted(pid) => write!(f, "the name is held by {pid}"),
            Self::Ignored => f.write_str("the server declined to start"),
            Self::Timeout => f.write_str("init took longer than the start timeout"),
            Self::Failed(reason) => write!(f, "init failed: {reason}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(reason) => source_of(reason),
            _ => None,
        }
    }
}

impl From<BadOption> for StartError {
    fn from(bad: BadOption) -> Self {
        Self::BadOption(bad)
    }
}

/// Why a call got no reply.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallError {
    /// No reply came in time. The request may still be handled; its reply goes nowhere.
    Timeout,
    /// There is no such process (any more).
    NoProc,
    /// The process ended before it replied, for this reason.
    Exited(ExitReason),
    /// The server dropped the [`ReplyTo`](crate::ReplyTo) without a reply, and lives.
    NoReply,
    /// A process called itself, which could never be answered.
    CallingSelf,
    /// Processes call each other in a circle, so that none could ever answer.
    Deadlock {
        /// The caller, then the one it called, and so on; the last one waits for the caller.
        cycle: Arc<[Pid]>,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no reply in time"),
            Self::NoProc => f.write_str("no such process"),
            Self::Exited(reason) => write!(f, "the process ended before it replied: {reason}"),
            Self::NoReply => f.write_str("the server dropped the call without a reply"),
            Self::CallingSelf => f.write_str("a process cannot call itself"),
            Self::Deadlock { cycle } => write_cycle(f, cycle),
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Exited(reason) => source_of(reason),
            _ => None,
        }
    }
}

/// A message that was not accepted, and why. The message is in it.
///
/// For `?` in a handler the message must be `Send + Sync`, as every error that turns into an
/// [`ExitReason`]; otherwise `map_err(CastError::without_message)` leaves it behind.
#[derive(Clone, PartialEq, Eq)]
pub enum CastError<M> {
    /// The bounded mailbox is full, or others wait for room already.
    Full(M),
    /// There is no such process (any more).
    NoProc(M),
}

impl<M> CastError<M> {
    /// Takes the refused message back.
    pub fn into_message(self) -> M {
        match self {
            Self::Full(message) | Self::NoProc(message) => message,
        }
    }

    /// Drops the message and keeps the reason: for `?` in a handler where the message is not `Sync`.
    ///
    /// ```
    /// # use otp_core::{CastError, ExitReason, ServerRef};
    /// # use std::cell::Cell;
    /// fn pass_on(server: &ServerRef<Cell<u32>>) -> Result<(), ExitReason> {
    ///     Ok(server.cast(Cell::new(1)).map_err(CastError::without_message)?)
    /// }
    /// # let _ = pass_on;
    /// ```
    pub fn without_message(self) -> CastError<()> {
        match self {
            Self::Full(_) => CastError::Full(()),
            Self::NoProc(_) => CastError::NoProc(()),
        }
    }

    /// Tells whether the mailbox was full.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

// Messages need not be `Debug`, so these print the kind alone.
impl<M> fmt::Debug for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::NoProc(_) => "NoProc(..)",
        })
    }
}

impl<M> fmt::Display for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the mailbox is full",
            Self::NoProc(_) => "no such process",
        })
    }
}

impl<M> Error for CastError<M> {}

/// Why `stop` did not end a server with the reason asked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StopError {
    /// There is no such process (any more).
    NoProc,
    /// The process ended, but for another reason.
    Exited(ExitReason),
    /// A process asked itself to stop and would wait for its own end. In a handler, return
    /// `Err(reason)` instead.
    CallingSelf,
    /// A process would wait for the end of one that, directly or through others, waits for it.
    Deadlock {
        /// The one who would stop, then the one to be stopped, and so on; the last one waits for the
        /// first.
        cycle: Arc<[Pid]>,
    },
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("no such process"),
            Self::Exited(reason) => write!(f, "the process ended for another reason: {reason}"),
            Self::CallingSelf => f.write_str("a process cannot wait for its own end"),
            Self::Deadlock { cycle } => write_cycle(f, cycle),
        }
    }
}

impl Error for StopError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Exited(reason) => source_of(reason),
            _ => None,
        }
    }
}

/// Why two processes were not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The other process has ended.
    NoProc,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("no such process"),
        }
    }
}

impl Error for LinkError {}

/// Why `inspect` returned nothing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum InspectError {
    /// The process could not be asked.
    Call(CallError),
    /// The server's state is of another type than the one asked for.
    OtherState {
        /// The type asked for.
        expected: &'static str,
    },
    /// The inspecting closure panicked; the server is unharmed.
    Panicked(ExitReason),
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::OtherState { expected } => write!(f, "the server's state is no `{expected}`"),
            Self::Panicked(reason) => write!(f, "the inspecting closure {reason}"),
        }
    }
}

impl Error for InspectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Call(error) => error.source(),
            Self::Panicked(reason) => source_of(reason),
            Self::OtherState { .. } => None,
        }
    }
}

fn write_cycle(f: &mut fmt::Formatter<'_>, cycle: &[Pid]) -> fmt::Result {
    f.write_str("processes wait for each other in a circle: ")?;
    for pid in cycle {
        write!(f, "{pid} -> ")?;
    }
    match cycle.first() {
        Some(first) => write!(f, "{first}"),
        None => Ok(()),
    }
}

/// What stands behind a reason that the text has told already, its cause included.
pub(crate) fn source_of(reason: &ExitReason) -> Option<&(dyn Error + 'static)> {
    reason.cause().and_then(|cause| cause.source())
}
