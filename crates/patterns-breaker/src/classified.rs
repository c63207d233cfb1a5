//! A breaker whose calls are counted by a closure of the program's.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::permit::Held;
use crate::running::{run, run_sync};
use crate::{Breaker, BreakerError, Outcome};

/// A view of a [`Breaker`] whose calls are counted as a closure says; from [`Breaker::classify_by`].
///
/// It is the same breaker: its state and counts are shared with all other handles. Timeouts and panics are failures without a
/// question. A panic of the closure is one too, and comes back as [`BreakerError::Panicked`].
#[derive(Clone)]
pub struct ClassifiedBreaker<C> {
    breaker: Breaker,
    classify: C,
}

impl<C> ClassifiedBreaker<C> {
    pub(crate) const fn new(breaker: Breaker, classify: C) -> Self {
        Self { breaker, classify }
    }

    /// Returns the breaker itself.
    #[must_use]
    pub const fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Runs `work` if the breaker lets it through; otherwise as [`Breaker::call`].
    ///
    /// # Errors
    ///
    /// As [`Breaker::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Breaker::call`].
    pub fn call<W, T, E>(&self, work: W) -> impl Future<Output = Result<T, BreakerError<E>>>
    where
        W: Future<Output = Result<T, E>>,
        C: Fn(&Result<T, E>) -> Outcome,
    {
        self.call_timeout(work, self.breaker.shared().call_timeout())
    }

    /// Runs `work` for `timeout` at most; otherwise as [`Breaker::call_timeout`].
    ///
    /// # Errors
    ///
    /// As [`Breaker::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Breaker::call`].
    pub fn call_timeout<W, T, E>(
        &self,
        work: W,
        timeout: Duration,
    ) -> impl Future<Output = Result<T, BreakerError<E>>>
    where
        W: Future<Output = Result<T, E>>,
        C: Fn(&Result<T, E>) -> Outcome,
    {
        run(
            || Held::take(self.breaker.shared()),
            timeout,
            &self.classify,
            work,
        )
    }

    /// Runs `work`, which waits for nothing; otherwise as [`Breaker::call_sync`].
    ///
    /// # Errors
    ///
    /// As [`Breaker::call_sync`].
    pub fn call_sync<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, BreakerError<E>>
    where
        C: Fn(&Result<T, E>) -> Outcome,
    {
        run_sync(Held::take(self.breaker.shared())?, &self.classify, work)
    }
}

/// How a call counts of which nobody says more: every error is a failure.
pub(crate) const fn any_error<T, E>(result: &Result<T, E>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Failure,
    }
}

impl<C> fmt::Debug for ClassifiedBreaker<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClassifiedBreaker")
            .field(&self.breaker)
            .finish()
    }
}
