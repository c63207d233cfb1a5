//! A future whose panics are values.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::panicked::{Panicked, catch};

pin_project! {
    /// Runs a future, and drops it before it tells what came of it. A panic in either is the error.
    pub(super) struct Contained<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F> Contained<F> {
    pub(super) const fn new(future: F) -> Self {
        Self {
            future: Some(future),
        }
    }
}

impl<F, U, E> Future for Contained<F>
where
    F: Future<Output = Result<U, E>>,
    E: From<Panicked>,
{
    type Output = Result<U, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.project().future;
        let Some(future) = slot.as_mut().as_pin_mut() else {
            panic!("a step of a `Railway` was polled after it had completed")
        };
        let outcome = match catch(|| future.poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(panicked) => Err(panicked),
        };
        let dropped = catch(|| slot.set(None));
        Poll::Ready(match (outcome, dropped) {
            (Ok(result), Ok(())) => result,
            // The first panic is the cause; that of the drop came of it.
            (Err(panicked), _) => Err(E::from(panicked)),
            // As in a block of code whose local variables panic when they are dropped: its value is gone.
            (Ok(result), Err(panicked)) => {
                drop(catch(|| drop(result)));
                Err(E::from(panicked))
            }
        })
    }
}
