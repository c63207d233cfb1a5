//! A step that may take only so long.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::chain::{Run, after_its_end, sealed::Sealed};
use crate::error::{Cause, TimedOut};
use crate::journal::Journal;
use crate::step::Step;
use crate::undone::Name;

/// A step with a time limit; see [`Pipeline::timeout`](crate::Pipeline::timeout).
#[derive(Clone)]
pub struct Timeout<S> {
    pub(crate) step: S,
    pub(crate) after: Duration,
}

impl<S> fmt::Debug for Timeout<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl<S> Sealed for Timeout<S> {}

impl<In, S> Step<In> for Timeout<S>
where
    S: Step<In, Error: From<TimedOut>>,
{
    type Out = S::Out;
    type Error = S::Error;
    type Run<'a>
        = TimeoutRun<S::Run<'a>>
    where
        Self: 'a;

    fn start<'a>(&'a self, name: &'a Name, input: In) -> TimeoutRun<S::Run<'a>> {
        // A limit that lies beyond what the clock can tell is none.
        let deadline = match self.after {
            Duration::MAX => None,
            after => Instant::now().checked_add(after),
        };
        TimeoutRun {
            run: Some(self.step.start(name, input)),
            after: self.after,
            deadline,
            sleep: None,
        }
    }

    fn undoes(&self) -> bool {
        self.step.undoes()
    }
}

pin_project! {
    /// A run with a deadline.
    pub struct TimeoutRun<R> {
        #[pin]
        run: Option<R>,
        after: Duration,
        deadline: Option<Instant>,
        // Made when there is something to wait for.
        #[pin]
        sleep: Option<Unconstrained<Sleep>>,
    }
}

impl<R> Run for TimeoutRun<R>
where
    R: Run<Error: From<TimedOut>>,
{
    type Out = R::Out;
    type Error = R::Error;

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        journal: &mut Journal,
    ) -> Poll<Result<R::Out, Cause<R::Error>>> {
        let mut this = self.project();
        let Some(run) = this.run.as_mut().as_pin_mut() else {
            after_its_end();
        };
        // What is there by now counts, however late it is.
        if let Poll::Ready(result) = run.poll(cx, journal) {
            return Poll::Ready(result);
        }
        let Some(deadline) = *this.deadline else {
            return Poll::Pending;
        };
        if this.sleep.is_none() {
            // Unconstrained, or work that always uses up its task's budget would never be late.
            this.sleep.set(Some(unconstrained(sleep_until(deadline))));
        }
        let is_late = match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) => Future::poll(sleep, cx).is_ready(),
            None => false,
        };
        if !is_late {
            return Poll::Pending;
        }
        // The work ends before anybody hears that it is late.
        this.run.set(None);
        let after = *this.after;
        Poll::Ready(Err(Cause::Timeout {
            after,
            error: TimedOut::new(after).into(),
        }))
    }

    fn at(&self) -> Option<&Name> {
        None
    }
}
