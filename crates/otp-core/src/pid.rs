//! `Pid`: one incarnation of a process.

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::exit_reason::ExitReason;
use crate::reply::Awaiting;
use crate::slot::Slot;
use crate::sync::Arc;

/// One incarnation of a process.
///
/// Cheap to clone, compare and print. Numbers are never used again: the pid of a process that has
/// ended stays dead, also when its server is restarted.
#[derive(Clone)]
pub struct Pid {
    number: u64,
    process: Arc<dyn AnyProcess>,
}

impl Pid {
    pub(crate) fn new<M: Send + 'static>(number: u64, slot: &Arc<Slot<M>>) -> Self {
        Self {
            number,
            process: Arc::<Slot<M>>::clone(slot),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Tells whether the process is running. It may end at any moment; for its end use
    /// [`monitor`](Pid::monitor).
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.process.number() == self.number
    }

    /// Returns the name given in the server's options.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.process.name()
    }

    /// Ends the process at once, without `terminate`: it is seen as [`ExitReason::Killed`].
    ///
    /// Its handler is dropped at its next `.await`. Code that never awaits cannot be killed by
    /// anybody. Killing a process that has ended does nothing.
    pub fn kill(&self) {
        self.process.kill(self.number);
    }

    /// Returns a future that gives the reason for which the process ends.
    ///
    /// It is there once the process's state is dropped and its callers are told. For a process that
    /// has ended already it gives [`ExitReason::NoProc`] at once. The process is watched from
    /// this call on, not from the first poll.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the watch.
    pub fn monitor(&self) -> Monitor {
        Monitor {
            end: self.process.monitor(self.number),
        }
    }
}

/// Waits for the end of a process; see [`Pid::monitor`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Monitor {
    end: Option<Awaiting<ExitReason>>,
}

impl Future for Monitor {
    type Output = ExitReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        match &mut self.end {
            // A monitor is told by every end there is, the drop of a runtime included.
            Some(end) => end.poll(cx).map(|end| end.unwrap_or(ExitReason::Killed)),
            None => Poll::Ready(ExitReason::NoProc),
        }
    }
}

/// What can be done to a process whatever its messages are.
trait AnyProcess: Send + Sync {
    fn number(&self) -> u64;
    fn name(&self) -> Option<&str>;
    fn kill(&self, number: u64);
    fn monitor(&self, number: u64) -> Option<Awaiting<ExitReason>>;
}

impl<M: Send> AnyProcess for Slot<M> {
    fn number(&self) -> u64 {
        self.number()
    }

    fn name(&self) -> Option<&str> {
        self.name()
    }

    fn kill(&self, number: u64) {
        self.kill(number);
    }

    fn monitor(&self, number: u64) -> Option<Awaiting<ExitReason>> {
        self.monitor(number)
    }
}

impl PartialEq for Pid {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Pid {}

impl PartialOrd for Pid {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pid {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number.cmp(&other.number)
    }
}

impl Hash for Pid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.number)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "Pid({}, {name})", self.number),
            None => write!(f, "Pid({})", self.number),
        }
    }
}
