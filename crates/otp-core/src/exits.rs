//! Exit signals, and what a process is told of the end of another.

use std::fmt;

use crate::exit_reason::ExitReason;
use crate::mailbox::Told;
use crate::pid::Pid;
use crate::signals::KILL;
use crate::slot::Slot;
use crate::sync::{GlobalAtomicU64, Ordering};

/// An exit signal that reached a process which traps exits: the end of a linked process, or somebody's
/// [`Pid::exit`].
///
/// Handed to [`GenServer::handle_exit`](crate::GenServer::handle_exit).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exit {
    /// Who sent it: the process that ended, or the one that called `exit`. `None` if code outside any
    /// process called it.
    pub from: Option<Pid>,
    /// Why the sender ended, or why it asks this process to.
    pub reason: ExitReason,
}

/// The end of a monitored process.
///
/// Handed to [`GenServer::handle_down`](crate::GenServer::handle_down).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Down {
    /// The monitor that this is the report of.
    pub monitor: MonitorRef,
    /// The process that ended.
    pub pid: Pid,
    /// Why it ended; [`ExitReason::NoProc`] if it had ended before it was monitored.
    pub reason: ExitReason,
}

/// A monitor of a process, set by [`Context::monitor`](crate::Context::monitor).
///
/// Each is reported for itself: monitoring a process twice gives two of them and two reports. Numbers
/// are never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorRef(pub(crate) u64);

impl MonitorRef {
    pub(crate) fn next() -> Self {
        static NEXT: GlobalAtomicU64 = GlobalAtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for MonitorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MonitorRef({})", self.0)
    }
}

/// A wish that a process end.
#[derive(Debug)]
pub(crate) struct ExitSignal {
    pub(crate) from: Option<Pid>,
    pub(crate) reason: ExitReason,
    pub(crate) origin: Origin,
}

/// Where an exit signal comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The end of a linked process: `Kill` is a reason as any other.
    Link,
    /// A call of `exit`: `Kill` cannot be trapped.
    Call,
}

impl<M> Slot<M> {
    /// Delivers an exit signal to incarnation `number`, by OTP's table.
    pub(crate) fn exit_signal(&self, number: u64, signal: ExitSignal) {
        let ExitSignal {
            from,
            reason,
            origin,
        } = signal;
        // Declared before the lock, so dropped after it.
        let unlinked: Option<Pid>;
        let by = from.as_ref().map(Pid::number);

        let mut inner = self.inner.lock();
        if !self.is_running(&inner, number) {
            return;
        }
        let place = inner.place();
        let extras = inner.extras();
        if origin == Origin::Link {
            unlinked = by.and_then(|by| extras.relations.links.remove(&by));
            if unlinked.is_none() {
                return;
            }
        }
        let untrappable = origin == Origin::Call && matches!(reason, ExitReason::Kill);
        if extras.relations.traps_exits && !untrappable {
            let exit = Box::new(Exit { from, reason });
            extras.told.push_back((place, Told::Exit(exit, origin)));
            let waker = inner.unpark();
            drop(inner);
            if let Some(waker) = waker {
                waker.wake();
            }
            return;
        }
        let own = origin == Origin::Call && by == Some(number);
        if reason.is_normal() && !own {
            return;
        }
        // The first signal is the one that ends it.
        if self.signals.load(Ordering::Relaxed) & KILL == 0 {
            extras.relations.fatal = Some(if untrappable {
                ExitReason::Killed
            } else {
                reason
            });
        }
        self.raise(inner, KILL);
    }

    /// Why the process has to end at once, if it has to.
    pub(crate) fn fatal(&self) -> Option<ExitReason> {
        if !self.is_killed() {
            return None;
        }
        let inner = self.inner.lock();
        let fatal = inner
            .extras
            .as_ref()
            .and_then(|extras| extras.relations.fatal.clone());
        Some(fatal.unwrap_or(ExitReason::Killed))
    }
}
