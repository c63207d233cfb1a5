//! What a process does next, decided at each message boundary.
//!
//! In this order: signals; a stop that the server asked for; `continue_with`; timers that were due
//! when the process woke; then messages and what else it is told, in their one order.

use std::future::poll_fn;
use std::task::Poll;

use tokio::time::Instant;

use crate::context::{Context, Rare};
use crate::current;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::exits::{Down, Exit};
use crate::mailbox::{Taken, Told, pop_due};
use crate::panics;
use crate::pid::Pid;
use crate::signals::{self, Inspection};
use crate::slot::Slot;
use crate::sync::Ordering;
use crate::timers::{SHORTEST_PERIOD, after};
use crate::watch::ServerChange;

/// How much a process handles before it lets others run.
pub(crate) const BATCH: u32 = 64;

pub(crate) enum Step<M> {
    Handle(M),
    // Boxed, for every idle server pays for the largest step.
    Exit(Box<Exit>),
    Down(Box<Down>),
    Inspect(Inspection),
    /// Nothing at the moment: wait and ask again.
    Wait(Wait),
    Stop(ExitReason),
}

/// What becomes of a process that has been idle for long enough.
enum IdleOver<M> {
    Handle(M),
    Stop,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until something arrives.
    Parked,
    /// Until the others have had their turn.
    Yield,
    /// Until a signal.
    Suspended,
}

impl<M: Send + 'static> Context<M> {
    #[inline]
    pub(crate) fn next_step(&mut self) -> Step<M> {
        loop {
            if self.slot.signals.load(Ordering::Relaxed) & signals::TO_ACT_ON != 0
                && let Some(step) = self.act_on_signals()
            {
                return step;
            }
            if let Some(step) = self.rare.as_mut().and_then(|rare| rare.stop.take()) {
                return Step::Stop(step);
            }
            if self.budget == 0 {
                return Step::Wait(Wait::Yield);
            }
            if let Some(rare) = &mut self.rare
                && let Some(step) = rare.next_step(self.begun, &self.slot)
            {
                self.budget -= 1;
                return step;
            }
            if let Some(message) = self.batch.pop_front() {
                self.begin();
                return Step::Handle(message);
            }
            match self.slot.take_or_park(&mut self.batch) {
                Taken::Messages => {}
                Taken::Told(told) => self.keep_told(told),
                Taken::Abandoned => return Step::Stop(ExitReason::Normal),
                Taken::Parked => {
                    let over = self.rare.as_mut().and_then(|rare| rare.idle_is_over());
                    let Some(over) = over else {
                        return Step::Wait(Wait::Parked);
                    };
                    self.budget -= 1;
                    self.slot.set_working();
                    match over {
                        IdleOver::Handle(message) => return Step::Handle(message),
                        IdleOver::Stop => {
                            // In its turn: what was sent before `may_stop` had agreed is handled before.
                            let stop = Told::Stop(ExitReason::Normal);
                            let _ = self.slot.tell(self.number, stop);
                        }
                    }
                }
            }
        }
    }

    /// A message is begun.
    #[inline]
    fn begin(&mut self) {
        self.begun += 1;
        self.budget -= 1;
        if let Some(rare) = &mut self.rare {
            rare.is_busy();
        }
        if self.slot.is_bounded() {
            self.slot.in_hand.fetch_sub(1, Ordering::SeqCst);
            if self.slot.signals.load(Ordering::SeqCst) & signals::SENDERS != 0 {
                self.slot.admit_senders();
            }
        }
    }

    #[cold]
    fn act_on_signals(&mut self) -> Option<Step<M>> {
        let signals = self.slot.signals.load(Ordering::Acquire);
        if signals & signals::CUT_SHORT != 0 {
            // The guard around this future sees it before it polls again: nothing more is handled.
            return Some(Step::Wait(Wait::Yield));
        }
        if signals & signals::SHUTDOWN != 0 {
            return Some(Step::Stop(ExitReason::Shutdown));
        }
        if signals & signals::SETTLE != 0 {
            current::settle_all(self.slot.take_unanswered(), &CallError::NoReply);
        }
        if signals & signals::INSPECT != 0
            && let Some(inspection) = self.slot.next_inspection()
        {
            return Some(Step::Inspect(inspection));
        }
        if signals & signals::SUSPEND != 0 {
            for reply in self.slot.take_suspending() {
                reply.send(());
            }
            return Some(Step::Wait(Wait::Suspended));
        }
        None
    }

    pub(crate) async fn wait(&mut self, wait: Wait) {
        self.slot.in_hand.store(self.batch.len(), Ordering::Relaxed);
        self.slot.handled.store(self.begun, Ordering::Relaxed);
        let mut waited = false;
        let mut rare = self.rare.as_mut();
        poll_fn(|cx| {
            if waited {
                return Poll::Ready(());
            }
            waited = true;
            match (wait, &mut rare) {
                (Wait::Yield, _) => cx.waker().wake_by_ref(),
                (Wait::Parked, Some(rare)) => {
                    let idle_at = rare.idle_at();
                    return rare.timers.poll(idle_at, cx);
                }
                (Wait::Parked, None) | (Wait::Suspended, _) => {}
            }
            Poll::Pending
        })
        .await;
        self.budget = BATCH;
        if self.rare.is_some() {
            // Whoever sends something takes the process out of its parking; a timer does not.
            self.slot.set_working();
        }
        self.woke();
    }

    /// The process comes back from a wait: what is due now comes before further messages.
    pub(crate) fn woke(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.timers.woke();
        }
    }
}

