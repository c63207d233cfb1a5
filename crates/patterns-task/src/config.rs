//! The options of what this crate offers.

use std::num::{NonZeroU32, NonZeroUsize};
use std::thread;
use std::time::Duration;

use otp_core::backoff::{Backoff, Jitter};

const fn at_least_one(number: usize) -> NonZeroUsize {
    match NonZeroUsize::new(number) {
        Some(number) => number,
        None => NonZeroUsize::MIN,
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// In which order a stream gives its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// That of the inputs: a result waits until all before it are given. The default.
    #[default]
    Input,
    /// That in which they come.
    Completion,
}

/// The options of a stream over tasks: [`async_stream`](crate::async_stream), [`stream_of`](crate::stream_of) and
/// [`TaskStreamExt`](crate::TaskStreamExt).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_task::{Order, StreamConfig};
///
/// let config = StreamConfig { order: Order::Completion, ..StreamConfig::default() };
/// assert_eq!(config.timeout, Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// How many tasks run at the same time at most, 1 or more. Default: one for each core.
    pub max_concurrency: NonZeroUsize,
    /// In which order the results are given. Default: that of the inputs.
    pub order: Order,
    /// How long a task may take from its beginning. Default: 5 s. Any duration; [`Duration::MAX`] is no limit.
    pub timeout: Duration,
    /// How many results there are at most that wait, behind a slow one or for the consumer. Default: 1,024. Any number.
    ///
    /// To keep it, no input is taken while the tasks that run and the results that wait are one more than this. So a number
    /// below `max_concurrency - 1` bounds the tasks as well; 0 runs one after the other.
    pub max_buffered: usize,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            max_concurrency: at_least_one(cores()),
            order: Order::Input,
            timeout: Duration::from_secs(5),
            max_buffered: 1_024,
        }
    }
}

/// The options of [`parallel_map`](crate::parallel_map) and [`parallel_map_blocking`](crate::parallel_map_blocking).
///
/// # Examples
///
/// ```
/// use std::num::NonZeroUsize;
/// use patterns_task::MapConfig;
///
/// let one_by_one = MapConfig { max_concurrency: NonZeroUsize::MIN, ..MapConfig::default() };
/// assert_eq!(one_by_one.max_concurrency.get(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapConfig {
    /// How many items are worked on at the same time at most, 1 or more. Default: two for each core.
    pub max_concurrency: NonZeroUsize,
    /// How long one item may take from its beginning. Default: 5 s. Any duration; [`Duration::MAX`] is no limit.
    ///
    /// [`parallel_map_blocking`](crate::parallel_map_blocking) has no use for it: a thread cannot be stopped.
    pub timeout: Duration,
}

impl Default for MapConfig {
    fn default() -> Self {
        Self {
            max_concurrency: at_least_one(cores().saturating_mul(2)),
            timeout: Duration::from_secs(5),
        }
    }
}

/// The options of [`parallel_fetch`](crate::parallel_fetch).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_task::FetchConfig;
///
/// let patient = FetchConfig { timeout: Duration::from_secs(60), ..FetchConfig::default() };
/// assert_eq!(patient.item_timeout, Duration::from_secs(3));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchConfig {
    /// How long the whole may take. Default: 5 s. Any duration; [`Duration::MAX`] is no limit.
    pub timeout: Duration,
    /// How long one fetch may take from its beginning. Default: 3 s. Any duration; [`Duration::MAX`] is no limit.
    pub item_timeout: Duration,
    /// How many fetches are under way at the same time at most, 1 or more. Default: 64.
    pub max_concurrency: NonZeroUsize,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            item_timeout: Duration::from_secs(3),
            max_concurrency: at_least_one(64),
        }
    }
}

/// The options of [`batch_process`](crate::batch_process).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_task::BatchConfig;
///
/// let config = BatchConfig::default();
/// assert_eq!((config.batch_size.get(), config.timeout), (10, Duration::from_secs(10)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchConfig {
    /// How many items make a batch, 1 or more. Default: 10.
    pub batch_size: NonZeroUsize,
    /// How many batches are worked on at the same time at most, 1 or more. Default: two for each core.
    pub max_concurrency: NonZeroUsize,
    /// How long one batch may take from its beginning. Default: 10 s. Any duration; [`Duration::MAX`] is no limit.
    pub timeout: Duration,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            batch_size: at_least_one(10),
            max_concurrency: at_least_one(cores().saturating_mul(2)),
            timeout: Duration::from_secs(10),
        }
    }
}

/// The options of [`hedge`](crate::hedge).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_task::HedgeConfig;
///
/// let eager = HedgeConfig { delay: Duration::from_millis(20), ..HedgeConfig::default() };
/// assert_eq!(eager.max_attempts.get(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HedgeConfig {
    /// How long to wait for an answer before the next attempt is begun beside those that run. Default: 100 ms. Any duration:
    /// zero begins all at once, with [`Duration::MAX`] the next one is begun only when the one before has failed.
    pub delay: Duration,
    /// How many attempts are begun at most, 1 or more. Default: 2.
    pub max_attempts: NonZeroUsize,
    /// How long the whole may take. Default: 5 s. Any duration; [`Duration::MAX`] is no limit.
    pub timeout: Duration,
}

impl Default for HedgeConfig {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(100),
            max_attempts: at_least_one(2),
            timeout: Duration::from_secs(5),
        }
    }
}

/// The options of [`retry`](crate::retry).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_task::{Jitter, RetryConfig};
///
/// let config = RetryConfig { jitter: Jitter::None, ..RetryConfig::default() };
/// let delays: Vec<Duration> = config.delays().collect();
/// assert_eq!(delays, [Duration::from_millis(100), Duration::from_millis(200)]); // between 3 attempts
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryConfig {
    /// How many attempts are made at most, 1 or more. Default: 3.
    pub max_attempts: NonZeroU32,
    /// How long to wait before the second attempt; twice as long before each further one. Default: 100 ms. Any duration.
    pub base_delay: Duration,
    /// How long to wait at most. Default: 5 s. Any duration; it goes before `base_delay`.
    pub max_delay: Duration,
    /// How much chance there is in the delays. Default: [`Jitter::Full`], anything between zero and the computed delay.
    pub jitter: Jitter,
    /// How long one attempt may take. Default: [`Duration::MAX`], no limit. Any duration; zero gives it a single poll.
    pub attempt_timeout: Duration,
    /// How long the whole may take, attempts and delays together. Default: [`Duration::MAX`], no limit. Any duration.
    pub timeout: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_attempts: NonZeroU32::MIN.saturating_add(2),
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
            jitter: Jitter::Full,
            attempt_timeout: Duration::MAX,
            timeout: Duration::MAX,
        }
    }
}

impl RetryConfig {
    /// Returns the delays between the attempts, one fewer than there are attempts. With jitter they differ from call to call.
    #[must_use]
    pub fn delays(&self) -> Delays {
        Delays {
            backoff: Backoff::exponential(self.base_delay, self.max_delay).jitter(self.jitter),
            made: 0,
            most: self.max_attempts.get() - 1,
        }
    }
}

/// The delays between attempts; see [`RetryConfig::delays`].
#[derive(Debug, Clone)]
pub struct Delays {
    backoff: Backoff,
    made: u32,
    most: u32,
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.made == self.most {
            return None;
        }
        let delay = self.backoff.delay(self.made);
        self.made += 1;
        Some(delay)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.most - self.made).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Delays {}

impl std::iter::FusedIterator for Delays {}
