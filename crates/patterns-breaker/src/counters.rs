//! The totals of a breaker.

use crate::Outcome;
use crate::machine::End;
use crate::sync::{AtomicU64, Ordering};

/// What is counted. All numbers only grow: a reset remembers where they stood.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    admitted: AtomicU64,
    successes: AtomicU64,
    failures: AtomicU64,
    ignored: AtomicU64,
    cancelled: AtomicU64,
    timeouts: AtomicU64,
    rejected: AtomicU64,
}

/// The numbers at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) admitted: u64,
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) ignored: u64,
    pub(crate) cancelled: u64,
    pub(crate) timeouts: u64,
    pub(crate) rejected: u64,
}

impl Counters {
    #[inline]
    pub(crate) fn admit(&self) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts how a call ended that was admitted before.
    #[inline]
    pub(crate) fn end(&self, end: End) {
        let counter = match end {
            End::Recorded(Outcome::Success) => &self.successes,
            End::Recorded(Outcome::Failure) => &self.failures,
            End::Recorded(Outcome::Ignored) => &self.ignored,
            End::Cancelled => &self.cancelled,
        };
        // Whoever sees this end sees that the call was admitted: `counts` reads it first, with `Acquire`.
        counter.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn time_out(&self) {
        self.timeouts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn reject(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads all of them, ends first: so there are never more ends than calls.
    pub(crate) fn counts(&self) -> Counts {
        let timeouts = self.timeouts.load(Ordering::Acquire);
        let successes = self.successes.load(Ordering::Acquire);
        let failures = self.failures.load(Ordering::Acquire);
        let ignored = self.ignored.load(Ordering::Acquire);
        let cancelled = self.cancelled.load(Ordering::Acquire);
        Counts {
            admitted: self.admitted.load(Ordering::Acquire),
            successes,
            failures,
            ignored,
            cancelled,
            timeouts,
            rejected: self.rejected.load(Ordering::Acquire),
        }
    }
}

impl Counts {
    pub(crate) const NONE: Self = Self {
        admitted: 0,
        successes: 0,
        failures: 0,
        ignored: 0,
        cancelled: 0,
        timeouts: 0,
        rejected: 0,
    };

    /// Calls that have not ended.
    pub(crate) const fn in_flight(&self) -> u64 {
        self.admitted - self.successes - self.failures - self.ignored - self.cancelled
    }

    /// What has come since `before`. What was in flight then counts as admitted since.
    pub(crate) const fn since(&self, before: &Self) -> Self {
        Self {
            admitted: self.admitted - before.admitted,
            successes: self.successes - before.successes,
            failures: self.failures - before.failures,
            ignored: self.ignored - before.ignored,
            cancelled: self.cancelled - before.cancelled,
            timeouts: self.timeouts - before.timeouts,
            rejected: self.rejected - before.rejected,
        }
    }

    /// Where to count from after a reset of the totals.
    pub(crate) const fn baseline(self) -> Self {
        Self {
            admitted: self.admitted - self.in_flight(),
            ..self
        }
    }
}
