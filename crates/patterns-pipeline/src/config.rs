//! The options, with what they are if nothing is said.

use std::num::{NonZeroU32, NonZeroUsize};
use std::thread;
use std::time::Duration;

use otp_core::backoff::{Backoff, Jitter};

/// The options of [`Pipeline::retry`](crate::Pipeline::retry).
///
/// # Examples
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use patterns_pipeline::{Backoff, RetryConfig};
///
/// let stubborn = RetryConfig {
///     max_attempts: NonZeroU32::new(10).unwrap(),
///     backoff: Backoff::constant(Duration::from_millis(20)),
/// };
/// assert_eq!(RetryConfig::default().max_attempts.get(), 3);
/// # let _ = stubborn;
/// ```
#[derive(Debug, Clone)]
pub struct RetryConfig {
    /// How many attempts are made at most, 1 or more. Default: 3.
    pub max_attempts: NonZeroU32,
    /// How long to wait between them. Default: exponential from 100 ms to 5 s, with [`Jitter::Full`]: anything between zero and that.
    pub backoff: Backoff,
}

impl Default for RetryConfig {
    fn default() -> Self {
        let (first, cap) = (Duration::from_millis(100), Duration::from_secs(5));
        Self {
            max_attempts: NonZeroU32::MIN.saturating_add(2),
            backoff: Backoff::exponential(first, cap).jitter(Jitter::Full),
        }
    }
}

/// The options of [`Flow::stage`](crate::Flow::stage) and [`Flow::through`](crate::Flow::through).
///
/// # Examples
///
/// ```
/// use std::num::NonZeroUsize;
/// use patterns_pipeline::{Order, StageConfig};
///
/// let config = StageConfig {
///     max_concurrency: NonZeroUsize::new(8).unwrap(),
///     order: Order::Completion,
///     ..StageConfig::default()
/// };
/// assert_eq!(config.max_waiting, 64);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageConfig {
    /// How many items are worked on at the same time at most, 1 or more. Default: one for each core.
    pub max_concurrency: NonZeroUsize,
    /// In which order the results come. Default: [`Order::Input`].
    pub order: Order,
    /// How many results may wait, behind a slower one or for the next stage, for a further item to be begun. Default: 64. Any number; items at work and
    /// results that wait are never more than `max_concurrency + max_waiting` together.
    pub max_waiting: usize,
}

impl Default for StageConfig {
    fn default() -> Self {
        Self {
            max_concurrency: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            order: Order::Input,
            max_waiting: 64,
        }
    }
}

/// In which order a stage gives out its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// That of the inputs: a result waits for those before it. The default.
    #[default]
    Input,
    /// That in which they are done.
    Completion,
}
