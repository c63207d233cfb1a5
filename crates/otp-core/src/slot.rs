//! The slot: what of a server outlives its incarnations, and what everybody outside the process
//! shares with it.
//!
//! Invariants:
//! 1. `phase` goes `Waiting → Starting → Running`, and from there to `Closed`; or, where the slot has a
//!    keeper (the specification of a supervisor's child), back to `Waiting`, with `Stopped` for as long as
//!    no start is to be expected. `Closed` is for ever. Nothing is accepted into a closed or a stopped
//!    slot.
//! 2. `process` is the number of the incarnation that runs, 0 between them. What is meant for one
//!    incarnation (kill, stop, monitors, results of its tasks) names its number and is refused by
//!    any other.
//! 3. The waker in `inner` is that of the process's own task (or of the one who reads an inbox).
//!    `parked` says that the process found nothing to do; whoever brings something clears it under
//!    the lock and wakes after it. Signals wake whatever `parked` says, for they must reach a
//!    handler that waits.
//! 4. Of a slot with a keeper nothing becomes (it is not begun again, stopped or closed) before everybody
//!    has been told of the last end.
//! 5. No user code runs under the lock: no wake, no drop of a message, no closure.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::task::Waker;

use tokio::time::Instant;

use crate::current::Unanswered;
use crate::deadline::{Calls, Deadlines};
use crate::exit_reason::ExitReason;
use crate::keeper::{Keeper, Parent};
use crate::mailbox::{Told, WaitingSender};
use crate::pid::Pid;
use crate::relations::Relations;
use crate::reply::ReplyTo;
use crate::signals::Inspection;
use crate::sync::{Arc, AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Mutex, OnceLock, Ordering};
use crate::waits::Waits;
use crate::watch::{ServerChange, tell_change};

/// A bit beside the process's number: that the process may be waiting for others. It stands there for each
/// call looks at that number anyway; numbers never get so high.
pub(crate) const WAITS: u64 = 1 << 63;

// The order of the fields is the order in memory. What senders write (handles, the lock, the queue)
// stands at least a cache line away from what the process reads for each message (signals, capacity):
// otherwise each cast would take that line from the process on another core.
#[repr(C)]
pub(crate) struct Slot<M> {
    /// Strong handles. At zero the process ends once its queue is empty.
    pub(crate) handles: AtomicUsize,
    /// The number of the running incarnation, with [`WAITS`].
    pub(crate) process: AtomicU64,
    /// Set when the server gets a runtime.
    pub(crate) deadlines: OnceLock<Arc<Deadlines>>,
    pub(crate) inner: Mutex<Inner<M>>,
    /// What acts on the process; see `signals`.
    pub(crate) signals: AtomicU32,
    /// What [`WAITS`] says, for the process itself.
    pub(crate) waiting: AtomicBool,
    /// Messages that the process has swapped out and not begun. Exact for a bounded mailbox;
    /// otherwise as of the last time the process waited.
    pub(crate) in_hand: AtomicUsize,
    /// Messages begun, as of the last time the process waited.
    pub(crate) handled: AtomicU64,
    /// How many accepted messages may wait; `usize::MAX` for an unbounded mailbox.
    pub(crate) capacity: usize,
    pub(crate) name: Option<Arc<str>>,
}

#[repr(C)]
pub(crate) struct Inner<M> {
    pub(crate) queue: VecDeque<M>,
    pub(crate) parked: bool,
    // From here on nothing is written by a cast, nor by a call as a rule.
    /// Messages taken out of `queue` so far; with the queue's length, the place of the next one in
    /// the total order.
    pub(crate) taken: u64,
    pub(crate) waker: Option<Waker>,
    pub(crate) phase: Phase,
    /// Accepted messages that nobody handled.
    pub(crate) dropped: usize,
    /// Places promised to senders that are still making their message.
    pub(crate) reserved: usize,
    /// Calls in flight, while the ticker watches.
    pub(crate) calls: Option<Box<Calls>>,
    /// What most servers never need.
    pub(crate) extras: Option<Box<Extras<M>>>,
}

