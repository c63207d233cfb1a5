//! How much is allowed: a capacity, and how fast it is refilled.

use std::time::Duration;

use crate::BadOption;
use crate::gcra::Gcra;

/// How many tokens there are at most, and how many come back in which time.
///
/// A request takes tokens, one as a rule. `capacity` of them can be taken at once, the *burst*; after that they come back at the
/// *refill rate*, up to the capacity. All of it is counted in integers: three tokens a second are exactly three, after years too.
///
/// Whether a quota is allowed is found out where it is put to use, by [`RateLimiter::new`](crate::RateLimiter::new) and its like:
///
/// - the capacity is 1 or more;
/// - no more than one token a nanosecond comes back, and the period is at least 1 ns;
/// - an empty bucket is full again in 30 years at the most.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_ratelimit::Quota;
///
/// let api = Quota::per_second(100).burst(20);        // 100 a second, 20 at once
/// let mail = Quota::per_minute(30);                  // 30 a minute, all 30 at once
/// let slow = Quota::every(Duration::from_secs(10));  // one in ten seconds
/// let odd = Quota::new(50, 7, Duration::from_millis(900));
/// let once = Quota::once(3);                         // three, and never again
/// # let _ = (api, mail, slow, odd, once);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// How many tokens can be taken at once, 1 or more. Default: 10.
    pub capacity: u32,
    /// How many tokens come back in each `period`. Default: 1. With zero none does: the capacity is there once.
    pub refill: u32,
    /// In which time `refill` tokens come back, evenly, at least 1 ns. Default: 1 s.
    pub period: Duration,
}

impl Quota {
    /// Makes a quota of all three numbers.
    #[must_use]
    pub const fn new(capacity: u32, refill: u32, period: Duration) -> Self {
        Self {
            capacity,
            refill,
            period,
        }
    }

    /// Allows `tokens` a second, all of them at once at first.
    #[must_use]
    pub const fn per_second(tokens: u32) -> Self {
        Self::new(tokens, tokens, Duration::from_secs(1))
    }

    /// Allows `tokens` a minute, all of them at once at first.
    #[must_use]
    pub const fn per_minute(tokens: u32) -> Self {
        Self::new(tokens, tokens, Duration::from_secs(60))
    }

    /// Allows `tokens` an hour, all of them at once at first.
    #[must_use]
    pub const fn per_hour(tokens: u32) -> Self {
        Self::new(tokens, tokens, Duration::from_secs(3_600))
    }

    /// Allows one token in each `period`.
    #[must_use]
    pub const fn every(period: Duration) -> Self {
        Self::new(1, 1, period)
    }

    /// Allows `capacity` tokens and never any more.
    #[must_use]
    pub const fn once(capacity: u32) -> Self {
        Self::new(capacity, 0, Duration::from_secs(1))
    }

    /// Sets how many tokens can be taken at once, and leaves the rate as it is.
    #[must_use]
    pub const fn burst(mut self, capacity: u32) -> Self {
        self.capacity = capacity;
        self
    }

    /// Returns how many tokens come back in a second. For people to read: what is decided is decided in integers.
    #[must_use]
    pub fn rate_per_second(&self) -> f64 {
        f64::from(self.refill) / self.period.as_secs_f64()
    }

    /// The numbers that decisions are made of.
    pub(crate) fn compile(&self) -> Result<Gcra, BadOption> {
        let bad = |option, allowed| Err(BadOption { option, allowed });
        if self.capacity == 0 {
            return bad("capacity", "1 or more");
        }
        if self.period.is_zero() {
            return bad("period", "1 ns or more");
        }
        if self.period > LONGEST {
            return bad("period", "30 years or less");
        }
        if u128::from(self.refill) > self.period.as_nanos() {
            return bad(
                "refill",
                "at most one token for each nanosecond of `period`",
            );
        }
        let to_refill = u128::from(self.capacity) * self.period.as_nanos();
        if self.refill > 0 && to_refill > LONGEST.as_nanos() * u128::from(self.refill) {
            return bad("capacity", "so small that it is refilled within 30 years");
        }
        // 30 years are less than 2⁶⁰ nanoseconds.
        let period = u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX);
        Ok(Gcra::new(self.capacity, self.refill, period))
    }
}

impl Default for Quota {
    fn default() -> Self {
        Self::new(10, 1, Duration::from_secs(1))
    }
}

/// Thirty years, of 365 days.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 86_400);
