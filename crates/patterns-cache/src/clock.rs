//! The cache's time: nanoseconds since its start, on tokio's clock, so that a test can pause it.

use std::time::Duration;

use tokio::time::Instant;

/// The deadline of an entry that never expires.
pub(crate) const NEVER: u64 = u64::MAX;

/// Counts nanoseconds from the moment of its making. It reads the paused clock inside a paused
/// runtime and the system's monotonic clock everywhere else, so it needs no runtime.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        // A clock that stands before `start` (a paused one, seen from outside its runtime) reads 0.
        nanos(Instant::now().saturating_duration_since(self.start)).min(NEVER - 1)
    }
}

/// The moment `ttl` after `now`. What lies beyond 584 years, as `Duration::MAX` does, is never.
pub(crate) fn deadline(now: u64, ttl: Duration) -> u64 {
    // The saturated sum is `NEVER`.
    now.saturating_add(nanos(ttl))
}

/// A duration in nanoseconds; what is longer than 584 years is `NEVER`.
pub(crate) fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .checked_mul(1_000_000_000)
        .and_then(|secs| secs.checked_add(u64::from(duration.subsec_nanos())))
        .unwrap_or(NEVER)
}