pub(crate) enum Phase {
    /// Not started yet, or between two incarnations: messages are kept.
    Waiting,
    /// `init` runs; the waker is of the one who started it.
    Starting(Option<Waker>),
    Running,
    /// No process runs, and none will unless somebody asks for one.
    Stopped,
    Closed(Ended),
}

/// How the last incarnation ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) reason: ExitReason,
    /// Whether `init` had succeeded.
    pub(crate) served: bool,
    pub(crate) ignored: bool,
}

pub(crate) struct Extras<M> {
    /// Senders that wait for room, first come first served.
    pub(crate) senders: VecDeque<Arc<WaitingSender<M>>>,
    /// The processes that watch the server over all its incarnations, by the number of the watch.
    pub(crate) watchers: BTreeMap<u64, Pid>,
    /// There while the slot outlives its incarnations.
    pub(crate) keeper: Option<Keeper>,
    // What follows is the incarnation's and goes with it.
    /// Who is told of its start and its end.
    pub(crate) parent: Option<Arc<dyn Parent>>,
    /// Answered when `init` has succeeded, for a process that waits for that.
    pub(crate) start: Option<ReplyTo<()>>,
    /// What the process is told and is no message, each with its place among the messages.
    pub(crate) told: VecDeque<(u64, Told<M>)>,
    pub(crate) monitors: Vec<ReplyTo<ExitReason>>,
    pub(crate) inspections: VecDeque<Inspection>,
    /// The panic that the process is to fail with.
    pub(crate) crash: Option<ExitReason>,
    /// Since when the message in hand has been waiting for something.
    pub(crate) busy_since: Option<Instant>,
    pub(crate) suspensions: usize,
    pub(crate) suspending: Vec<ReplyTo<()>>,
    /// Links, monitors, and how exit signals are taken.
    pub(crate) relations: Relations,
    pub(crate) waits: Waits,
    /// Calls left unanswered by background tasks that were aborted while the process was ending.
    pub(crate) unanswered: Vec<Unanswered>,
}

impl<M> Default for Extras<M> {
    fn default() -> Self {
        Self {
            senders: VecDeque::new(),
            watchers: BTreeMap::new(),
            keeper: None,
            parent: None,
            start: None,
            told: VecDeque::new(),
            monitors: Vec::new(),
            inspections: VecDeque::new(),
            crash: None,
            busy_since: None,
            suspensions: 0,
            suspending: Vec::new(),
            relations: Relations::default(),
            waits: Waits::default(),
            unanswered: Vec::new(),
        }
    }
}

impl<M> Extras<M> {
    /// Takes out what is the incarnation's, and leaves what is the slot's.
    fn take_life(&mut self) -> Self {
        let next = Self {
            senders: std::mem::take(&mut self.senders),
            watchers: std::mem::take(&mut self.watchers),
            keeper: self.keeper.take(),
            ..Self::default()
        };
        std::mem::replace(self, next)
    }
}

impl<M> Inner<M> {
    /// Takes out what is the incarnation's alone.
    pub(crate) fn take_life(&mut self) -> Extras<M> {
        self.extras
            .as_mut()
            .map(|extras| extras.take_life())
            .unwrap_or_default()
    }

    pub(crate) fn keeper(&mut self) -> Option<&mut Keeper> {
        self.extras.as_mut()?.keeper.as_mut()
    }

    /// Tells whether nothing is accepted.
    #[inline]
    pub(crate) fn is_shut(&self) -> bool {
        matches!(self.phase, Phase::Closed(_) | Phase::Stopped)
    }

    pub(crate) fn extras(&mut self) -> &mut Extras<M> {
        self.extras.get_or_insert_default()
    }

    /// The place in the total order of what is told next.
    pub(crate) fn place(&self) -> u64 {
        self.taken + self.queue.len() as u64
    }

