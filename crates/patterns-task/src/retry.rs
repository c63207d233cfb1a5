//! Trying again what failed.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::caught::Caught;
use crate::config::RetryConfig;
use crate::deadline::{end_after, sooner, until};
use crate::error::{Failure, TaskError};

/// Runs `operation` until it succeeds, with a delay after each failure that grows.
///
/// Each attempt is a new future of `operation`, run in place: nothing is spawned. An error, a panic and an attempt that takes too long are
/// failures alike; all are tried again. To try only some again, see [`retry_if`].
///
/// Delays are exponential with a cap, and with jitter, so that many who failed together do not come back together (Marc Brooker,
/// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
///
/// # Errors
///
/// [`RetryError`] with the last failure: when all attempts have failed, or when the time does not allow another one. A delay that does not fit
/// into what is left of the time, be it of `timeout` or of the inherited [`Deadline`](crate::Deadline), is not begun.
///
/// # Panics
///
/// Outside a tokio runtime with timers, where it has to wait.
///
/// # Cancel safety
///
/// Dropping the future drops the attempt that is being made.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use patterns_task::{RetryConfig, retry};
///
/// let mut answers = ["busy", "busy", "42"].into_iter();
/// let answer = retry(RetryConfig::default(), || {
///     let answer = answers.next().unwrap();
///     async move { answer.parse::<u32>() }
/// });
/// assert_eq!(answer.await.unwrap(), 42);
/// # }
/// ```
pub async fn retry<F, Fut, T, E>(config: RetryConfig, operation: F) -> Result<T, RetryError<E>>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    retry_if(config, operation, |_| true).await
}

/// Runs `operation` until it succeeds or fails in a way that is not worth another attempt; otherwise as [`retry`].
///
/// # Errors
///
/// As [`retry`], and when `worth_it` says no.
///
/// # Panics
///
/// As [`retry`]. A panic in `worth_it` is the caller's.
///
/// # Cancel safety
///
/// As [`retry`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::io::{Error, ErrorKind};
/// use patterns_task::{GaveUp, RetryConfig, retry_if};
///
/// let open = || async { Err::<(), _>(Error::from(ErrorKind::NotFound)) };
/// let error = retry_if(RetryConfig::default(), open, |failure| {
///     failure.error().is_some_and(|error| error.kind() == ErrorKind::Interrupted)
/// });
/// let error = error.await.unwrap_err();
/// assert_eq!((error.attempts, error.gave_up), (1, GaveUp::NotWorthIt));
/// # }
/// ```
pub async fn retry_if<F, Fut, T, E>(
    config: RetryConfig,
    mut operation: F,
    mut worth_it: impl FnMut(&Failure<E>) -> bool,
) -> Result<T, RetryError<E>>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let mut attempts = 0;
    let mut delays = config.delays();
    let failed = |attempts, failure, gave_up| RetryError {
        attempts,
        failure,
        gave_up,
    };
    if config.attempt_timeout.is_zero() {
        return Err(failed(0, TaskError::NotStarted.into(), GaveUp::NoTime));
    }
    let end = match end_after(config.timeout) {
        Ok(end) => end,
        Err(error) => return Err(failed(0, error.into(), GaveUp::NoTime)),
    };
    loop {
        attempts += 1;
        let failure = match attempt(&mut operation, config.attempt_timeout, end).await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        if is_over(end, Duration::ZERO) {
            return Err(failed(attempts, failure, GaveUp::NoTime));
        }
        if !worth_it(&failure) {
            return Err(failed(attempts, failure, GaveUp::NotWorthIt));
        }
        let Some(delay) = delays.next() else {
            return Err(failed(attempts, failure, GaveUp::Exhausted));
        };
        if is_over(end, delay) {
            return Err(failed(attempts, failure, GaveUp::NoTime));
        }
        if !delay.is_zero() {
            sleep(delay).await;
        }
    }
}

/// Makes one attempt.
async fn attempt<Fut, T, E>(
    operation: &mut impl FnMut() -> Fut,
    timeout: Duration,
    end: Option<Instant>,
) -> Result<T, Failure<E>>
where
    Fut: Future<Output = Result<T, E>>,
{
    let own = match timeout {
        Duration::MAX => None,
        timeout => Instant::now().checked_add(timeout),
    };
    let outcome = match Caught::make(operation) {
        Ok(attempt) => until(sooner(own, end), attempt)
            .await
            .and_then(|outcome| outcome),
        Err(panic) => Err(panic),
    };
    Failure::of(outcome)
}

/// Tells whether `end` has come when `delay` has passed.
fn is_over(end: Option<Instant>, delay: Duration) -> bool {
    end.is_some_and(|end| end.saturating_duration_since(Instant::now()) <= delay)
}

/// Why there was no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GaveUp {
    /// All attempts were made.
    Exhausted,
    /// The failure was one that is not worth another attempt, as [`retry_if`] was told.
    NotWorthIt,
    /// There was no time left for the delay and another attempt.
    NoTime,
}

/// Why [`retry`] has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryError<E> {
    /// How many attempts were made: 0 only if there was no time for any.
    pub attempts: u32,
    /// What became of the last attempt.
    pub failure: Failure<E>,
    /// Why there was no further one.
    pub gave_up: GaveUp,
}

impl<E> RetryError<E> {
    /// Tells whether time was over: that for all, or that of the last attempt.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.gave_up == GaveUp::NoTime || self.failure.is_timeout()
    }
}

impl<E: fmt::Display> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attempts, failure) = (self.attempts, &self.failure);
        let s = if attempts == 1 { "" } else { "s" };
        match self.gave_up {
            GaveUp::Exhausted => write!(f, "failed after {attempts} attempt{s}: {failure}"),
            GaveUp::NotWorthIt => write!(
                f,
                "failed after {attempts} attempt{s}, not to be tried again: {failure}"
            ),
            GaveUp::NoTime => write!(f, "out of time after {attempts} attempt{s}: {failure}"),
        }
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}
