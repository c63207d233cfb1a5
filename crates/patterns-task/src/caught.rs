//! A future whose panics are values.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::{TaskError, catch};

pin_project! {
    /// Runs a future, and drops it before it tells what came of it. A panic in either is the outcome.
    pub(crate) struct Caught<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F> Caught<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Some(future),
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
        let mut future = self.project().future;
        let polled = catch(|| match future.as_mut().as_pin_mut() {
            Some(future) => future.poll(cx).map(Ok),
            None => Poll::Ready(Err(TaskError::Consumed)),
        });
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(panic) => Err(panic),
        };
        let Err(panic) = catch(|| future.set(None)) else {
            return Poll::Ready(outcome);
        };
        // As in tokio, whose future panics when it is dropped has panicked; its value goes the same way.
        let _ = catch(|| drop(outcome));
        Poll::Ready(Err(panic))
    }
}