impl<M> Rare<M> {
    /// What comes before the next message, if anything.
    fn next_step(&mut self, begun: u64, slot: &Slot<M>) -> Option<Step<M>> {
        let due = self.continues.pop_front().or_else(|| self.timers.pop_due());
        let step = match due {
            Some(message) => Step::Handle(message),
            None => loop {
                let first = self.first_changes.pop_front();
                let told = match first {
                    Some((watch, change)) => Told::Change(watch, change),
                    None => pop_due(&mut self.told, begun)?,
                };
                if let Some(step) = self.hear(told, slot) {
                    break step;
                }
            },
        };
        self.is_busy();
        Some(step)
    }

    /// What is to be done about something told; nothing if nobody waits for it any more.
    fn hear(&mut self, told: Told<M>, slot: &Slot<M>) -> Option<Step<M>> {
        match told {
            Told::Stop(reason) => Some(Step::Stop(reason)),
            Told::TaskDone(task, message) => {
                // One that is not known any more was aborted: nothing of it arrives.
                self.tasks.remove(&task)?;
                Some(Step::Handle(message()))
            }
            Told::Exit(exit, _) => {
                let from = exit.from.as_ref().map(Pid::number);
                if from == Some(slot.parent()) {
                    return Some(Step::Stop(exit.reason));
                }
                Some(Step::Exit(exit))
            }
            Told::Down(down) => {
                self.monitors.remove(&down.monitor.0)?;
                Some(Step::Down(down))
            }
            Told::Change(watch, change) => {
                if matches!(change, ServerChange::Closed) {
                    let (_, mut map) = self.watches.remove(&watch)?;
                    return Some(Step::Handle(map(change)));
                }
                let (_, map) = self.watches.get_mut(&watch)?;
                Some(Step::Handle(map(change)))
            }
        }
    }

    /// The process has something to do.
    fn is_busy(&mut self) {
        self.idle = None;
        if let Some(idle) = &mut self.idle_stop {
            idle.at = None;
        }
    }

    /// When it will have been idle for long enough, for the first thing to be done then.
    fn idle_at(&self) -> Option<Instant> {
        let message = self.idle.as_ref().and_then(|idle| idle.at);
        let stop = self.idle_stop.as_ref().and_then(|idle| idle.at);
        match (message, stop) {
            (Some(message), Some(stop)) => Some(message.min(stop)),
            (message, stop) => message.or(stop),
        }
    }

    /// What is to be done if the process has been idle for long enough; it is parked now.
    fn idle_is_over(&mut self) -> Option<IdleOver<M>> {
        if self.idle.is_none() && self.idle_stop.is_none() {
            return None;
        }
        let now = Instant::now();
        if let Some(idle) = &mut self.idle
            && now >= *idle.at.get_or_insert_with(|| after(now, idle.after))
        {
            let idle = self.idle.take();
            self.is_busy();
            return idle.map(|idle| IdleOver::Handle(idle.message));
        }
        let idle = self.idle_stop.as_mut()?;
        if now < *idle.at.get_or_insert_with(|| after(now, idle.after)) {
            return None;
        }
        if (idle.may_stop)() {
            let agreed = self.idle_stop.take();
            let _ = panics::catch_drop(agreed);
            return Some(IdleOver::Stop);
        }
        // Not at once, or it would be asked for ever.
        idle.at = Some(after(now, idle.after.max(SHORTEST_PERIOD)));
        None
    }
}
