//! Work that runs under a permit: its limit of time, its panics, and what becomes of the permit.

use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use otp_core::contained::{Payload, catch, contain};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep};

use crate::permit::Held;
use crate::shared::Shared;
use crate::{BreakerError, Outcome, Rejected};

/// What came of a piece of work.
enum Ran<R> {
    Done(R, Outcome),
    /// It was done, but later than it should have been.
    Late(R),
    /// It was cut.
    Timeout,
}

/// Runs `work` for `limit` at most under the permit that `acquire` takes, and gives it back, as `classify` says.
///
/// If the future is dropped, the work goes before its permit: a trial's place is free only when nothing is left of the trial.
pub(crate) async fn run<S, W, T, E>(
    acquire: impl FnOnce() -> Result<Held<S>, Rejected>,
    limit: Duration,
    classify: impl Fn(&Result<T, E>) -> Outcome,
    work: W,
) -> Result<T, BreakerError<E>>
where
    S: Deref<Target = Shared>,
    W: Future<Output = Result<T, E>>,
{
    let permit = acquire()?;
    let ran = limited(permit.shared(), limit, classify, work).await;
    finish(permit, limit, ran)
}

/// Runs `work` to its end, however long that takes, and gives the permit back.
#[inline]
pub(crate) fn run_sync<S, T, E>(
    permit: Held<S>,
    classify: impl Fn(&Result<T, E>) -> Outcome,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, BreakerError<E>>
where
    S: Deref<Target = Shared>,
{
    let limit = permit.shared().call_timeout();
    let begun = (limit != Duration::MAX).then(Instant::now);
    let ran = catch(|| ended(begun, limit, classify, work()));
    finish(permit, limit, ran)
}

#[inline]
fn ended<R>(
    begun: Option<Instant>,
    limit: Duration,
    classify: impl Fn(&R) -> Outcome,
    result: R,
) -> Ran<R> {
    // At the limit is within it, as with a timer, which the work goes before.
    if begun.is_some_and(|begun| begun.elapsed() > limit) {
        return Ran::Late(result);
    }
    let outcome = classify(&result);
    Ran::Done(result, outcome)
}

/// Counts what came of the work.
#[inline]
fn finish<S, T, E>(
    permit: Held<S>,
    limit: Duration,
    ran: Result<Ran<Result<T, E>>, Payload>,
) -> Result<T, BreakerError<E>>
where
    S: Deref<Target = Shared>,
{
    match ran {
        Ok(Ran::Done(result, outcome)) => {
            permit.record(outcome);
            result.map_err(BreakerError::Failed)
        }
        Ok(Ran::Late(result)) => {
            permit.time_out();
            result.map_err(BreakerError::Failed)
        }
        Ok(Ran::Timeout) => {
            permit.time_out();
            Err(BreakerError::Timeout { after: limit })
        }
        Err(panic) => {
            permit.record(Outcome::Failure);
            Err(BreakerError::Panicked(panic.message()))
        }
    }
}

/// How a limit is watched, from the moment when the work first waits.
enum Watch {
    NotYet,
    /// By a timer, which stands beside this.
    Timer,
    /// There are no timers here: whether it was kept shows at the end.
    Clock(Instant),
    Unlimited,
}

/// Runs the work, and drops it, whether it came to its end or not.
async fn limited<W: Future>(
    shared: &Shared,
    limit: Duration,
    classify: impl Fn(&W::Output) -> Outcome,
    work: W,
) -> Result<Ran<W::Output>, Payload> {
    let mut work = pin!(Some(work));
    let mut timer = pin!(None);
    let mut watch = Watch::NotYet;
    // The closure owns what classifies, which need not be `Sync` then.
    poll_fn(move |cx| {
        // One place where panics are caught for all: the work, its drop, and what classifies its result.
        let polled = catch(|| {
            let Some(polled) = work.as_mut().as_pin_mut().map(|work| work.poll(cx)) else {
                // It is there until this future is done.
                return Poll::Pending;
            };
            polled.map(|result| {
                work.set(None);
                let begun = match watch {
                    Watch::Clock(begun) => Some(begun),
                    Watch::NotYet | Watch::Timer | Watch::Unlimited => None,
                };
                ended(begun, limit, &classify, result)
            })
        });
        match polled {
            Ok(Poll::Ready(ran)) => return Poll::Ready(Ok(ran)),
            Err(panic) => {
                // What panicked once may do so again as it is dropped. The first one is the one to tell of.
                contain(|| work.set(None));
                return Poll::Ready(Err(panic));
            }
            Ok(Poll::Pending) => {}
        }
        if matches!(watch, Watch::NotYet) {
            watch = arm(shared, limit, timer.as_mut());
        }
        let is_over = matches!(watch, Watch::Timer) && poll_timer(timer.as_mut(), cx).is_ready();
        if !is_over && !limit.is_zero() {
            return Poll::Pending;
        }
        Poll::Ready(catch(|| work.set(None)).map(|()| Ran::Timeout))
    })
    .await
}

/// Sets the timer, if there are timers here.
#[cold]
fn arm(shared: &Shared, limit: Duration, mut timer: Pin<&mut Option<Sleep>>) -> Watch {
    if limit == Duration::MAX || limit.is_zero() {
        return Watch::Unlimited;
    }
    let Ok(runtime) = Handle::try_current() else {
        return Watch::Clock(Instant::now());
    };
    if shared.is_without_timers(runtime.id()) {
        return Watch::Clock(Instant::now());
    }
    // A runtime without timers cannot be asked whether it is one: it panics. It is remembered, so that the panic hook reports it
    // once and not for every call.
    match catch(|| sleep(limit)) {
        Ok(sleep) => {
            timer.set(Some(sleep));
            Watch::Timer
        }
        Err(_) => {
            shared.remember_without_timers(runtime.id());
            Watch::Clock(Instant::now())
        }
    }
}

fn poll_timer(timer: Pin<&mut Option<Sleep>>, cx: &mut Context<'_>) -> Poll<()> {
    match timer.as_pin_mut() {
        // A runtime that is just being dropped has no timers any more, and says so by a panic: what is left of the work is
        // dropped with it.
        Some(timer) => catch(|| timer.poll(cx)).unwrap_or(Poll::Pending),
        None => Poll::Pending,
    }
}
