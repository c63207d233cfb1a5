//! A future, and a second one that is made of its output if need be.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

/// What comes after the first future.
pub(super) enum Turn<F: Future> {
    /// A second one.
    Onto(F),
    /// Nothing: this is the output.
    Past(F::Output),
}

pin_project! {
    /// Runs a future, drops it, and runs the one that a closure makes of its output.
    ///
    /// The two are in the same place, one after the other, so it is as large as the larger one.
    #[project = SwitchProjection]
    #[project_replace = SwitchReplaced]
    pub(super) enum Switch<F, G, Next> {
        First {
            #[pin]
            future: F,
            turn: G,
        },
        Second {
            #[pin]
            next: Next,
        },
        Done,
    }
}

impl<F, G, Next> Switch<F, G, Next> {
    pub(super) const fn new(future: F, turn: G) -> Self {
        Self::First { future, turn }
    }
}

impl<F, G, Next> Future for Switch<F, G, Next>
where
    F: Future,
    G: FnOnce(F::Output) -> Turn<Next>,
    Next: Future,
{
    type Output = Next::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let SwitchProjection::First { future, .. } = self.as_mut().project() {
            let output = ready!(future.poll(cx));
            // The first is dropped here, before the closure is called; if that panics, it is done.
            let SwitchReplaced::First { turn, .. } = self.as_mut().project_replace(Self::Done)
            else {
                unreachable!("it was the first a moment ago")
            };
            match turn(output) {
                Turn::Onto(next) => self.set(Self::Second { next }),
                Turn::Past(output) => return Poll::Ready(output),
            }
        }
        let SwitchProjection::Second { next } = self.as_mut().project() else {
            panic!("a step of a `Railway` was polled after it had completed")
        };
        let output = ready!(next.poll(cx));
        self.set(Self::Done);
        Poll::Ready(output)
    }
}
