//! Faults that are done to a child on purpose.

use std::fmt;

use otp_core::{ExitReason, Pid};

/// A fault that is done to a running child on purpose. It needs no help from the child.
///
/// What the child does at that moment is dropped at its next `.await` that waits. Code that never waits can be
/// reached by nobody, and neither by a fault.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// It fails as if its own code had panicked with this message: `terminate` runs, and it ends with
    /// [`ExitReason::Panic`]. Nothing is printed.
    Panic(String),
    /// It ends at once with this reason, as if a process linked to it had. A server that traps exits is told
    /// instead, a supervisor takes no notice, and [`ExitReason::Normal`] does nothing.
    Exit(ExitReason),
    /// It is killed: no `terminate`, and the reason is [`ExitReason::Killed`].
    Kill,
}

impl Fault {
    /// Makes a panic with `message`.
    pub fn panic(message: impl Into<String>) -> Self {
        Self::Panic(message.into())
    }

    pub(crate) fn hit(self, pid: &Pid) {
        match self {
            Self::Panic(message) => pid.crash(message),
            Self::Exit(reason) => pid.exit(reason),
            Self::Kill => pid.kill(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(message) => write!(f, "panic, {message}"),
            Self::Exit(reason) => write!(f, "exit, {reason}"),
            Self::Kill => f.write_str("kill"),
        }
    }
}
