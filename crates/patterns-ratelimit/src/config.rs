//! What a limiter of many keys can be told at its start.

use std::time::Duration;

use crate::{BadOption, Quota};

/// The options of a [`KeyedRateLimiter`](crate::KeyedRateLimiter).
///
/// A [`Quota`] alone makes one with all other options at their defaults.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_ratelimit::{KeyedConfig, Quota};
///
/// let config = KeyedConfig {
///     quota: Quota::per_minute(60),
///     max_keys: Some(1_000_000),
///     ..KeyedConfig::default()
/// };
/// assert_eq!(config.sweep_interval, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyedConfig {
    /// What each key is allowed that has no quota of its own. Default: a capacity of 10, and 1 a second.
    pub quota: Quota,

    /// How many keys are remembered at most, 1 or more. Default: `None`, **no bound but time**: each key is remembered until its tokens are all back,
    /// so there are as many as come within that time.
    ///
    /// With a bound, a key that is not remembered and finds no room is refused, with [`Denied::TooManyKeys`](crate::Denied::TooManyKeys): to forget another one in
    /// its place would give that one its tokens back. Each such refusal looks for some to forget.
    pub max_keys: Option<usize>,

    /// How often the process goes through all keys and forgets those whose tokens are all back, more than zero. Default: 30 s.
    ///
    /// It only gives memory back: a new key forgets idle ones too, a few at a time, and no decision is another for it. [`Duration::MAX`] means never;
    /// below 1 ms is as good as 1 ms, the timer's resolution.
    pub sweep_interval: Duration,
}

impl Default for KeyedConfig {
    fn default() -> Self {
        Self {
            quota: Quota::default(),
            max_keys: None,
            sweep_interval: Duration::from_secs(30),
        }
    }
}

impl From<Quota> for KeyedConfig {
    fn from(quota: Quota) -> Self {
        Self {
            quota,
            ..Self::default()
        }
    }
}

impl KeyedConfig {
    pub(crate) fn check(&self) -> Result<(), BadOption> {
        if self.max_keys == Some(0) {
            return Err(BadOption {
                option: "max_keys",
                allowed: "1 or more, or `None` for no bound",
            });
        }
        if self.sweep_interval.is_zero() {
            return Err(BadOption {
                option: "sweep_interval",
                allowed: "more than zero; `Duration::MAX` means never",
            });
        }
        Ok(())
    }
}
