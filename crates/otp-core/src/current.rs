//! The process in whose poll this thread is, and the replies that its code dropped unanswered.
//!
//! Invariants:
//! 1. While code of a process runs (a poll, or the drop of what the process owned), `PROCESS` is
//!    its number.
//! 2. A `ReplyTo` that is dropped unanswered inside such a scope is settled by that process: as
//!    `NoReply` at its next message boundary, as `Exited(reason)` if the process ends before it
//!    gets there.
//! 3. Scopes nest and give back what they found.
//! 4. `ME` is the process itself where its own code runs, and nothing where it is only answered for
//!    (the drop of what an aborted background task owned).

use std::cell::{Cell, RefCell};
use std::mem;
use std::ptr;

use crate::any_process::AnyProcess;
use crate::error::CallError;
use crate::panics;
use crate::sync::{Arc, Weak, thread_local};
use crate::waits::Awaited;

/// A call that lost its `ReplyTo` and waits to be told what became of it.
pub(crate) type Unanswered = Arc<dyn Settle>;

/// The end of a reply cell that gives the outcome of a call which has no reply.
pub(crate) trait Settle: Awaited {
    fn settle(&self, outcome: CallError);
}

thread_local! {
    static PROCESS: Cell<u64> = const { Cell::new(0) };
    // A flag of its own, because a message boundary asks it each time and must not pay for a lazy thread-local.
    static HAS_UNANSWERED: Cell<bool> = const { Cell::new(false) };
    static UNANSWERED: RefCell<Vec<Unanswered>> = const { RefCell::new(Vec::new()) };
    static ME: RefCell<Option<Arc<dyn AnyProcess>>> = const { RefCell::new(None) };
    /// The lists of the scopes around this one.
    static PUT_ASIDE: RefCell<Vec<Vec<Unanswered>>> = const { RefCell::new(Vec::new()) };
}

/// Returns the number of the process whose code runs here, 0 for none.
pub(crate) fn process() -> u64 {
    PROCESS.get()
}

/// Looks at the process whose code runs here, if one does.
pub(crate) fn with_me<R>(look: impl FnOnce(&Arc<dyn AnyProcess>) -> R) -> Option<R> {
    if PROCESS.get() == 0 {
        return None;
    }
    let seen = ME.try_with(|me| me.borrow().as_ref().map(look));
    seen.ok().flatten()
}

/// Settles a call at once, if it was left unanswered in this scope.
#[inline]
pub(crate) fn settle_if_left(call: &Weak<dyn Settle>) {
    if HAS_UNANSWERED.get() {
        settle_one(call);
    }
}

#[cold]
fn settle_one(call: &Weak<dyn Settle>) {
    let of_call = |left: &mut Unanswered| ptr::addr_eq(Arc::as_ptr(left), call.as_ptr());
    let left = UNANSWERED.try_with(|list| list.borrow_mut().extract_if(.., of_call).collect());
    settle_all(left.unwrap_or_default(), &CallError::NoReply);
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

/// What a process brings into each scope and takes out again.
#[derive(Default)]
pub(crate) struct Carried {
    pub(crate) me: Option<Arc<dyn AnyProcess>>,
    /// Calls that it has not settled yet.
    #[expect(
        clippy::box_collection,
        reason = "nearly always there are none, and each idle process pays for the room"
    )]
    pub(crate) unanswered: Option<Box<Vec<Unanswered>>>,
}

impl Carried {
    /// The calls that were left unanswered.
    pub(crate) fn into_unanswered(self) -> Vec<Unanswered> {
        self.unanswered.map(|calls| *calls).unwrap_or_default()
    }
}

/// Where the code of one process runs, for as long as this value lives.
pub(crate) struct Scope {
    outer_process: u64,
    outer_me: Option<Arc<dyn AnyProcess>>,
    left: bool,
    /// Whether the scope around this one has calls of its own to settle, which are put aside.
    outer_put_aside: bool,
}

impl Scope {
    /// Enters a process with what it brought along from earlier polls.
    #[inline]
    pub(crate) fn enter(process: u64, carried: &mut Carried) -> Self {
        let scope = Self {
            outer_process: PROCESS.replace(process),
            outer_me: exchange_me(carried.me.take()),
            left: false,
            outer_put_aside: HAS_UNANSWERED.get(),
        };
        if scope.outer_put_aside {
            let outer = take_list();
            let _ = PUT_ASIDE.try_with(|aside| aside.borrow_mut().push(outer));
        }
        if let Some(calls) = carried.unanswered.take() {
            put_list(*calls);
        }
        scope
    }

    /// Leaves the process, with what it has to carry to its next poll.
    #[inline]
    pub(crate) fn leave(mut self, carried: &mut Carried) {
        if HAS_UNANSWERED.get() {
            carried.unanswered = Some(Box::new(take_list()));
        }
        carried.me = exchange_me(self.outer_me.take());
        self.left = true;
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        // Nothing is left here unless a panic of our own passed through; no call may hang even
        // then.
        settle_unanswered(&CallError::NoReply);
        PROCESS.set(self.outer_process);
        if !self.left {
            drop(exchange_me(self.outer_me.take()));
        }
        if self.outer_put_aside
            && let Ok(Some(outer)) = PUT_ASIDE.try_with(|aside| aside.borrow_mut().pop())
        {
            put_list(outer);
        }
    }
}

#[inline]
fn exchange_me(me: Option<Arc<dyn AnyProcess>>) -> Option<Arc<dyn AnyProcess>> {
    ME.try_with(|current| current.replace(me)).ok().flatten()
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
