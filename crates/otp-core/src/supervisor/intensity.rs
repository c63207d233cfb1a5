//! How many restarts are too many: a sliding window over their times.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The restarts within the last `period`.
#[derive(Debug)]
pub(crate) struct Window {
    intensity: usize,
    period: Duration,
    restarts: VecDeque<Instant>,
}

impl Window {
    pub(crate) fn new(intensity: usize, period: Duration) -> Self {
        Self {
            intensity,
            period,
            restarts: VecDeque::new(),
        }
    }

    /// Counts a restart at `now`, and tells whether it is still allowed. Where OTP counts whole seconds,
    /// this counts exactly: a restart leaves the window once it is older than the period.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        if self.intensity == usize::MAX {
            // There is no limit, and so nothing to remember.
            return true;
        }
        let in_window = |at: &Instant| now.saturating_duration_since(*at) <= self.period;
        while self.restarts.front().is_some_and(|at| !in_window(at)) {
            self.restarts.pop_front();
        }
        self.restarts.push_back(now);
        self.restarts.len() <= self.intensity
    }
}

#[cfg(test)]
mod tests;
