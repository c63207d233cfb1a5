//! What a stage of a flow counts, and says of itself.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::undone::Name;

/// How a stage of a flow is doing; see [`Flow::stats`](crate::Flow::stats).
///
/// At every moment `taken` is the sum of `in_flight`, `done`, `failed` and `stopped`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageStats {
    /// The stage's name.
    pub stage: Name,
    /// Items that were taken from the stage before, to be worked on.
    pub taken: u64,
    /// Items that are being worked on.
    pub in_flight: usize,
    /// The most that there ever were.
    pub most_in_flight: usize,
    /// Items that were worked on and have a value.
    pub done: u64,
    /// Items that were worked on and have an error.
    pub failed: u64,
    /// Items whose work was aborted: the flow was dropped, or the runtime was shut down.
    pub stopped: u64,
    /// Errors of earlier stages, which are handed on as they are.
    pub passed: u64,
    /// Results, and errors of earlier stages, that wait to be given out.
    pub waiting: usize,
}

/// The counts of one stage, changed by it and by its tasks.
#[derive(Debug, Clone)]
pub(crate) struct StageCounts(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    stats: StageStats,
    given: u64,
}

impl StageCounts {
    pub(crate) fn new(stage: Name) -> Self {
        let stats = StageStats {
            stage,
            taken: 0,
            in_flight: 0,
            most_in_flight: 0,
            done: 0,
            failed: 0,
            stopped: 0,
            passed: 0,
            waiting: 0,
        };
        Self(Arc::new(Mutex::new(Counts { stats, given: 0 })))
    }

    pub(crate) fn stats(&self) -> StageStats {
        let counts = self.0.lock();
        let mut stats = counts.stats.clone();
        let here = stats.done + stats.failed + stats.passed;
        stats.waiting = usize::try_from(here.saturating_sub(counts.given)).unwrap_or(usize::MAX);
        stats
    }

    /// An item is taken; it is in flight until the [`InFlight`] is told how it went, or dropped.
    pub(crate) fn take(&self) -> InFlight {
        let mut counts = self.0.lock();
        let stats = &mut counts.stats;
        stats.taken += 1;
        stats.in_flight += 1;
        stats.most_in_flight = stats.most_in_flight.max(stats.in_flight);
        InFlight {
            counts: self.clone(),
            is_over: false,
        }
    }

    pub(crate) fn pass(&self) {
        self.0.lock().stats.passed += 1;
    }

    pub(crate) fn give(&self) {
        self.0.lock().given += 1;
    }

    /// The work of an item was stopped, and an error is made of that.
    pub(crate) fn stopped_is_failed(&self) {
        let stats = &mut self.0.lock().stats;
        stats.stopped = stats.stopped.saturating_sub(1);
        stats.failed += 1;
    }
}

/// An item that is being worked on.
pub(crate) struct InFlight {
    counts: StageCounts,
    is_over: bool,
}

impl InFlight {
    pub(crate) fn end(mut self, is_done: bool) {
        self.is_over = true;
        let stats = &mut self.counts.0.lock().stats;
        stats.in_flight -= 1;
        if is_done {
            stats.done += 1;
        } else {
            stats.failed += 1;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.is_over {
            let stats = &mut self.counts.0.lock().stats;
            stats.in_flight -= 1;
            stats.stopped += 1;
        }
    }
}
