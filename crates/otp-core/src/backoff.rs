//! Waiting longer after each failure.

use std::time::Duration;

/// How long to wait before the next attempt at something that failed: constant or exponential, with jitter.
///
/// ```
/// use std::time::Duration;
/// use otp_core::backoff::{Backoff, Jitter};
///
/// let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(5));
/// assert_eq!(backoff.delay(0), Duration::from_millis(100));
/// assert_eq!(backoff.delay(3), Duration::from_millis(800));
/// assert_eq!(backoff.delay(99), Duration::from_secs(5)); // never above the cap
/// # let _ = backoff.jitter(Jitter::Full);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    exponential: bool,
    jitter: Jitter,
    healthy_after: Duration,
}

/// How much chance there is in a delay, so that many who failed together do not come back together.
///
/// The names are those of Marc Brooker's "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Jitter {
    /// None: the delay is as computed. The default.
    #[default]
    None,
    /// Anything between zero and the computed delay.
    Full,
    /// Half of the computed delay, and anything up to the other half.
    Equal,
    /// Anything between the first delay and three times the one before, never above the cap. The one before
    /// is taken as the one computed.
    Decorrelated,
}

impl Backoff {
    /// Waits for the same time before each attempt.
    pub const fn constant(delay: Duration) -> Self {
        Self {
            first: delay,
            cap: delay,
            exponential: false,
            jitter: Jitter::None,
            healthy_after: DEFAULT_HEALTHY,
        }
    }

    /// Waits for `first`, then twice as long each time, never longer than `cap`.
    pub const fn exponential(first: Duration, cap: Duration) -> Self {
        Self {
            first,
            cap,
            exponential: true,
            jitter: Jitter::None,
            healthy_after: DEFAULT_HEALTHY,
        }
    }

    /// Puts chance into the delays. Default: [`Jitter::None`].
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets after how long without a failure the delays begin anew. Default: 60 s.
    pub const fn reset_after(mut self, healthy: Duration) -> Self {
        self.healthy_after = healthy;
        self
    }

    /// Returns after how long without a failure the delays begin anew.
    #[must_use]
    pub const fn healthy_after(&self) -> Duration {
        self.healthy_after
    }

    /// Returns the delay before an attempt, where `failures` attempts have failed before it; 0 for the first.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        self.delay_by(failures, chance())
    }

    /// The same, with the chance handed in: any number stands for a fraction of 2⁶⁴.
    #[must_use]
    pub fn delay_by(&self, failures: u32, chance: u64) -> Duration {
        let computed = self.computed(failures);
        match self.jitter {
            Jitter::None => computed,
            Jitter::Full => between(Duration::ZERO, computed, chance),
            Jitter::Equal => between(computed / 2, computed, chance),
            Jitter::Decorrelated => {
                let before = match failures {
                    0 => self.first,
                    _ => self.computed(failures - 1),
                };
                let most = before.saturating_mul(3).min(self.cap);
                between(self.first.min(most), most, chance)
            }
        }
    }

    fn computed(&self, failures: u32) -> Duration {
        if !self.exponential {
            return self.first;
        }
        let first = self.first.as_nanos();
        let doubled = if first == 0 || failures < first.leading_zeros() {
            first << failures.min(127)
        } else {
            u128::MAX
        };
        if doubled >= self.cap.as_nanos() {
            return self.cap;
        }
        // Below the cap, so it has a place in a `Duration`.
        let seconds = u64::try_from(doubled / 1_000_000_000).unwrap_or(u64::MAX);
        let rest = u32::try_from(doubled % 1_000_000_000).unwrap_or(0);
        Duration::new(seconds, rest)
    }
}

const DEFAULT_HEALTHY: Duration = Duration::from_secs(60);

/// Returns a duration from `least` to `most`, by chance; any number stands for a fraction of 2⁶⁴.
#[must_use]
pub fn between(least: Duration, most: Duration, chance: u64) -> Duration {
    let span = u64::try_from(most.saturating_sub(least).as_nanos()).unwrap_or(u64::MAX);
    let part = (u128::from(span) * u128::from(chance)) >> 64;
    least + Duration::from_nanos(u64::try_from(part).unwrap_or(span))
}

/// Returns a number that is different each time: good enough to spread attempts, and for nothing else.
#[must_use]
pub fn chance() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
