//! A delivery that a worker has in hand: attempts, rests, and the way back if the worker goes.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use otp_core::contained::{Payload, catch, drop_contained};
use tokio::time::{Instant, sleep_until, timeout};

use crate::line::{Job, Line};
use crate::retry::{Next, after_failure};
use crate::route::Source;
use crate::{BoxFuture, Failure, GaveUp};

/// How one implementation is given one message.
pub(crate) type Deliver<D, M, T, E> =
    dyn for<'a> Fn(&'a Arc<D>, &'a M) -> BoxFuture<'a, Result<T, E>> + Send + Sync;

/// A worker's implementation, and of which version of the source it is.
pub(crate) type Made<D> = Option<(u64, Arc<D>)>;

/// What came of an attempt, and the panic that its process is to end with, if there was one.
type Attempt<T, E> = (Result<T, Failure<E>>, Option<Payload>);

/// Dropped before it was reported, it goes back to the line.
pub(crate) struct InHand<D: ?Sized, M, T, E> {
    line: Arc<Line<D, M, T, E>>,
    job: Option<Job<M, T, E>>,
    /// Whether an attempt is being made, which counts also if it is broken off.
    is_trying: bool,
}

impl<D: ?Sized, M, T, E> InHand<D, M, T, E> {
    pub(crate) fn new(line: &Arc<Line<D, M, T, E>>, job: Job<M, T, E>) -> Self {
        Self {
            line: Arc::clone(line),
            job: Some(job),
            is_trying: false,
        }
    }

    /// Attempts the delivery until it is reported. After a panic it is reported or back in the line, and the panic is the result.
    pub(crate) async fn see_through(
        &mut self,
        deliver: &Deliver<D, M, T, E>,
        made: &mut Made<D>,
    ) -> Result<(), Payload> {
        while let Some(job) = &mut self.job {
            if let Some(rests_until) = job.rests_until {
                sleep_until(rests_until).await;
                // Only now: if this future is dropped meanwhile, the rest is still to be taken.
                job.rests_until = None;
            }
            let left = job.deadline.map(left_until);
            if left.is_some_and(|left| left.is_zero()) {
                self.give_up(GaveUp::NoTime);
                return Ok(());
            }
            job.attempts = job.attempts.saturating_add(1);
            self.is_trying = true;
            self.line.count(|stats| stats.attempts += 1);
            let limit = self.line.config.attempt_timeout;
            let limit = left.map_or(limit, |left| left.min(limit));
            let (outcome, panic) = attempt(&self.line, deliver, made, &job.message, limit).await;
            self.is_trying = false;
            let next = match outcome {
                Ok(value) => {
                    if let Some(job) = self.job.take() {
                        self.line.succeed(job, value);
                    }
                    None
                }
                Err(failure) => self.after(failure),
            };
            match next {
                Some(Next::GiveUp(why)) => self.give_up(why),
                Some(Next::Retry(rest)) => self.rest(rest),
                None => {}
            }
            if let Some(panic) = panic {
                return Err(panic);
            }
        }
        Ok(())
    }

    /// Notes a failure, and decides what follows.
    fn after(&mut self, failure: Failure<E>) -> Option<Next> {
        let (line, job) = (&self.line, self.job.as_mut()?);
        line.count(|stats| match &failure {
            Failure::Error(_) | Failure::NotMade(_) => stats.failed += 1,
            Failure::Panicked(_) => stats.panicked += 1,
            Failure::Timeout => stats.timed_out += 1,
            Failure::Interrupted => stats.interrupted += 1,
        });
        let is_worth_it = line.hooks.is_worth_it(&failure);
        // The last failure is told; that of an attempt before goes.
        if let Some(before) = job.failure.replace(failure) {
            drop_contained(before);
        }
        let config = &line.config;
        Some(after_failure(
            job.attempts,
            config.max_attempts,
            is_worth_it,
            config.backoff.delay(job.attempts.saturating_sub(1)),
            job.deadline.map(left_until),
        ))
    }

    fn rest(&mut self, rest: Duration) {
        if let Some(job) = &mut self.job
            && !rest.is_zero()
        {
            job.rests_until = Some(later(rest));
        }
    }

    fn give_up(&mut self, why: GaveUp) {
        if let Some(job) = self.job.take() {
            self.line.bury(job, why, true);
        }
    }
}

impl<D: ?Sized, M, T, E> Drop for InHand<D, M, T, E> {
    fn drop(&mut self) {
        if self.is_trying {
            match self.after(Failure::Interrupted) {
                // A line that is shut says so itself.
                Some(Next::GiveUp(why)) if !self.line.is_shut() => self.give_up(why),
                Some(Next::Retry(rest)) => self.rest(rest),
                _ => {}
            }
        }
        if let Some(job) = self.job.take() {
            self.line.give_back(job);
        }
    }
}

/// Makes one attempt. When this returns, its future is dropped.
async fn attempt<D: ?Sized, M, T, E>(
    line: &Line<D, M, T, E>,
    deliver: &Deliver<D, M, T, E>,
    made: &mut Made<D>,
    message: &M,
    limit: Duration,
) -> Attempt<T, E> {
    let work = catch(|| {
        let implementation = current(line, made)?;
        Ok(deliver(implementation, message))
    });
    // The implementation's own future, polled and dropped apart: what it has returned is known before its drop may panic.
    let mut work = match work {
        Ok(Ok(work)) => work,
        Ok(Err(failure)) => return (Err(failure), None),
        Err(panic) => return panicked(panic),
    };
    let polled = poll_fn(|cx| match catch(|| work.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(Ok(outcome)),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    let polled = timeout(limit, polled).await;
    let dropped = catch(|| drop(work)).err();
    match polled {
        // What the implementation says counts, whatever becomes of its future.
        Ok(Ok(outcome)) => (outcome.map_err(Failure::Error), dropped),
        Ok(Err(panic)) => {
            // Of two panics, the first is the one to tell of.
            drop(dropped);
            panicked(panic)
        }
        Err(_) => (Err(Failure::Timeout), dropped),
    }
}

fn panicked<T, E>(panic: Payload) -> Attempt<T, E> {
    (Err(Failure::Panicked(panic.message())), Some(panic))
}

/// The worker's implementation, made if there is none or the source was changed.
fn current<'a, D: ?Sized, M, T, E>(
    line: &Line<D, M, T, E>,
    made: &'a mut Made<D>,
) -> Result<&'a Arc<D>, Failure<E>> {
    let is_current = made
        .as_ref()
        .is_some_and(|(version, _)| *version == line.version());
    if !is_current {
        // The one before is dropped before the next is made: it may hold a port or a file.
        *made = None;
        let (version, source) = line.source();
        let implementation = match source {
            Source::Shared(shared) => shared,
            Source::Made(make) => make().map_err(|error| Failure::NotMade(error.into()))?,
        };
        *made = Some((version, implementation));
    }
    let (_, implementation) = made.as_ref().expect("just made if it was not there");
    Ok(implementation)
}

fn left_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The moment after a rest. One of centuries ends in thirty years.
fn later(rest: Duration) -> Instant {
    const YEARS: Duration = Duration::from_secs(30 * 365 * 86_400);
    Instant::now() + rest.min(YEARS)
}
