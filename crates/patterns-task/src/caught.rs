//! A future whose panics are values.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use otp_core::contained;
use pin_project_lite::pin_project;

use crate::error::{TaskError, catch};

pin_project! {
    /// Runs a future, and drops it before it tells what came of it. A panic in either is the outcome, and is told once.
    pub(crate) struct Caught<F> {
        #[pin]
        future: contained::Caught<F>,
    }
}

impl<F: Future> Caught<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: contained::catch_future(future),
        }
    }

    /// Runs what `make` makes; a panic in there is the outcome as well.
    pub(crate) fn make(make: impl FnOnce() -> F) -> Result<Self, TaskError> {
        catch(make).map(Self::new)
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        if future.is_over() {
            return Poll::Ready(Err(TaskError::Consumed));
        }
        future
            .poll(cx)
            .map(|outcome| outcome.map_err(|panic| TaskError::of(&panic)))
    }
}
