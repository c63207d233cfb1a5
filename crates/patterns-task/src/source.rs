//! Where inputs come from, and how work is made of them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::error::{Failure, TaskError, catch};

/// The items of an iterator, as a stream that never waits.
#[derive(Debug)]
pub struct Items<I>(Option<I>);

impl<I> Items<I> {
    pub(crate) fn new(items: I) -> Self {
        Self(Some(items))
    }
}

impl<I: Iterator> Items<I> {
    /// Takes the next item. An iterator that panics is not asked again; nor is one that has ended.
    pub(crate) fn next(&mut self) -> Option<I::Item> {
        let mut items = self.0.take()?;
        let item = items.next()?;
        self.0 = Some(items);
        Some(item)
    }
}

/// Nothing in it is pinned: an iterator is moved freely.
impl<I> Unpin for Items<I> {}

impl<I: Iterator> Stream for Items<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.as_ref().map_or((0, Some(0)), Iterator::size_hint)
    }
}

/// How work is made of an input, what of the input is kept aside for the error, and what counts as one.
pub trait Make<I> {
    /// What is kept.
    type Kept;
    /// The work.
    type Work: Future<Output: Send + 'static> + Send + 'static;
    /// What is given in the end.
    type Value;
    /// Why there is nothing to give.
    type Error: From<TaskError>;

    /// Makes the work. A panic is an error, with what is kept all the same.
    fn make(&mut self, input: I) -> (Self::Kept, Result<Self::Work, TaskError>);

    /// Keeps what is kept of an input for which no work is made.
    fn keep(input: I) -> Self::Kept;

    /// Tells what the work has come to.
    fn judge(outcome: Outcome<Self::Work>) -> Result<Self::Value, Self::Error>;
}

/// What becomes of work.
pub(crate) type Outcome<W> = Result<<W as Future>::Output, TaskError>;

/// Work made by a closure that looks at the input, which is kept.
#[derive(Debug)]
pub struct ByRef<F>(pub(crate) F);

impl<I, F, Fut> Make<I> for ByRef<F>
where
    F: FnMut(&I) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    type Kept = I;
    type Work = Fut;
    type Value = Fut::Output;
    type Error = TaskError;

    fn make(&mut self, input: I) -> (I, Result<Fut, TaskError>) {
        let made = catch(|| (self.0)(&input));
        (input, made)
    }

    fn keep(input: I) -> I {
        input
    }

    fn judge(outcome: Outcome<Fut>) -> Result<Fut::Output, TaskError> {
        outcome
    }
}

/// As [`ByRef`], of work that can fail by itself.
#[derive(Debug)]
pub(crate) struct Fallible<F>(pub(crate) F);

impl<I, F, Fut, T, E> Make<I> for Fallible<F>
where
    F: FnMut(&I) -> Fut,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Kept = I;
    type Work = Fut;
    type Value = T;
    type Error = Failure<E>;

    fn make(&mut self, input: I) -> (I, Result<Fut, TaskError>) {
        let made = catch(|| (self.0)(&input));
        (input, made)
    }

    fn keep(input: I) -> I {
        input
    }

    fn judge(outcome: Outcome<Fut>) -> Result<T, Failure<E>> {
        Failure::of(outcome)
    }
}

/// Inputs that are the work already: nothing is kept.
#[derive(Debug)]
pub struct Ready;

impl<Fut> Make<Fut> for Ready
where
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    type Kept = ();
    type Work = Fut;
    type Value = Fut::Output;
    type Error = TaskError;

    fn make(&mut self, work: Fut) -> ((), Result<Fut, TaskError>) {
        ((), Ok(work))
    }

    fn keep(_: Fut) {}

    fn judge(outcome: Outcome<Fut>) -> Result<Fut::Output, TaskError> {
        outcome
    }
}
