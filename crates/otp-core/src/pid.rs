//! `Pid`: one incarnation of a process.

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::any_process::AnyProcess;
use crate::current;
use crate::exit_reason::ExitReason;
use crate::exits::{Down, ExitSignal, MonitorRef, Origin};
use crate::panics;
use crate::relations::Relations;
use crate::reply::Awaiting;
use crate::slot::Slot;
use crate::sync::Arc;
use crate::waits;
use crate::watch::ServerChange;

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

    /// The running incarnation of a process.
    pub(crate) fn of(process: Arc<dyn AnyProcess>) -> Self {
        let number = process.number();
        Self { number, process }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn process(&self) -> &Arc<dyn AnyProcess> {
        &self.process
    }

    /// Returns the process whose code calls this: OTP's `self()`. `None` outside any process, in a plain
    /// tokio task for instance, or one started by [`Context::spawn_task`](crate::Context::spawn_task).
    #[must_use]
    pub fn current() -> Option<Self> {
        let number = current::process();
        let process = current::with_me(Arc::clone)?;
        Some(Self { number, process })
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
    /// Its handler is dropped at its next `.await` that waits. Code that never waits cannot be killed by
    /// anybody. Killing a process that has ended does nothing.
    pub fn kill(&self) {
        self.process.kill(self.number);
    }

    /// Has the process fail as if its own code had panicked with `message`: for drills and tests.
    ///
    /// What it does at that moment is dropped at its next `.await` that waits, `init` included; a server's
    /// `terminate` runs, as after any panic. It ends with [`ExitReason::Panic`], which has no location. No
    /// panic hook runs, and nothing is printed. Crashing a process that has ended does nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (pid, end) = otp_core::spawn_monitor(std::future::pending())?;
    /// pid.crash("out of disk space");
    /// assert_eq!(end.await.to_string(), "panicked: out of disk space");
    /// # Ok(()) }
    /// ```
    pub fn crash(&self, message: impl Into<String>) {
        self.process
            .crash(self.number, panics::made_up(message.into()));
    }

    /// Sends an exit signal: asks the process to end for `reason`.
    ///
    /// What it does is OTP's `exit/2`. A process that traps exits is told by
    /// [`GenServer::handle_exit`](crate::GenServer::handle_exit), in its turn. Any other ends at its next
    /// `.await` that waits, without `terminate`, and `reason` is why; [`ExitReason::Normal`] does nothing to it, unless
    /// it sends it to itself. [`ExitReason::Kill`] cannot be trapped, and who is ended by it is seen as
    /// [`ExitReason::Killed`]. A process that has ended is not impressed.
    ///
    /// To stop a server in order, use [`ServerRef::stop`](crate::ServerRef::stop).
    pub fn exit(&self, reason: ExitReason) {
        let signal = ExitSignal {
            from: Self::current(),
            reason,
            origin: Origin::Call,
        };
        self.send_exit(signal);
    }

    pub(crate) fn send_exit(&self, signal: ExitSignal) {
        self.process.exit_signal(self.number, signal);
    }

    pub(crate) fn tell_down(&self, down: Down) {
        self.process.tell_down(self.number, down);
    }

    pub(crate) fn tell_change(&self, watch: u64, change: ServerChange) {
        self.process.tell_change(self.number, watch, change);
    }

    /// Tells whether the process is an incarnation of `slot`.
    pub(crate) fn is_of<M>(&self, slot: &Arc<Slot<M>>) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.process), Arc::as_ptr(slot))
    }

    /// Runs `change` on what binds the process to others; `false` if it has ended.
    pub(crate) fn relate(&self, mut change: impl FnMut(&mut Relations)) -> bool {
        self.process.relate(self.number, &mut change)
    }

    /// Takes out the link with another process, on this side alone.
    pub(crate) fn forget_link(&self, other: &Self) {
        // Dropped after the lock.
        let mut gone = None;
        self.relate(|relations| gone = relations.links.remove(&other.number));
    }

    /// Takes out a monitor that another process has set here.
    pub(crate) fn forget_monitor(&self, monitor: MonitorRef) {
        // Dropped after the lock.
        let mut watcher = None;
        self.relate(|relations| watcher = relations.monitors.remove(&monitor.0));
    }

    /// Returns a future that gives the reason for which the process ends.
    ///
    /// It is there once the process's state is dropped and everybody else is told: callers, linked
    /// processes, those that monitor it by [`Context::monitor`](crate::Context::monitor). For a process that
    /// has ended already it gives [`ExitReason::NoProc`] at once, and is no sign that the others were told. The process is watched from
    /// this call on, not from the first poll.
    ///
    /// In a handler use [`Context::monitor`](crate::Context::monitor): awaiting the end of another process
    /// there keeps this one from handling anything, and if the other one needs it, from ever going on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the watch.
    pub fn monitor(&self) -> Monitor {
        Monitor {
            pid: self.clone(),
            end: self.process.monitor(self.number),
            noted: false,
        }
    }
}

/// Waits for the end of a process; see [`Pid::monitor`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Monitor {
    pid: Pid,
    /// `None` if the process had ended before.
    pub(crate) end: Option<Awaiting<ExitReason>>,
    /// Whether it is written down that a process waits for it.
    noted: bool,
}

impl Future for Monitor {
    type Output = ExitReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        let this = &mut *self;
        let Some(end) = &mut this.end else {
            return Poll::Ready(ExitReason::NoProc);
        };
        // A monitor is told by every end there is, the drop of a runtime included.
        let poll = end.poll(cx).map(|end| end.unwrap_or(ExitReason::Killed));
        if poll.is_pending() && !this.noted {
            this.noted = true;
            waits::note(this.pid.process(), end.settle_handle());
        }
        poll
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