    /// Ends the wait of the process, if it waits; the waker is for after the lock.
    #[inline]
    pub(crate) fn unpark(&mut self) -> Option<Waker> {
        if self.parked {
            self.parked = false;
            self.waker.clone()
        } else {
            None
        }
    }

    pub(crate) fn ended(&self) -> Option<&Ended> {
        match &self.phase {
            Phase::Closed(ended) => Some(ended),
            _ => None,
        }
    }
}

impl<M> Slot<M> {
    /// Makes a slot with one strong handle.
    pub(crate) fn new(capacity: usize, name: Option<Arc<str>>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                taken: 0,
                waker: None,
                parked: false,
                phase: Phase::Waiting,
                dropped: 0,
                reserved: 0,
                calls: None,
                extras: None,
            }),
            signals: AtomicU32::new(0),
            waiting: AtomicBool::new(false),
            handles: AtomicUsize::new(1),
            in_hand: AtomicUsize::new(0),
            handled: AtomicU64::new(0),
            process: AtomicU64::new(0),
            capacity,
            name,
            deadlines: OnceLock::new(),
        }
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.capacity != usize::MAX
    }

    /// The number of the running incarnation, 0 for none.
    pub(crate) fn number(&self) -> u64 {
        self.process.load(Ordering::Acquire) & !WAITS
    }

    /// Tells whether incarnation `number` runs; to be asked under the lock.
    pub(crate) fn is_running(&self, inner: &Inner<M>, number: u64) -> bool {
        number != 0 && self.number() == number && !matches!(inner.phase, Phase::Closed(_))
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Tells whether the process may be waiting for others; see `waits`.
    pub(crate) fn may_wait(&self) -> bool {
        self.process.load(Ordering::SeqCst) & WAITS != 0
    }

    /// Gives the slot to a new incarnation; `starter` is woken when its `init` has returned.
    pub(crate) fn begin(&self, number: u64, starter: Option<Waker>) {
        let mut inner = self.inner.lock();
        inner.phase = Phase::Starting(starter);
        self.process.store(number, Ordering::Release);
    }

    /// Lets everybody reach the process; called in its first poll. Returns its place in the total
    /// order.
    pub(crate) fn attach(&self, waker: Waker) -> u64 {
        let mut inner = self.inner.lock();
        let before = inner.waker.replace(waker);
        let place = inner.taken;
        drop(inner);
        drop(before);
        place
    }

    /// `init` has succeeded.
    pub(crate) fn started(self: &Arc<Self>)
    where
        M: Send + 'static,
    {
        let mut inner = self.inner.lock();
        let starter = match std::mem::replace(&mut inner.phase, Phase::Running) {
            Phase::Starting(starter) => starter,
            _ => None,
        };
        let watchers = inner.watchers();
        let extras = inner.extras.as_mut();
        let (parent, start) = extras.map_or((None, None), |extras| {
            (extras.parent.clone(), extras.start.take())
        });
        drop(inner);
        if let Some(parent) = parent {
            parent.child_started(&Pid::new(self.number(), self));
        }
        if let Some(start) = start {
            start.send(());
        }
        if let Some(starter) = starter {
            starter.wake();
        }
        if !watchers.is_empty() {
            let pid = Pid::new(self.number(), self);
            tell_change(&watchers, &ServerChange::Up(pid));
        }
    }

    /// The process works again, though nobody woke it.
    pub(crate) fn set_working(&self) {
        self.inner.lock().parked = false;
    }

    /// One strong handle more, unless the last one is gone already.
    pub(crate) fn add_handle(&self) -> bool {
        let one_more = |handles: usize| (handles > 0).then(|| handles + 1);
        let added = self
            .handles
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        added.is_ok()
    }

    /// One strong handle fewer.
    pub(crate) fn release_handle(&self) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Through the lock, so that a process about to park either sees the zero or is seen
            // parked.
            let waker = self.inner.lock().unpark();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<M> fmt::Debug for Slot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("process", &self.number())
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
