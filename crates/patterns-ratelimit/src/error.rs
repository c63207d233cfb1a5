//! What can go wrong: a limiter that cannot be made, and a request that is refused.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use otp_core::clock::RoundedUp;

/// Why a request was refused. Nothing was taken.
///
/// # Examples
///
/// ```
/// use patterns_ratelimit::{Denied, Quota, RateLimiter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = RateLimiter::new(Quota::per_minute(20))?;
/// let denied = limiter.consume(21).unwrap_err();
/// assert_eq!(denied.retry_after(), None);
/// assert_eq!(denied.to_string(), "rate limited for good: 21 tokens can never be there at once, of 20");
///
/// limiter.consume(20)?;
/// let denied = limiter.consume(1).unwrap_err();
/// assert_eq!(denied.to_string(), "rate limited, try again in 3 s");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// There were not enough tokens.
    Limited {
        /// When the same request is allowed, if nobody takes anything meanwhile; never too short, and exact to the nanosecond, or to the
        /// steps in which tokens come back where those are longer.
        retry_after: Duration,
    },
    /// It can never be allowed: it costs more than the capacity, or what was there is spent and nothing comes back (but by an open
    /// [`Reservation`](crate::Reservation), or a reset).
    Impossible {
        /// What it costs.
        cost: u32,
        /// How many tokens there can be at once.
        capacity: u32,
    },
    /// There are as many keys as may be, a search for one that can be forgotten has found none, and this one is not among them.
    TooManyKeys {
        /// How many there may be: [`KeyedConfig::max_keys`](crate::KeyedConfig::max_keys).
        max_keys: usize,
    },
}

impl Denied {
    /// Returns when to try again; `None` if that is of no use, or if nobody knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after } => Some(*retry_after),
            Self::Impossible { .. } | Self::TooManyKeys { .. } => None,
        }
    }

    /// The one to tell of when several refuse: that which takes longest, or is for good.
    pub(crate) fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Limited { retry_after: one }, Self::Limited { retry_after: two }) => {
                Self::Limited {
                    retry_after: one.max(two),
                }
            }
            (Self::Limited { .. }, worse)
            | (Self::TooManyKeys { .. }, worse @ Self::Impossible { .. }) => worse,
            (worse, _) => worse,
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited { retry_after } => {
                write!(f, "rate limited, try again in {}", RoundedUp(*retry_after))
            }
            Self::Impossible { cost, capacity } if cost > capacity => write!(
                f,
                "rate limited for good: {cost} tokens can never be there at once, of {capacity}"
            ),
            Self::Impossible { .. } => {
                f.write_str("rate limited for good: the tokens are spent, and none comes back")
            }
            Self::TooManyKeys { max_keys } => {
                write!(
                    f,
                    "rate limited: there are {max_keys} keys already, and no more may be"
                )
            }
        }
    }
}

impl Error for Denied {}

/// Why somebody who waits gets nothing. Nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitError {
    /// It would take longer than was allowed. Who has no chance is told at once, and waits for nothing.
    Timeout {
        /// How long it would still have taken.
        retry_after: Duration,
    },
    /// It was refused for another reason than that it has to wait.
    Denied(Denied),
    /// It would have to wait, and there is no tokio runtime with timers here.
    NoTimers,
}

impl WaitError {
    /// Tells whether the limit of time was too short.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { retry_after } => write!(
                f,
                "timed out waiting for the rate limit, which would take {} more",
                RoundedUp(*retry_after)
            ),
            Self::Denied(denied) => denied.fmt(f),
            Self::NoTimers => {
                f.write_str("waiting takes a tokio runtime with timers, and there is none here")
            }
        }
    }
}

impl Error for WaitError {}

/// Why [`consume_all`](crate::consume_all) took nothing, from any of the limiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The first of the limiters that refuse, by its place among those asked, from 0.
    pub level: usize,
    /// Why, and when to try again: the longest wait of all that refuse.
    pub denied: Denied,
}

impl Refused {
    /// Returns when to try again; `None` if that is of no use, or if nobody knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.denied.retry_after()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "level {}: {}", self.level, self.denied)
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its text is in this one's.
        None
    }
}
