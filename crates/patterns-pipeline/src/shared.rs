//! What all runs of a pipeline share: who is told of undos, and how many there are.

use std::borrow::Borrow;
use std::sync::Arc;

use otp_core::contained;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::undone::{UndoOutcome, Undone};

/// Who is told what became of each undo.
type Hook = Box<dyn Fn(&Undone) + Send + Sync>;

/// How a pipeline is doing; see [`Pipeline::stats`](crate::Pipeline::stats).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PipelineStats {
    /// Runs under way, of a pipeline that has undos. Those of one that has none are not counted.
    pub running: usize,
    /// Runs that were dropped midway and whose undos are going on in the background.
    pub undoing: usize,
    /// Undos that were done.
    pub undone: u64,
    /// Undos that failed or panicked.
    pub undo_failed: u64,
    /// Undos that were not run, or not ended, because their runtime was gone.
    pub not_undone: u64,
}

/// What all runs of a pipeline share.
pub(crate) struct Shared {
    hook: Option<Hook>,
    stats: Mutex<PipelineStats>,
    /// Told when nothing is under way any more.
    idle: Notify,
}

impl Shared {
    pub(crate) fn new(hook: Option<Hook>) -> Arc<Self> {
        Arc::new(Self {
            hook,
            stats: Mutex::default(),
            idle: Notify::new(),
        })
    }

    pub(crate) fn stats(&self) -> PipelineStats {
        *self.stats.lock()
    }

    pub(crate) async fn settled(&self) {
        loop {
            // Made before the look: it hears of all that comes after it was made.
            let idle = self.idle.notified();
            let stats = self.stats();
            if stats.running == 0 && stats.undoing == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Counts the end of an undo and tells of it. What a failed one has nobody to be told to is an event of `tracing`.
    pub(crate) fn report(&self, undone: &Undone) {
        {
            let mut stats = self.stats.lock();
            match undone.outcome {
                UndoOutcome::Done => stats.undone += 1,
                UndoOutcome::Failed(_) | UndoOutcome::Panicked(_) => stats.undo_failed += 1,
                UndoOutcome::Unfinished | UndoOutcome::NotRun => stats.not_undone += 1,
            }
        }
        let is_told = match &self.hook {
            Some(hook) => contained::catch(|| hook(undone)).is_ok(),
            None => false,
        };
        if !is_told && !undone.is_done() {
            // A subscriber is code of others too.
            contained::contain(|| {
                tracing::error!(step = %undone.step, outcome = %undone.outcome, "a step was not undone");
            });
        }
    }
}

/// Counted for as long as it is there, as a run or as the undoing of one.
pub(crate) struct Counted<S: Borrow<Arc<Shared>>> {
    shared: S,
    count: fn(&mut PipelineStats) -> &mut usize,
}

impl<S: Borrow<Arc<Shared>>> Counted<S> {
    fn new(shared: S, count: fn(&mut PipelineStats) -> &mut usize) -> Self {
        *count(&mut shared.borrow().stats.lock()) += 1;
        Self { shared, count }
    }
}

impl<'a> Counted<&'a Arc<Shared>> {
    /// A run.
    pub(crate) fn run(shared: &'a Arc<Shared>) -> Self {
        Self::new(shared, |stats| &mut stats.running)
    }
}

impl Counted<Arc<Shared>> {
    /// The undoing of a run that was dropped.
    pub(crate) fn undoing(shared: &Arc<Shared>) -> Self {
        Self::new(Arc::clone(shared), |stats| &mut stats.undoing)
    }
}

impl<S: Borrow<Arc<Shared>>> Drop for Counted<S> {
    fn drop(&mut self) {
        let shared: &Shared = self.shared.borrow();
        let is_idle = {
            let mut stats = shared.stats.lock();
            *(self.count)(&mut stats) -= 1;
            stats.running == 0 && stats.undoing == 0
        };
        if is_idle {
            // It wakes those who wait, and a waker is code of others.
            contained::contain(|| shared.idle.notify_waiters());
        }
    }
}
