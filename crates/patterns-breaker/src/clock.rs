//! A breaker's time: nanoseconds since it was made, on tokio's clock, so that a test can pause it.

use std::time::Duration;

use tokio::time::Instant;

/// A moment that does not come.
pub(crate) const NEVER: u64 = u64::MAX;

/// Counts nanoseconds from the moment of its making. It reads the paused clock inside a paused runtime and the system's
/// monotonic clock everywhere else, so it needs no runtime.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    #[cfg(all(test, otp_schedules))]
    set: crate::sync::AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            #[cfg(all(test, otp_schedules))]
            set: crate::sync::AtomicU64::new(0),
        }
    }

    #[cfg(not(all(test, otp_schedules)))]
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        // A clock that stands before `start` (a paused one, seen from outside its runtime) reads 0.
        nanos(Instant::now().saturating_duration_since(self.start)).min(NEVER - 1)
    }

    /// A schedule must not depend on how fast it is run: there the scenario sets the time.
    #[cfg(all(test, otp_schedules))]
    pub(crate) fn now(&self) -> u64 {
        self.set.load(crate::sync::Ordering::SeqCst)
    }

    #[cfg(all(test, otp_schedules))]
    pub(crate) fn advance(&self, by: Duration) {
        self.set.fetch_add(nanos(by), crate::sync::Ordering::SeqCst);
    }

    /// The moment as others know it.
    pub(crate) fn instant(&self, at: u64) -> Instant {
        self.start
            .checked_add(Duration::from_nanos(at))
            .unwrap_or(self.start)
    }
}

/// A duration in nanoseconds; what is longer than 584 years is `NEVER`.
pub(crate) fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .checked_mul(1_000_000_000)
        .and_then(|secs| secs.checked_add(u64::from(duration.subsec_nanos())))
        .unwrap_or(NEVER)
}
