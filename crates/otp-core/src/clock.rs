//! Time as a number: nanoseconds since a start, for algorithms that take `now` as an argument.
//!
//! A bucket, a window or an expiry compares moments far more often than it reads a clock. As plain `u64`s they fit an atomic, are compared in
//! one instruction, and make the algorithm one that a test can give any time it likes. [`Clock`] is where the number comes from: tokio's clock, so
//! that a test can pause it, and it needs no runtime.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use otp_core::clock::{Clock, after};
//!
//! let clock = Clock::new();
//! let deadline = after(clock.now(), Duration::from_secs(60));
//! assert!(clock.now() < deadline);
//! ```

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

/// The moment that never comes. No clock reads it.
pub const NEVER: u64 = u64::MAX;

/// Counts nanoseconds from the moment of its making.
///
/// It reads the paused clock inside a paused runtime, and the system's monotonic clock everywhere else. A clock that stands before the start, as a
/// paused one may that is seen from outside its runtime, reads 0.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts at 0, now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Returns the nanoseconds since the start; [`NEVER`] less one at most, which is 584 years.
    #[inline]
    #[must_use]
    pub fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    /// Returns a moment that was read elsewhere.
    #[inline]
    #[must_use]
    pub fn at(&self, moment: Instant) -> u64 {
        nanos(moment.saturating_duration_since(self.start)).min(NEVER - 1)
    }

    /// Returns the moment as tokio knows it; the start, where tokio cannot tell of one so far away.
    #[must_use]
    pub fn instant(&self, at: u64) -> Instant {
        self.start
            .checked_add(Duration::from_nanos(at))
            .unwrap_or(self.start)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the moment `wait` after `now`. What lies beyond 584 years, as `Duration::MAX` does, is [`NEVER`].
#[inline]
#[must_use]
pub fn after(now: u64, wait: Duration) -> u64 {
    // The saturated sum is `NEVER`.
    now.saturating_add(nanos(wait))
}

/// Returns a duration in nanoseconds; what is longer than 584 years is [`NEVER`].
#[inline]
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    // Saturated, it is `NEVER`.
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}

/// A time for people to wait: in whole seconds, or in milliseconds, microseconds or nanoseconds below, and always rounded up, so that nobody comes
/// too early.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use otp_core::clock::RoundedUp;
///
/// assert_eq!(RoundedUp(Duration::from_millis(1_001)).to_string(), "2 s");
/// assert_eq!(RoundedUp(Duration::from_micros(1_500)).to_string(), "2 ms");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundedUp(pub Duration);

impl fmt::Display for RoundedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u128, &str); 4] = [
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "µs"),
            (1, "ns"),
        ];
        let nanos = self.0.as_nanos();
        // A thousandth less than one of a unit is told as one of it, rather than as a thousand of the next smaller.
        let fits = |(unit, _): &(u128, &str)| nanos > unit - unit / 1_000;
        let (unit, name) = UNITS.into_iter().find(fits).unwrap_or((1, "ns"));
        write!(f, "{} {name}", nanos.div_ceil(unit))
    }
}
