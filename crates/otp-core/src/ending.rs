//! The end of a process, as everybody else sees it.
//!
//! The order is part of the contract: the process itself has already dropped its handler, cancelled
//! its timers, run `terminate` and dropped its state. Then, here: the reason is published, callers
//! are told, senders that wait for room get their messages back, and last those are told who
//! monitor the process or wait for its `stop`.

use std::mem;

use crate::current::{self, Unanswered};
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::panics;
use crate::reply::{self, Awaiting};
use crate::signals;
use crate::slot::{Ended, Phase, Slot};
use crate::sync::{Arc, GlobalAtomicU64, Ordering};

/// Returns the number of a new incarnation. Numbers are never used again.
pub(crate) fn next_number() -> u64 {
    static NEXT: GlobalAtomicU64 = GlobalAtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Closes its slot, whatever ends the process: its own end, or the runtime that drops it.
pub(crate) struct ExitGuard<M> {
    pub(crate) slot: Arc<Slot<M>>,
    pub(crate) ended: Ended,
}

impl<M> Drop for ExitGuard<M> {
    fn drop(&mut self) {
        self.slot.close(self.ended.clone());
    }
}

impl<M> Slot<M> {
    /// Ends the incarnation and closes the slot for good.
    pub(crate) fn close(&self, ended: Ended) {
        let mut inner = self.inner.lock();
        let number = self.process.swap(0, Ordering::AcqRel);
        let before = mem::replace(&mut inner.phase, Phase::Closed(ended.clone()));
        let queue = mem::take(&mut inner.queue);
        inner.dropped += queue.len();
        let dropped = inner.dropped;
        inner.parked = false;
        self.in_hand.store(0, Ordering::Relaxed);
        let waker = inner.waker.take();
        let extras = inner.extras.take();
        let calls = inner.calls.take();
        drop(inner);
        drop((waker, calls));

        let reason = ended.reason;
        // The subscriber and the cause's text are the program's: a panic there must not keep anybody from
        // being told, and neither must a waker's below.
        let _ = panics::catch(|| self.trace_exit(number, &reason, dropped));

        let outcome = CallError::Exited(reason.clone());
        if current::process() == number {
            // What the process itself left unanswered. An inbox may be dropped by somebody else, whose
            // calls are not its business.
            current::settle_unanswered(&outcome);
        }
        // Each message is dropped on its own: one whose drop panics must not cost the others
        // theirs.
        let mut unanswered = Vec::new();
        let scope = current::Scope::enter(number, &mut unanswered);
        for message in queue {
            let _ = panics::catch_drop(message);
        }
        let extras = extras.map(|extras| *extras).unwrap_or_default();
        for (_, told) in extras.told {
            let _ = panics::catch_drop(told);
        }
        for inspection in extras.inspections {
            let _ = panics::catch_drop(inspection);
        }
        drop(extras.suspending);
        scope.leave(&mut unanswered);
        current::settle_all(unanswered, &outcome);
        current::settle_all(extras.unanswered, &outcome);

        for sender in extras.senders {
            let _ = panics::catch(|| sender.refuse());
        }
        if let Phase::Starting(Some(starter)) = before {
            let _ = panics::catch(|| starter.wake());
        }
        for monitor in extras.monitors {
            let _ = panics::catch(|| monitor.send(reason.clone()));
        }
    }

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
        if number == 0 || self.number() != number {
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
