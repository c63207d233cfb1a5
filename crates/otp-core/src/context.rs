//! What a handler may do to its own process.

mod relations;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::any_process::AnyProcess;
use crate::background::{self, TaskRef};
use crate::exit_reason::ExitReason;
use crate::exits::MonitorRef;
use crate::mailbox::Told;
use crate::panics;
use crate::pid::Pid;
use crate::server_ref::{ServerRef, WeakRef};
use crate::slot::Slot;
use crate::step::BATCH;
use crate::sync::Arc;
use crate::timers::{TimerRef, Timers};
use crate::watch::{OnChange, ServerChange};

/// A server's grip on its own process, handed to each of its callbacks.
pub struct Context<M> {
    pub(crate) slot: Arc<Slot<M>>,
    pub(crate) number: u64,
    /// Swapped out of the mailbox and not begun.
    pub(crate) batch: VecDeque<M>,
    /// How much may still be handled before the process lets others run.
    pub(crate) budget: u32,
    /// Messages begun, in all incarnations: the place in the total order.
    pub(crate) begun: u64,
    pub(crate) rare: Option<Box<Rare<M>>>,
}

/// What most servers never need.
pub(crate) struct Rare<M> {
    /// Swapped out and not due yet.
    pub(crate) told: VecDeque<(u64, Told<M>)>,
    pub(crate) timers: Timers<M>,
    pub(crate) continues: VecDeque<M>,
    pub(crate) idle: Option<Idle<M>>,
    pub(crate) idle_stop: Option<IdleStop>,
    pub(crate) stop: Option<ExitReason>,
    pub(crate) ignored: bool,
    pub(crate) tasks: HashMap<u64, AbortHandle>,
    next_task: u64,
    /// The processes that this one monitors, by the number of the monitor.
    pub(crate) monitors: BTreeMap<u64, Pid>,
    /// The servers that it watches, by the number of the watch.
    pub(crate) watches: BTreeMap<u64, (Arc<dyn AnyProcess>, OnChange<M>)>,
    /// What they were doing when the watch was set, to be handled first.
    pub(crate) first_changes: VecDeque<(u64, ServerChange)>,
}

pub(crate) struct Idle<M> {
    pub(crate) after: Duration,
    /// Known once the process has found nothing to do.
    pub(crate) at: Option<Instant>,
    pub(crate) message: M,
}

/// That the process ends itself when it has nothing to do.
pub(crate) struct IdleStop {
    pub(crate) after: Duration,
    /// Known once the process has found nothing to do.
    pub(crate) at: Option<Instant>,
    pub(crate) may_stop: Box<dyn FnMut() -> bool + Send>,
}

