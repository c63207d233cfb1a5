//! The process in whose poll this thread is, and the replies that its code dropped unanswered.
//!
//! Invariants:
//! 1. While code of a process runs (a poll, or the drop of what the process owned), `PROCESS` is
//!    its number.
//! 2. A `ReplyTo` that is dropped unanswered inside such a scope is settled by that process: as
//!    `NoReply` at its next message boundary, as `Exited(reason)` if the process ends before it
//!    gets there.
//! 3. Scopes nest and give back what they found.

use std::cell::{Cell, RefCell};
use std::mem;

use crate::error::CallError;
use crate::panics;
use crate::sync::{Arc, thread_local};

/// A call that lost its `ReplyTo` and waits to be told what became of it.
pub(crate) type Unanswered = Arc<dyn Settle>;

/// The end of a reply cell that gives the outcome of a call which has no reply.
pub(crate) trait Settle: Send + Sync {
    fn settle(&self, outcome: CallError);
}

thread_local! {
    static PROCESS: Cell<u64> = const { Cell::new(0) };
    // A flag of its own, because a message boundary asks it each time and must not pay for a lazy thread-local.
    static HAS_UNANSWERED: Cell<bool> = const { Cell::new(false) };
    static UNANSWERED: RefCell<Vec<Unanswered>> = const { RefCell::new(Vec::new()) };
    /// The lists of the scopes around this one.
    static PUT_ASIDE: RefCell<Vec<Vec<Unanswered>>> = const { RefCell::new(Vec::new()) };
}

/// Returns the number of the process whose code runs here, 0 for none.
pub(crate) fn process() -> u64 {
    PROCESS.get()
}

/// Leaves a call to the process whose code runs here; gives it back where none does.
pub(crate) fn leave_unanswered(call: Unanswered) -> Result<(), Unanswered> {
    if PROCESS.get() == 0 {
        return Err(call);
    }
    let mut call = Some(call);
    // While the thread is torn down there is no list any more: then the call is settled on the
    // spot.
    let kept = UNANSWERED.try_with(|list| list.borrow_mut().extend(call.take()));
    match (kept, call) {
        (Ok(()), _) => {
            HAS_UNANSWERED.set(true);
            Ok(())
        }
        (Err(_), Some(call)) => Err(call),
        (Err(_), None) => Ok(()),
    }
}

/// Tells every call that was left unanswered in this scope its outcome.
#[inline]
pub(crate) fn settle_unanswered(outcome: &CallError) {
    if HAS_UNANSWERED.get() {
        settle_all(take_list(), outcome);
    }
}

/// Tells each of `calls` the same outcome.
#[cold]
pub(crate) fn settle_all(calls: Vec<Unanswered>, outcome: &CallError) {
    for call in calls {
        // It wakes a caller, and a waker that panics must not cost the others their outcome.
        let _ = panics::catch(|| call.settle(outcome.clone()));
    }
}

/// Where the code of one process runs, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Scope {
    outer_process: u64,
    /// Whether the scope around this one has calls of its own to settle, which are put aside.
    outer_put_aside: bool,
}

impl Scope {
    /// Enters a process; `unanswered` is what it brought along from earlier polls.
    #[inline]
    pub(crate) fn enter(process: u64, unanswered: &mut Vec<Unanswered>) -> Self {
        let scope = Self {
            outer_process: PROCESS.replace(process),
            outer_put_aside: HAS_UNANSWERED.get(),
        };
        if scope.outer_put_aside {
            let outer = take_list();
            let _ = PUT_ASIDE.try_with(|aside| aside.borrow_mut().push(outer));
        }
        if !unanswered.is_empty() {
            put_list(mem::take(unanswered));
        }
        scope
    }

    /// Leaves the process; `unanswered` gets what it has to carry to its next poll.
    #[inline]
    pub(crate) fn leave(self, unanswered: &mut Vec<Unanswered>) {
        if HAS_UNANSWERED.get() {
            *unanswered = take_list();
        }
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        // Nothing is left here unless a panic of our own passed through; no call may hang even
        // then.
        settle_unanswered(&CallError::NoReply);
        PROCESS.set(self.outer_process);
        if self.outer_put_aside
            && let Ok(Some(outer)) = PUT_ASIDE.try_with(|aside| aside.borrow_mut().pop())
        {
            put_list(outer);
        }
    }
}

#[cold]
fn take_list() -> Vec<Unanswered> {
    HAS_UNANSWERED.set(false);
    UNANSWERED
        .try_with(|list| mem::take(&mut *list.borrow_mut()))
        .unwrap_or_default()
}

#[cold]
fn put_list(calls: Vec<Unanswered>) {
    HAS_UNANSWERED.set(true);
    let _ = UNANSWERED.try_with(|list| *list.borrow_mut() = calls);
}

impl std::fmt::Debug for dyn Settle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settle(..)")
    }
}
