//! Signals: what acts on a process and overtakes everything that it is told.
//!
//! A signal is a bit that the process reads at every poll and at every message boundary. It is
//! raised first and the process woken after, so that a process which is about to wait is polled
//! once more and sees it.

use std::any::Any;

use crate::current::Unanswered;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::reply::{self, Awaiting, ReplyTo};
use crate::slot::{Inner, Slot};
use crate::sync::{MutexGuard, Ordering};

/// The process has to end at once: a kill, or an exit signal that it does not trap.
pub(crate) const KILL: u32 = 1;
/// Somebody wants to look into the state.
pub(crate) const INSPECT: u32 = 1 << 1;
/// The process has to rest until nobody wants it to any more.
pub(crate) const SUSPEND: u32 = 1 << 2;
/// Senders wait for room: nothing to act on, but to be read when room appears.
pub(crate) const SENDERS: u32 = 1 << 3;

/// A background task left calls unanswered that the process has to settle.
pub(crate) const SETTLE: u32 = 1 << 4;

/// The supervisor asks the process to end in order.
pub(crate) const SHUTDOWN: u32 = 1 << 5;

/// Somebody wants the process to fail as if its own code had panicked.
pub(crate) const CRASH: u32 = 1 << 6;

/// The signals that cut short whatever the process is at.
pub(crate) const CUT_SHORT: u32 = KILL | CRASH;

/// The signals that a process acts on at a message boundary.
pub(crate) const TO_ACT_ON: u32 = CUT_SHORT | SHUTDOWN | INSPECT | SUSPEND | SETTLE;

/// A look into the state of a server, whose type the process knows and the asker guesses.
pub(crate) type Inspection = Box<dyn FnOnce(&dyn Any) + Send>;

impl<M> Slot<M> {
    /// Raises a signal for incarnation `number` under the lock, does `prepare` there, and wakes the
    /// process.
    pub(crate) fn signal(
        &self,
        number: u64,
        signal: u32,
        prepare: impl FnOnce(&mut crate::slot::Extras<M>),
    ) -> Result<(), CallError> {
        let mut inner = self.inner.lock();
        if !self.is_running(&inner, number) {
            return Err(CallError::NoProc);
        }
        if signal != KILL {
            prepare(inner.extras());
        }
        self.raise(inner, signal);
        Ok(())
    }

    /// Raises a signal under the lock, and wakes the process after it.
    pub(crate) fn raise(&self, mut inner: MutexGuard<'_, Inner<M>>, signal: u32) {
        self.signals.fetch_or(signal, Ordering::SeqCst);
        inner.parked = false;
        let waker = inner.waker.clone();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn kill(&self, number: u64) {
        // A process that has ended is as dead as one can be.
        let _ = self.signal(number, KILL, |_| ());
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.signals.load(Ordering::Acquire) & KILL != 0
    }

    /// Has incarnation `number` fail with `panic`, unless it is about to end already.
    pub(crate) fn crash(&self, number: u64, panic: ExitReason) {
        let _ = self.signal(number, CRASH, |extras| {
            extras.crash.get_or_insert(panic);
        });
    }

    /// Why what the process is at has to be cut short, if it has to: a kill stays, a crash happens once.
    pub(crate) fn cut_short(&self) -> Option<ExitReason> {
        if self.signals.load(Ordering::Acquire) & CUT_SHORT == 0 {
            return None;
        }
        self.fatal().or_else(|| self.take_crash())
    }

    #[cold]
    pub(crate) fn take_crash(&self) -> Option<ExitReason> {
        let mut inner = self.inner.lock();
        self.signals.fetch_and(!CRASH, Ordering::SeqCst);
        inner.extras().crash.take()
    }

    pub(crate) fn inspect(&self, number: u64, inspection: Inspection) -> Result<(), CallError> {
        self.signal(number, INSPECT, |extras| {
            extras.inspections.push_back(inspection);
        })
    }

    /// The next look into the state that somebody waits for.
    pub(crate) fn next_inspection(&self) -> Option<Inspection> {
        let mut inner = self.inner.lock();
        let inspections = &mut inner.extras().inspections;
        let next = inspections.pop_front();
        if inspections.is_empty() {
            self.signals.fetch_and(!INSPECT, Ordering::SeqCst);
        }
        next
    }

    /// Asks the process to rest; the reply comes when it does.
    pub(crate) fn suspend(&self, number: u64) -> Result<Awaiting<()>, CallError> {
        let (reply, resting) = reply::pair(None);
        self.signal(number, SUSPEND, |extras| {
            extras.suspensions += 1;
            extras.suspending.push(reply);
        })?;
        Ok(resting)
    }

    /// One who wanted the process to rest does not any more.
    pub(crate) fn resume(&self, number: u64) {
        let _ = self.signal(number, 0, |extras| {
            extras.suspensions -= 1;
            if extras.suspensions == 0 {
                self.signals.fetch_and(!SUSPEND, Ordering::SeqCst);
            }
        });
    }

    /// The calls that background tasks left unanswered.
    pub(crate) fn take_unanswered(&self) -> Vec<Unanswered> {
        let mut inner = self.inner.lock();
        self.signals.fetch_and(!SETTLE, Ordering::SeqCst);
        std::mem::take(&mut inner.extras().unanswered)
    }

    /// Those who wait to hear that the process rests.
    pub(crate) fn take_suspending(&self) -> Vec<ReplyTo<()>> {
        std::mem::take(&mut self.inner.lock().extras().suspending)
    }
}