impl<M: Send + 'static> Context<M> {
    pub(crate) fn new(slot: Arc<Slot<M>>, number: u64) -> Self {
        Self {
            slot,
            number,
            batch: VecDeque::new(),
            budget: BATCH,
            begun: 0,
            rare: None,
        }
    }

    /// Returns the process's own address, as a strong handle.
    ///
    /// For sending away. A server that *keeps* a strong handle to itself is never ended by its last
    /// handle being dropped: store [`weak_ref`](Context::weak_ref) instead.
    pub fn self_ref(&self) -> ServerRef<M> {
        ServerRef::another(&self.slot)
    }

    /// Returns the process's own address, as a handle that does not keep it running.
    pub fn weak_ref(&self) -> WeakRef<M> {
        WeakRef::new(&self.slot)
    }

    /// Returns the process itself.
    pub fn pid(&self) -> Pid {
        Pid::new(self.number, &self.slot)
    }

    /// Returns the name given in the options.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.slot.name()
    }

    /// Declines to start, from `init`: `start` then gives
    /// [`StartError::Ignored`](crate::StartError::Ignored) and the process ends with `Normal`,
    /// without `terminate`. Elsewhere it has no effect.
    pub fn ignore(&mut self) {
        self.rare().ignored = true;
    }

    /// Ends the process in order once the callback in hand has returned, before any further
    /// message.
    ///
    /// The same as returning `Err(reason)`, for places that cannot. If both happen, the returned
    /// reason counts. In `terminate` it takes the place of the reason for which the process ends.
    pub fn stop(&mut self, reason: ExitReason) {
        self.rare().stop = Some(reason);
    }

    /// Handles `message` right after the callback in hand, before anything that waits: OTP's
    /// `handle_continue`.
    ///
    /// Several are handled in the order given. They do not count towards a bounded mailbox.
    pub fn continue_with(&mut self, message: M) {
        self.rare().continues.push_back(message);
    }

    /// Handles `message` once, after `delay`.
    ///
    /// A zero delay fires the next time the process has worked off what it had swapped out, at most 64
    /// messages on. A delay beyond thirty years counts as thirty years. The timer is gone with the
    /// process, and a restart does not bring it back.
    pub fn send_after(&mut self, delay: Duration, message: M) -> TimerRef {
        self.rare().timers.send_after(delay, message)
    }

    /// Handles a message made by `make` every `period`, first after one `period`.
    ///
    /// At most one tick is due at any time: what a busy process missed is skipped, and the beat is
    /// kept. `make` runs in the process, and its panic is the process's. A period below one
    /// millisecond, the resolution of tokio's timers, counts as one millisecond.
    pub fn send_interval(
        &mut self,
        period: Duration,
        make: impl FnMut() -> M + Send + 'static,
    ) -> TimerRef {
        self.rare().timers.send_interval(period, Box::new(make))
    }

    /// Cancels a timer and returns the time it had left; `None` if it has fired already or was
    /// cancelled before.
    ///
    /// After it nothing of the timer arrives.
    pub fn cancel(&mut self, timer: TimerRef) -> Option<Duration> {
        self.rare.as_mut()?.timers.cancel(timer)
    }

    /// Handles `message` if nothing else arrives for `after`, counted from when the process has
    /// nothing left to do.
    ///
    /// Whatever is handled in between (a message, a timer, a result of a task) calls it off, and so
    /// does a second `idle_after`, which takes its place. Zero fires at once if nothing waits.
    /// Looking in (`inspect`, `suspend`, `info`) does not count. OTP's time-out of a callback's
    /// return value.
    pub fn idle_after(&mut self, after: Duration, message: M) {
        self.rare().idle = Some(Idle {
            after,
            at: None,
            message,
        });
    }

    /// Ends the process with [`ExitReason::Normal`] as soon as it has had nothing to do for `after`, and `may_stop` agrees.
    ///
    /// Unlike [`idle_after`](Context::idle_after) it stays in force: whatever is handled begins the time anew, and so does a
    /// `may_stop` that says no, which is asked again no sooner than in one millisecond. `may_stop` runs in the process. What was
    /// sent before it says yes is handled, and nothing after, so whoever hands the address out has to keep others from sending by
    /// then. A second call takes the place of the first.
    pub fn stop_when_idle(
        &mut self,
        after: Duration,
        may_stop: impl FnMut() -> bool + Send + 'static,
    ) {
        self.rare().idle_stop = Some(IdleStop {
            after,
            at: None,
            may_stop: Box::new(may_stop),
        });
    }

    /// Runs `work` beside the server and handles `map(result)` when it is done.
    ///
    /// The result takes its turn behind the messages accepted before it. A panic of the work is
    /// `Err(Panic)`. `map` runs in the process, and its panic is the process's. The work is
    /// aborted when the process ends, and its result never reaches a later incarnation. Nobody waits for
    /// the abort: what the work holds, a port for instance, may be free a moment after the process is gone.
    pub fn spawn_task<T, W, F>(&mut self, work: W, map: F) -> TaskRef
    where
        T: Send + 'static,
        W: Future<Output = T> + Send + 'static,
        F: FnOnce(Result<T, ExitReason>) -> M + Send + 'static,
    {
        let (slot, number) = (Arc::clone(&self.slot), self.number);
        let rare = self.rare();
        let task = rare.next_task;
        rare.next_task += 1;
        let running = tokio::spawn(background::run(slot, number, task, work, map));
        rare.tasks.insert(task, running.abort_handle());
        TaskRef(task)
    }

    /// Aborts a background task; tells whether its result had not been handled yet. After it no
    /// result arrives.
    pub fn abort_task(&mut self, task: TaskRef) -> bool {
        let running = self
            .rare
            .as_mut()
            .and_then(|rare| rare.tasks.remove(&task.0));
        running.inspect(AbortHandle::abort).is_some()
    }

    pub(crate) fn rare(&mut self) -> &mut Rare<M> {
        self.rare.get_or_insert_with(|| {
            Box::new(Rare {
                told: VecDeque::new(),
                timers: Timers::new(),
                continues: VecDeque::new(),
                idle: None,
                idle_stop: None,
                stop: None,
                ignored: false,
                tasks: HashMap::new(),
                next_task: 0,
                monitors: BTreeMap::new(),
                watches: BTreeMap::new(),
                first_changes: VecDeque::new(),
            })
        })
    }

    /// The end that a callback asked for and did not get yet.
    pub(crate) fn take_stop(&mut self) -> Option<ExitReason> {
        self.rare.as_mut()?.stop.take()
    }

    pub(crate) fn was_ignored(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.ignored)
    }

    /// Keeps what the process is told until its turn comes.
    pub(crate) fn keep_told(&mut self, mut told: VecDeque<(u64, Told<M>)>) {
        self.rare().told.append(&mut told);
    }
}

impl<M> Context<M> {
    /// Cancels all timers and aborts all background tasks: the process is ending.
    pub(crate) fn cancel_all(&mut self) {
        if let Some(rare) = self.rare.take() {
            rare.discard();
        }
    }
}

impl<M> Rare<M> {
    /// Drops each message on its own: a panic in one drop must not meet one in another, which would
    /// end the program.
    fn discard(self) {
        self.tasks.values().for_each(AbortHandle::abort);
        for (monitor, pid) in self.monitors {
            pid.forget_monitor(MonitorRef(monitor));
        }
        for (watch, (server, map)) in self.watches {
            server.unwatch(watch);
            let _ = panics::catch_drop(map);
        }
        for (_, told) in self.told {
            let _ = panics::catch_drop(told);
        }
        self.timers.discard();
        for message in self.continues {
            let _ = panics::catch_drop(message);
        }
        let _ = panics::catch_drop(self.idle);
        let _ = panics::catch_drop(self.idle_stop);
    }
}

impl<M> Drop for Context<M> {
    fn drop(&mut self) {
        if !self.batch.is_empty() {
            self.slot.give_back(&mut self.batch);
        }
        self.slot
            .handled
            .store(self.begun, crate::sync::Ordering::Relaxed);
        self.cancel_all();
    }
}

impl<M> fmt::Debug for Context<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("pid", &self.number)
            .field("name", &self.slot.name())
            .finish_non_exhaustive()
    }
}
