//! A future, and one closure that is called with its output.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

pin_project! {
    /// Runs a future, drops it, and calls a closure with its output.
    #[project = ThenProjection]
    #[project_replace = ThenReplaced]
    pub(crate) enum Then<F, G> {
        Running {
            #[pin]
            future: F,
            after: G,
        },
        Done,
    }
}

impl<F, G> Then<F, G> {
    pub(crate) const fn new(future: F, after: G) -> Self {
        Self::Running { future, after }
    }
}

impl<F, G, R> Future for Then<F, G>
where
    F: Future,
    G: FnOnce(F::Output) -> R,
{
    type Output = R;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let output = match self.as_mut().project() {
            ThenProjection::Running { future, .. } => ready!(future.poll(cx)),
            ThenProjection::Done => {
                panic!("a step of a `Railway` was polled after it had completed")
            }
        };
        match self.project_replace(Self::Done) {
            ThenReplaced::Running { after, .. } => Poll::Ready(after(output)),
            ThenReplaced::Done => unreachable!("it was running a moment ago"),
        }
    }
}
