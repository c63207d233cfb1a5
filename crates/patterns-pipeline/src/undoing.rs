//! The undos of a run: collected while it goes on, run in reverse order, and handed over to the runtime when the run is dropped.
//!
//! Invariants:
//! 1. What is registered is reported exactly once, or dropped because the run has its output: there is no third way. The drop of an
//!    [`Undoing`] reports what it has not come to.
//! 2. The work of an undo owns all it needs, so that it can go on as it is, begun or not, in a task of its own.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use otp_core::contained::{self, Payload};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::shared::{Counted, Shared};
use crate::undo::UndoResult;
use crate::undone::{Name, UndoOutcome, Undone};

/// An undo that is not begun, or under way. Its panics are values.
pub(crate) type UndoWork = Pin<Box<dyn Future<Output = Result<UndoResult, Payload>> + Send>>;

/// What would have to be undone.
pub(crate) struct Undos {
    entries: Vec<Entry>,
    /// Where the run was when it last did something that can be undone.
    runtime: Option<Handle>,
}

struct Entry {
    step: Name,
    work: UndoWork,
}

impl Undos {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            runtime: None,
        }
    }

    pub(crate) fn push(&mut self, step: Name, work: UndoWork) {
        // The newest one: it is the likeliest to be there when it is needed.
        if let Ok(here) = Handle::try_current() {
            self.runtime = Some(here);
        }
        self.entries.push(Entry { step, work });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all, since the run has its output.
    pub(crate) fn discard(&mut self) {
        for entry in mem::take(&mut self.entries).into_iter().rev() {
            contained::drop_contained(entry);
        }
    }

    pub(crate) fn take(&mut self, shared: &Arc<Shared>) -> Undoing {
        let undos = mem::replace(self, Self::new());
        Undoing {
            left: undos.entries,
            runtime: undos.runtime,
            current: None,
            undone: Vec::new(),
            shared: Arc::clone(shared),
        }
    }
}

/// Runs undos, the last one first.
pub(crate) struct Undoing {
    left: Vec<Entry>,
    current: Option<(Entry, Instant)>,
    undone: Vec<Undone>,
    runtime: Option<Handle>,
    shared: Arc<Shared>,
}

impl Undoing {
    /// Lets it go on without the run that it belongs to.
    pub(crate) fn hand_over(mut self) {
        if self.left.is_empty() && self.current.is_none() {
            return;
        }
        // Where a run was on no runtime, that of its drop is better than none.
        let here = || Handle::try_current().ok();
        if let Some(runtime) = self.runtime.take().or_else(here) {
            let background = Background {
                _counted: Counted::undoing(&self.shared),
                undoing: self,
            };
            // A runtime that is shut down drops it, which reports.
            contained::contain(move || drop(runtime.spawn(background)));
        }
    }

    fn report(&mut self, step: Name, outcome: UndoOutcome, began: Option<Instant>) {
        let undone = Undone {
            step,
            outcome,
            took: began.map(|began| began.elapsed()).unwrap_or_default(),
        };
        self.shared.report(&undone);
        self.undone.push(undone);
    }
}

impl Future for Undoing {
    type Output = Vec<Undone>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<Undone>> {
        let this = self.get_mut();
        loop {
            if let Some((entry, _)) = &mut this.current {
                let Poll::Ready(result) = entry.work.as_mut().poll(cx) else {
                    return Poll::Pending;
                };
                let outcome = match result {
                    Ok(Ok(())) => UndoOutcome::Done,
                    Ok(Err(error)) => UndoOutcome::Failed(error),
                    Err(panic) => UndoOutcome::Panicked(panic.message()),
                };
                if let Some((entry, began)) = this.current.take() {
                    this.report(entry.step, outcome, Some(began));
                }
            }
            match this.left.pop() {
                Some(entry) => this.current = Some((entry, Instant::now())),
                None => return Poll::Ready(mem::take(&mut this.undone)),
            }
        }
    }
}

impl Drop for Undoing {
    fn drop(&mut self) {
        if let Some((entry, began)) = self.current.take() {
            contained::drop_contained(entry.work);
            self.report(entry.step, UndoOutcome::Unfinished, Some(began));
        }
        while let Some(entry) = self.left.pop() {
            contained::drop_contained(entry.work);
            self.report(entry.step, UndoOutcome::NotRun, None);
        }
        // Errors that undos returned may panic in their drops.
        contained::drop_contained(mem::take(&mut self.undone));
    }
}

/// Undos that go on in a task of their own. The fields are dropped in this order: all is reported when it no longer counts.
struct Background {
    undoing: Undoing,
    _counted: Counted<Arc<Shared>>,
}

impl Future for Background {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.undoing)
            .poll(cx)
            .map(contained::drop_contained)
    }
}
