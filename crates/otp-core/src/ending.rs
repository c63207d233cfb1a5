//! The end of a process, as everybody else sees it.
//!
//! The order is part of the contract: the process itself has already dropped its handler, cancelled
//! its timers, run `terminate` and dropped its state. Then, here: the reason is published, the entries in
//! registries go, callers are told, senders that wait for room get their messages back, then the one who waits for the start,
//! the processes that are linked, those that monitor, and last the futures that wait for the end or for
//! `stop`.

use std::mem;

use crate::current::{self, Carried, Scope, Unanswered};
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::keeper::Shut;
use crate::panics;
use crate::pid::Pid;
use crate::reply::{self, Awaiting};
use crate::signals;
use crate::slot::{Ended, Phase, Slot, WAITS};
use crate::sync::{Arc, GlobalAtomicU64, Ordering};
use crate::watch::{ServerChange, tell_change};

/// Returns the number of a new incarnation. Numbers are never used again.
pub(crate) fn next_number() -> u64 {
    static NEXT: GlobalAtomicU64 = GlobalAtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Closes its slot, whatever ends the process: its own end, or the runtime that drops it.
pub(crate) struct ExitGuard<M: Send + 'static> {
    pub(crate) slot: Arc<Slot<M>>,
    pub(crate) ended: Ended,
}

impl<M: Send + 'static> Drop for ExitGuard<M> {
    fn drop(&mut self) {
        self.slot.end(self.ended.clone());
    }
}

impl<M: Send + 'static> Slot<M> {
    /// Ends the incarnation. A slot without a keeper is closed for good; one that has one keeps its
    /// messages for the next.
    pub(crate) fn end(self: &Arc<Self>, ended: Ended) {
        let mut inner = self.inner.lock();
        let number = self.process.swap(0, Ordering::AcqRel) & !WAITS;
        let mut life = inner.take_life();
        let (kept, forgets) = inner.keeper().map_or((false, false), |keeper| {
            keeper.ends(&ended);
            (true, keeper.forgets)
        });
        let next = if kept {
            Phase::Waiting
        } else {
            Phase::Closed(ended.clone())
        };
        let before = mem::replace(&mut inner.phase, next);
        if kept {
            // What was meant for this incarnation must not meet the next.
            self.signals.fetch_and(signals::SENDERS, Ordering::SeqCst);
        }
        let shut = if kept && !forgets {
            Shut::default()
        } else {
            inner.shut()
        };
        let watchers = inner.watchers();
        let dropped = inner.dropped;
        inner.parked = false;
        self.in_hand.store(0, Ordering::Relaxed);
        self.waiting.store(false, Ordering::Relaxed);
        let waker = inner.waker.take();
        drop(inner);
        drop(waker);

        let pid = Pid::new(number, self);
        for held in mem::take(&mut life.relations.registered) {
            // Keys and values are the program's: a panic in their code must not keep anybody from being told.
            let _ = panics::catch(|| held.release(&pid));
        }
        let started = ended.as_start();
        let reason = ended.reason;
        // Nobody looks for it any more, and a later incarnation of the slot must not meet it.
        drop(mem::take(&mut life.waits));
        let link_to_parent = life.relations.parent;
        if !ended.served
            && let Some(parent) = life.relations.links.remove(&link_to_parent)
        {
            // A failed start is an error of `start_link` and nothing else.
            parent.forget_link(&pid);
        }
        // The subscriber and the cause's text are the program's: a panic there must not keep anybody from
        // being told, and neither must a waker's below.
        let _ = panics::catch(|| self.trace_exit(number, &reason, dropped));

        let outcome = CallError::Exited(reason.clone());
        if current::process() == number {
            // What the process itself left unanswered. An inbox may be dropped by somebody else, whose
            // calls are not its business.
            current::settle_unanswered(&outcome);
        }
        drop_for_process(&pid, &outcome, || {
            // Each on its own: one whose drop panics must not cost the others theirs.
            for (_, told) in life.told {
                let _ = panics::catch_drop(told);
            }
            for inspection in life.inspections {
                let _ = panics::catch_drop(inspection);
            }
            drop((life.suspending, life.start));
        });
        current::settle_all(life.unanswered, &outcome);
        shut.discard(&pid, &outcome);

        if let Phase::Starting(Some(starter)) = before {
            let _ = panics::catch(|| starter.wake());
        }
        let parent = life.parent.take();
        if let Some(parent) = &parent {
            let _ = panics::catch(|| match started {
                Ok(()) => parent.child_ended(&pid, &reason),
                Err(outcome) => parent.child_not_started(&pid, outcome),
            });
        }
        life.relations.end(&pid, &reason);
        tell_change(&watchers, &ServerChange::Down(reason.clone()));
        if !kept {
            tell_change(&watchers, &ServerChange::Closed);
        }
        for monitor in life.monitors {
            let _ = panics::catch(|| monitor.send(reason.clone()));
        }
        if kept {
            self.end_is_over();
        }
        if let Some(parent) = parent {
            let _ = panics::catch(|| parent.child_is_over(&pid));
        }
    }
}

/// Drops what a process leaves behind. Calls that are left unanswered by that are told `outcome`.
pub(crate) fn drop_for_process(pid: &Pid, outcome: &CallError, drop: impl FnOnce()) {
    let mut carried = Carried {
        me: Some(Arc::clone(pid.process())),
        unanswered: None,
    };
    // A slot between two incarnations has no number, and 0 is for code outside any process.
    let scope = Scope::enter(pid.number().max(1), &mut carried);
    drop();
    scope.leave(&mut carried);
    current::settle_all(carried.into_unanswered(), outcome);
}

impl<M> Slot<M> {
    fn trace_exit(&self, number: u64, reason: &ExitReason, dropped: usize) {
        if number == 0 {
            return;
        }
        let name = self.name();
        if reason.is_clean() {
            tracing::debug!(pid = number, name, %reason, dropped, "process exited");
        } else {
            tracing::error!(pid = number, name, %reason, dropped, "process exited");
        }
    }

    /// Hears of the end of incarnation `number`; `None` if that one has ended.
    pub(crate) fn monitor(&self, number: u64) -> Option<Awaiting<ExitReason>> {
        let (reply, end) = reply::pair(None);
        let mut inner = self.inner.lock();
        if !self.is_running(&inner, number) {
            drop(inner);
            // Nobody waits for this reply: it must not be left to the process that runs here.
            reply.send(ExitReason::NoProc);
            return None;
        }
        let monitors = &mut inner.extras().monitors;
        if monitors.len() == monitors.capacity() {
            // Before it grows: those who stopped waiting need no place.
            monitors.retain(|monitor| !monitor.is_closed());
        }
        monitors.push(reply);
        Some(end)
    }

    /// Settles what a background task of incarnation `number` left unanswered: by that process, if it
    /// gets to a message boundary, otherwise by its end.
    pub(crate) fn settle_aborted(&self, number: u64, mut calls: Vec<Unanswered>) {
        if calls.is_empty() {
            return;
        }
        let kept = self.signal(number, signals::SETTLE, |extras| {
            extras.unanswered.append(&mut calls);
        });
        if kept.is_ok() {
            return;
        }
        let ended = self.inner.lock().ended().map(|ended| ended.reason.clone());
        current::settle_all(calls, &ended.map_or(CallError::NoProc, CallError::Exited));
    }
}
