//! A list of boxed pipelines, one after the other.

use std::pin::Pin;
use std::slice;
use std::task::{Context, Poll, ready};

use crate::boxed::{BoxPipeline, BoxRun, Boxed};
use crate::chain::{Chain, Run, after_its_end, sealed::Sealed};
use crate::error::Cause;
use crate::journal::Journal;
use crate::pipeline::Pipeline;
use crate::undone::Name;

/// Collects pipelines into one that runs them one after the other, in a loop: however many there are, none is called from within another.
///
/// Of each, the steps are taken; the new pipeline has a hook and counts of its own. None at all make a pipeline that returns its input.
impl<T, E> FromIterator<BoxPipeline<T, T, E>> for BoxPipeline<T, T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    fn from_iter<I: IntoIterator<Item = Self>>(pipelines: I) -> Self {
        let chains = pipelines.into_iter().map(Pipeline::into_chain).collect();
        Pipeline::of(Sequence { chains }).boxed()
    }
}

/// Boxed chains of one type, one after the other.
struct Sequence<T, E> {
    chains: Vec<Boxed<T, T, E>>,
}

impl<T, E> Sealed for Sequence<T, E> {}

impl<T: Send, E: Send> Chain for Sequence<T, E> {
    type In = T;
    type Out = T;
    type Error = E;
    type Run<'a>
        = SequenceRun<'a, T, E>
    where
        Self: 'a;

    fn start(&self, input: T) -> SequenceRun<'_, T, E> {
        SequenceRun {
            value: Some(input),
            run: None,
            rest: self.chains.iter(),
        }
    }

    fn undoes(&self) -> bool {
        self.chains.iter().any(Chain::undoes)
    }
}

/// A run of a sequence.
struct SequenceRun<'a, T, E> {
    /// What the next chain gets, if none is in hand.
    value: Option<T>,
    run: Option<BoxRun<'a, T, E>>,
    rest: slice::Iter<'a, Boxed<T, T, E>>,
}

// The one run in hand is pinned in its box.
impl<T, E> Unpin for SequenceRun<'_, T, E> {}

impl<T: Send, E: Send> Run for SequenceRun<'_, T, E> {
    type Out = T;
    type Error = E;

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        journal: &mut Journal,
    ) -> Poll<Result<T, Cause<E>>> {
        loop {
            if let Some(run) = &mut self.run {
                match ready!(run.as_mut().poll(cx, journal)) {
                    Ok(value) => {
                        self.value = Some(value);
                        self.run = None;
                    }
                    // The run stays, for it says which step it was.
                    Err(cause) => return Poll::Ready(Err(cause)),
                }
            }
            let Some(value) = self.value.take() else {
                after_its_end();
            };
            match self.rest.next() {
                Some(chain) => self.run = Some(chain.start(value)),
                None => return Poll::Ready(Ok(value)),
            }
        }
    }

    fn at(&self) -> Option<&Name> {
        self.run.as_ref().and_then(|run| run.at())
    }
}
