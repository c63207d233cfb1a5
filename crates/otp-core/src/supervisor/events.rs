//! What happens in a tree of supervisors, told as it happens.

use std::fmt;
use std::time::Duration;

use super::any_child::NotStarted;
use super::info::ChildKind;
use crate::exit_reason::ExitReason;
use crate::panics;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering};

/// The ids from the root's down to a child's.
pub(crate) type Path = Arc<[Arc<str>]>;

/// Something that happened in a tree of supervisors.
///
/// Reported to whoever was named by [`Supervisor::report_to`](crate::Supervisor::report_to), for the whole
/// tree below that supervisor, in an order that causes never follow their effects in. `path` holds the root's
/// name and the ids from its child down to the one that it happened to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SupervisorEvent {
    /// A start is attempted, be it the first or a restart.
    Starting {
        /// Whose.
        path: Arc<[Arc<str>]>,
        /// What it is.
        kind: ChildKind,
    },
    /// Its `init` has succeeded.
    Started {
        /// Whose.
        path: Arc<[Arc<str>]>,
        /// The process.
        pid: Pid,
        /// How often it was restarted by this incarnation of its supervisor, this time included.
        restarts: u64,
    },
    /// Its `init` declined.
    Ignored {
        /// Whose.
        path: Arc<[Arc<str>]>,
    },
    /// Its `init` failed.
    StartFailed {
        /// Whose.
        path: Arc<[Arc<str>]>,
        /// Why.
        reason: ExitReason,
    },
    /// Its supervisor asks it to end, or kills it if it is to be ended so. What follows is its end. Of the
    /// root, told by itself: all of the tree is about to end.
    Stopping {
        /// Whose.
        path: Arc<[Arc<str>]>,
        /// The process.
        pid: Pid,
    },
    /// A process that had started has ended.
    Exited {
        /// Whose.
        path: Arc<[Arc<str>]>,
        /// The process.
        pid: Pid,
        /// Why.
        reason: ExitReason,
    },
    /// There were too many restarts: a supervisor stops.
    GaveUp {
        /// The supervisor's.
        path: Arc<[Arc<str>]>,
        /// The child that would have been restarted once more.
        child: Arc<str>,
    },
    /// A child failed more often than its own limit bears: it is forgotten.
    Abandoned {
        /// Whose.
        path: Arc<[Arc<str>]>,
    },
    /// A child did not end in the time that it had for it, and was killed.
    SlowShutdown {
        /// Whose.
        path: Arc<[Arc<str>]>,
        /// The process.
        pid: Pid,
        /// The time it had.
        after: Duration,
    },
}

impl SupervisorEvent {
    /// Returns the ids down to the child or supervisor that it happened to.
    #[must_use]
    pub fn path(&self) -> &[Arc<str>] {
        match self {
            Self::Starting { path, .. }
            | Self::Started { path, .. }
            | Self::Ignored { path }
            | Self::StartFailed { path, .. }
            | Self::Stopping { path, .. }
            | Self::Exited { path, .. }
            | Self::GaveUp { path, .. }
            | Self::Abandoned { path }
            | Self::SlowShutdown { path, .. } => path,
        }
    }

    /// Returns the process that it is about, if it is about one.
    #[must_use]
    pub fn pid(&self) -> Option<&Pid> {
        match self {
            Self::Started { pid, .. }
            | Self::Stopping { pid, .. }
            | Self::Exited { pid, .. }
            | Self::SlowShutdown { pid, .. } => Some(pid),
            Self::Starting { .. }
            | Self::Ignored { .. }
            | Self::StartFailed { .. }
            | Self::GaveUp { .. }
            | Self::Abandoned { .. } => None,
        }
    }
}

impl fmt::Display for SupervisorEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path().join("/"))?;
        match self {
            Self::Starting { .. } => f.write_str(": starting"),
            Self::Started { pid, restarts, .. } => match restarts {
                0 => write!(f, ": started as {pid}"),
                _ => write!(f, ": started as {pid}, restart {restarts}"),
            },
            Self::Ignored { .. } => f.write_str(": declined to start"),
            Self::StartFailed { reason, .. } => write!(f, ": did not start: {reason}"),
            Self::Stopping { pid, .. } => write!(f, ": stopping {pid}"),
            Self::Exited { pid, reason, .. } => write!(f, ": {pid} exited: {reason}"),
            Self::GaveUp { child, .. } => write!(f, ": gave up, {child} failed too often"),
            Self::Abandoned { .. } => f.write_str(": failed too often and is forgotten"),
            Self::SlowShutdown { pid, after, .. } => {
                write!(f, ": {pid} was killed, it had not ended after {after:?}")
            }
        }
    }
}

/// Those who are told of what happens in one tree.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    listeners: Mutex<Vec<Recipient<SupervisorEvent>>>,
    // Most trees have no listeners, and then nothing is to be done.
    any: AtomicBool,
}

impl Hub {
    pub(crate) fn of(listeners: &[Recipient<SupervisorEvent>]) -> Arc<Self> {
        let hub = Self::default();
        for listener in listeners {
            hub.add(listener.clone());
        }
        Arc::new(hub)
    }

    pub(crate) fn add(&self, listener: Recipient<SupervisorEvent>) {
        let mut listeners = self.listeners.lock();
        listeners.push(listener);
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> SupervisorEvent) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let listeners = self.listeners.lock().clone();
        let event = event();
        let mut gone = false;
        for listener in &listeners {
            // One whose mailbox is full misses this one; a supervisor waits for nobody. What turns the event
            // into a message is the listener's, and a panic in there is nobody else's.
            let _ = panics::catch(|| listener.cast(event.clone()));
            gone |= listener.is_closed();
        }
        if gone {
            let mut listeners = self.listeners.lock();
            let (closed, open) = std::mem::take(&mut *listeners)
                .into_iter()
                .partition::<Vec<_>, _>(Recipient::is_closed);
            *listeners = open;
            drop(listeners);
            drop(closed);
        }
    }
}

/// A child's place in its tree.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) hub: Arc<Hub>,
    pub(crate) path: Path,
}

impl Place {
    /// That of a root with that name.
    pub(crate) fn root(hub: Arc<Hub>, name: &Arc<str>) -> Self {
        Self {
            hub,
            path: Arc::from([Arc::clone(name)]),
        }
    }

    /// The last id of the path.
    pub(crate) fn id(&self) -> Arc<str> {
        self.path.last().cloned().unwrap_or_default()
    }

    pub(crate) fn below(&self, id: &Arc<str>) -> Self {
        let path = self.path.iter().chain([id]).cloned().collect();
        Self {
            hub: Arc::clone(&self.hub),
            path,
        }
    }

    pub(crate) fn emit(&self, event: impl FnOnce(Path) -> SupervisorEvent) {
        self.hub.emit(|| event(Arc::clone(&self.path)));
    }

    /// What became of a start that gave no process.
    pub(crate) fn emit_not_started(&self, why: &NotStarted) {
        self.emit(|path| match why {
            NotStarted::Ignored => SupervisorEvent::Ignored { path },
            NotStarted::Failed(reason) => SupervisorEvent::StartFailed {
                path,
                reason: reason.clone(),
            },
        });
    }

    /// A supervisor that runs as `pid` stops. Of one that is a child, its supervisor tells.
    pub(crate) fn emit_root_stopping(&self, pid: Pid) {
        if self.path.len() == 1 {
            self.emit(|path| SupervisorEvent::Stopping { path, pid });
        }
    }
}
