//! What is known of one metric.

use std::time::Duration;

/// What is known of one metric.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its number, if it was ever added to or set. It saturates.
    pub number: Option<i64>,
    /// How long its work took, if it was ever timed.
    pub timing: Option<Timing>,
}

/// How often work was done, and how long it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// How often.
    pub count: u64,
    /// How long, all together. It saturates.
    pub total: Duration,
}

impl Timing {
    /// Returns how long it took on average, to the nanosecond below.
    #[must_use]
    pub fn average(&self) -> Duration {
        let count = u128::from(self.count.max(1));
        let nanos = self.total.as_nanos() / count;
        let (secs, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        // Neither is cut: a total has at most `u64::MAX` seconds, and what is left is less than one.
        Duration::new(
            u64::try_from(secs).unwrap_or(u64::MAX),
            u32::try_from(rest).unwrap_or(0),
        )
    }

    pub(super) fn note(&mut self, time: Duration) {
        self.count = self.count.saturating_add(1);
        self.total = self.total.saturating_add(time);
    }
}
