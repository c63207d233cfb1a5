//! A step that is tried again when it fails.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use otp_core::contained;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use crate::chain::{Run, after_its_end, sealed::Sealed};
use crate::config::RetryConfig;
use crate::error::{Cause, Panicked};
use crate::journal::Journal;
use crate::step::Step;
use crate::undone::Name;

/// A step with several attempts; see [`Pipeline::retry`](crate::Pipeline::retry).
#[derive(Clone)]
pub struct Retry<S, P> {
    pub(crate) step: S,
    pub(crate) config: RetryConfig,
    pub(crate) worth_it: P,
}

impl<S, P> fmt::Debug for Retry<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<S, P> Sealed for Retry<S, P> {}

impl<In, S, P> Step<In> for Retry<S, P>
where
    In: Clone + Send,
    S: Step<In>,
    P: Fn(&Cause<S::Error>) -> bool + Send + Sync,
{
    type Out = S::Out;
    type Error = S::Error;
    type Run<'a>
        = RetryRun<'a, In, S, P>
    where
        Self: 'a;

    fn start<'a>(&'a self, name: &'a Name, input: In) -> RetryRun<'a, In, S, P> {
        RetryRun {
            retry: self,
            name,
            input: Some(input),
            failures: 0,
            phase: Phase::Begin,
        }
    }

    fn undoes(&self) -> bool {
        self.step.undoes()
    }
}

pin_project! {
    /// A run of several attempts.
    pub struct RetryRun<'a, In, S, P>
    where
        S: Step<In>,
        S: 'a,
    {
        retry: &'a Retry<S, P>,
        name: &'a Name,
        // Handed over to the last attempt, cloned for those before.
        input: Option<In>,
        failures: u32,
        #[pin]
        phase: Phase<S::Run<'a>>,
    }
}

pin_project! {
    /// What is being done.
    #[project = PhaseProjection]
    enum Phase<R> {
        Begin,
        Attempt { #[pin] run: R },
        Wait { #[pin] sleep: Sleep },
    }
}

impl<'a, In, S, P> RetryRun<'a, In, S, P>
where
    In: Clone + Send,
    S: Step<In>,
    P: Fn(&Cause<S::Error>) -> bool + Send + Sync,
{
    /// Begins an attempt. `None` if there is no input for one any more.
    fn attempt(
        retry: &'a Retry<S, P>,
        name: &'a Name,
        input: &mut Option<In>,
        failures: u32,
    ) -> Option<S::Run<'a>> {
        let is_last = failures + 1 >= retry.config.max_attempts.get();
        let input = if is_last { input.take() } else { input.clone() };
        Some(retry.step.start(name, input?))
    }
}

impl<In, S, P> Run for RetryRun<'_, In, S, P>
where
    In: Clone + Send,
    S: Step<In>,
    P: Fn(&Cause<S::Error>) -> bool + Send + Sync,
{
    type Out = S::Out;
    type Error = S::Error;

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        journal: &mut Journal,
    ) -> Poll<Result<S::Out, Cause<S::Error>>> {
        let mut this = self.project();
        loop {
            let polled = match this.phase.as_mut().project() {
                PhaseProjection::Wait { sleep } => {
                    ready!(sleep.poll(cx));
                    this.phase.set(Phase::Begin);
                    continue;
                }
                PhaseProjection::Begin => {
                    if *this.failures > 0 {
                        journal.again();
                    }
                    let (retry, name, failures) = (*this.retry, *this.name, *this.failures);
                    let began =
                        contained::catch(|| Self::attempt(retry, name, this.input, failures));
                    match began {
                        Ok(Some(run)) => {
                            this.phase.set(Phase::Attempt { run });
                            continue;
                        }
                        Ok(None) => after_its_end(),
                        Err(panic) => Err(panic),
                    }
                }
                PhaseProjection::Attempt { run } => contained::catch(|| run.poll(cx, journal)),
            };
            let cause = match polled {
                Ok(polled) => match ready!(polled) {
                    Ok(out) => {
                        // What was kept for a further attempt. Its panic is not the step's, which is done.
                        contained::drop_contained(this.input.take());
                        return Poll::Ready(Ok(out));
                    }
                    Err(cause) => cause,
                },
                Err(panic) => Cause::Panicked(Panicked::new(panic)),
            };
            // What is left of the attempt ends before the next one begins.
            contained::contain(|| this.phase.set(Phase::Begin));
            let failures = *this.failures;
            if failures + 1 >= this.retry.config.max_attempts.get()
                || !(this.retry.worth_it)(&cause)
            {
                return Poll::Ready(Err(cause));
            }
            contained::drop_contained(cause);
            *this.failures += 1;
            let delay = this.retry.config.backoff.delay(failures);
            if delay.is_zero() {
                // Others have their turn between two attempts, however fast they fail.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            this.phase.set(Phase::Wait {
                sleep: sleep(delay),
            });
        }
    }

    fn at(&self) -> Option<&Name> {
        None
    }
}
