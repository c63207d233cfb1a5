//! Steps one after the other, each with the result of the one before.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::caught::Caught;
use crate::deadline::{end_after, until};
use crate::error::Failure;

/// Begins a pipeline with its first step. Each step may take `step_timeout`: any duration, zero begins none,
/// [`Duration::MAX`] is no limit.
///
/// Nothing runs until the pipeline is awaited. The steps run in place, not in tasks of their own. They are typed: a step takes exactly what the
/// one before gives. They share one type of error.
///
/// # Errors
///
/// [`PipelineError`] with the index of the step, and why it has no result: its own error, a panic, in the closure that makes the step, too, or
/// a time-out. No further step is begun then.
///
/// # Panics
///
/// Outside a tokio runtime with timers, when it is awaited and there is a limit.
///
/// # Cancel safety
///
/// Dropping the pipeline drops the step that runs.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
/// use patterns_task::pipeline;
///
/// let words = pipeline(Duration::from_secs(5), || async { std::fs::read_to_string("Cargo.toml") })
///     .then(|text| async move { Ok(text.split_whitespace().count()) });
/// assert!(words.await.unwrap() > 10);
/// # }
/// ```
pub fn pipeline<T, E, Fut>(
    step_timeout: Duration,
    first: impl FnOnce() -> Fut,
) -> Pipeline<impl Future<Output = Result<T, PipelineError<E>>>>
where
    Fut: Future<Output = Result<T, E>>,
{
    Pipeline {
        steps: run(0, step_timeout, first),
        count: 1,
        step_timeout,
    }
}

async fn run<T, E, Fut>(
    step: usize,
    timeout: Duration,
    make: impl FnOnce() -> Fut,
) -> Result<T, PipelineError<E>>
where
    Fut: Future<Output = Result<T, E>>,
{
    let end = end_after(timeout);
    let outcome = match end.and_then(|end| Ok(until(end, Caught::make(make)?))) {
        Ok(running) => running.await.and_then(|outcome| outcome),
        Err(error) => Err(error),
    };
    Failure::of(outcome).map_err(|failure| PipelineError { step, failure })
}

pin_project! {
    /// Steps that run one after the other, as a future; see [`pipeline`].
    #[must_use = "a pipeline does nothing unless it is awaited"]
    pub struct Pipeline<F> {
        #[pin]
        steps: F,
        count: usize,
        step_timeout: Duration,
    }
}

impl<F> Pipeline<F> {
    /// Adds a step, which is made of the result of the one before.
    pub fn then<T, U, E, Fut>(
        self,
        next: impl FnOnce(T) -> Fut,
    ) -> Pipeline<impl Future<Output = Result<U, PipelineError<E>>>>
    where
        F: Future<Output = Result<T, PipelineError<E>>>,
        Fut: Future<Output = Result<U, E>>,
    {
        let Self {
            steps,
            count,
            step_timeout,
        } = self;
        Pipeline {
            steps: async move {
                let value = steps.await?;
                run(count, step_timeout, move || next(value)).await
            },
            count: count + 1,
            step_timeout,
        }
    }

    /// Sets how long each of the steps that are added from now on may take.
    pub fn step_timeout(mut self, step_timeout: Duration) -> Self {
        self.step_timeout = step_timeout;
        self
    }

    /// Returns how many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.count
    }
}

impl<F: Future> Future for Pipeline<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().steps.poll(cx)
    }
}

impl<F> fmt::Debug for Pipeline<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("steps", &self.count)
            .field("step_timeout", &self.step_timeout)
            .finish_non_exhaustive()
    }
}

/// Where a pipeline has ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineError<E> {
    /// Which step it was, from 0 on.
    pub step: usize,
    /// Why it has no result.
    pub failure: Failure<E>,
}

impl<E> PipelineError<E> {
    /// Tells whether the step's time was over, be it before or after it was begun.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.failure.is_timeout()
    }
}

impl<E: fmt::Display> fmt::Display for PipelineError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}", self.step, self.failure)
    }
}

impl<E: Error + 'static> Error for PipelineError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}
