//! A limiter's time: nanoseconds since its making, on tokio's clock, so that a test can pause it.

use std::time::Duration;

use tokio::time::Instant;

/// Counts nanoseconds from the moment of its making. It reads the paused clock inside a paused runtime and the system's monotonic clock
/// everywhere else, so it needs no runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    #[cfg(not(all(test, otp_schedules)))]
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    /// A schedule must not depend on how fast it is run: time stands still in it.
    #[cfg(all(test, otp_schedules))]
    pub(crate) fn now(&self) -> u64 {
        self.at(self.start)
    }

    /// A moment that was read elsewhere. What stands before the start (a paused clock, seen from outside its runtime) is the start.
    #[inline]
    pub(crate) fn at(&self, moment: Instant) -> u64 {
        let elapsed = moment.saturating_duration_since(self.start);
        elapsed
            .as_secs()
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::from(elapsed.subsec_nanos()))
    }

    /// The moment `wait` from now, thirty years away at most.
    pub(crate) fn after(wait: Duration) -> Instant {
        const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
        let now = Instant::now();
        now.checked_add(wait.min(FAR)).unwrap_or(now)
    }
}
