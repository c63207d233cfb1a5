//! What came of the last calls: the last so many, or those of the last so long.

mod calls;
#[cfg(test)]
mod tests;
mod time;

use calls::Calls;
use time::Time;

/// How many calls there were, and of which kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

impl Tally {
    const fn one(failed: bool, slow: bool) -> Self {
        Self {
            calls: 1,
            failures: failed as u64,
            slow: slow as u64,
        }
    }

    const fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
    }

    const fn subtract(&mut self, other: Self) {
        self.calls -= other.calls;
        self.failures -= other.failures;
        self.slow -= other.slow;
    }
}

/// How much a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Calls(u32),
    /// In nanoseconds.
    Time(u64),
}

impl Size {
    /// Whether it matters when an outcome comes.
    pub(crate) const fn reads_time(self) -> bool {
        matches!(self, Self::Time(_))
    }
}

/// A window over outcomes.
///
/// It is exact at every call, which is why it stands under a lock: the outcome that leaves and the one that comes change the
/// sums in one step. In a ring of atomics two calls at once may each see the sums without the other.
#[derive(Debug)]
pub(crate) enum Window {
    Calls(Calls),
    Time(Time),
}

impl Window {
    pub(crate) fn new(size: Size) -> Self {
        match size {
            Size::Calls(calls) => Self::Calls(Calls::new(calls)),
            Size::Time(time) => Self::Time(Time::new(time)),
        }
    }

    /// Takes an outcome in. `now` is never less than it was before.
    pub(crate) fn push(&mut self, now: u64, failed: bool, slow: bool) {
        match self {
            Self::Calls(calls) => calls.push(failed, slow),
            Self::Time(time) => time.push(now, failed, slow),
        }
    }

    /// What is in it.
    pub(crate) fn tally(&mut self, now: u64) -> Tally {
        match self {
            Self::Calls(calls) => calls.tally(),
            Self::Time(time) => time.tally(now),
        }
    }

    pub(crate) fn clear(&mut self) {
        match self {
            Self::Calls(calls) => calls.clear(),
            Self::Time(time) => time.clear(),
        }
    }
}
