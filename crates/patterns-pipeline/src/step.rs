//! A step: one unit of work, without its name.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::chain::{Run, after_its_end, sealed::Sealed};
use crate::error::Cause;
use crate::journal::Journal;
use crate::undone::Name;

/// One step with what was put around it: an undo, attempts, a time limit.
///
/// It is there for the types of a [`Pipeline`](crate::Pipeline). The types of this crate implement it, and no others can.
pub trait Step<In>: Send + Sync + Sealed {
    /// What the step makes of its input.
    type Out: Send;
    /// What it returns if it fails.
    type Error: Send;
    /// One run of it.
    type Run<'a>: Run<Out = Self::Out, Error = Self::Error> + Send
    where
        Self: 'a;

    /// Begins the work. It may call the user's code, whose panic is then the step's.
    fn start<'a>(&'a self, name: &'a Name, input: In) -> Self::Run<'a>;

    /// Tells whether it has an undo.
    fn undoes(&self) -> bool;
}

/// A step that is sync, with a sync undo if any.
#[diagnostic::on_unimplemented(
    message = "a step of this pipeline is not sync",
    label = "this needs sync steps only",
    note = "`step_async`, `undo_async`, `timeout`, `retry` and `boxed` need `run(..).await`"
)]
pub trait SyncStep<In>: Step<In> {
    /// Does the work, and registers no undo.
    ///
    /// # Errors
    ///
    /// The step's own.
    fn call(&self, input: In) -> Result<Self::Out, Self::Error>;
}

/// A step that is a function; see [`Pipeline::step`](crate::Pipeline::step).
#[derive(Clone)]
pub struct PlainStep<F>(pub(crate) F);

impl<F> fmt::Debug for PlainStep<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainStep")
    }
}

impl<F> Sealed for PlainStep<F> {}

impl<In, Out, E, F> Step<In> for PlainStep<F>
where
    Out: Send,
    E: Send,
    F: Fn(In) -> Result<Out, E> + Send + Sync,
{
    type Out = Out;
    type Error = E;
    type Run<'a>
        = PlainRun<Out, E>
    where
        Self: 'a;

    #[inline]
    fn start<'a>(&'a self, _name: &'a Name, input: In) -> PlainRun<Out, E> {
        PlainRun(Some((self.0)(input)))
    }

    fn undoes(&self) -> bool {
        false
    }
}

impl<In, Out, E, F> SyncStep<In> for PlainStep<F>
where
    Out: Send,
    E: Send,
    F: Fn(In) -> Result<Out, E> + Send + Sync,
{
    #[inline]
    fn call(&self, input: In) -> Result<Out, E> {
        (self.0)(input)
    }
}

/// The result of a sync step.
#[derive(Debug)]
pub struct PlainRun<Out, E>(Option<Result<Out, E>>);

// It is never pinned: the result is only handed on.
impl<Out, E> Unpin for PlainRun<Out, E> {}

impl<Out, E> Run for PlainRun<Out, E> {
    type Out = Out;
    type Error = E;

    #[inline]
    fn poll(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _journal: &mut Journal,
    ) -> Poll<Result<Out, Cause<E>>> {
        match self.0.take() {
            Some(result) => Poll::Ready(result.map_err(Cause::Failed)),
            None => after_its_end(),
        }
    }

    fn at(&self) -> Option<&Name> {
        None
    }
}

/// A step that makes a future; see [`Pipeline::step_async`](crate::Pipeline::step_async).
#[derive(Clone)]
pub struct AsyncStep<F>(pub(crate) F);

impl<F> fmt::Debug for AsyncStep<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncStep")
    }
}

impl<F> Sealed for AsyncStep<F> {}

impl<In, Out, E, F, Fut> Step<In> for AsyncStep<F>
where
    Out: Send,
    E: Send,
    F: Fn(In) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Out, E>> + Send,
{
    type Out = Out;
    type Error = E;
    type Run<'a>
        = AsyncRun<Fut, Out, E>
    where
        Self: 'a;

    #[inline]
    fn start<'a>(&'a self, _name: &'a Name, input: In) -> AsyncRun<Fut, Out, E> {
        AsyncRun {
            work: Some((self.0)(input)),
            output: PhantomData,
        }
    }

    fn undoes(&self) -> bool {
        false
    }
}

pin_project! {
    /// The future of an async step.
    pub struct AsyncRun<Fut, Out, E> {
        #[pin]
        work: Option<Fut>,
        output: PhantomData<fn() -> Result<Out, E>>,
    }
}

impl<Fut, Out, E> Run for AsyncRun<Fut, Out, E>
where
    Fut: Future<Output = Result<Out, E>>,
{
    type Out = Out;
    type Error = E;

    #[inline]
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _journal: &mut Journal,
    ) -> Poll<Result<Out, Cause<E>>> {
        let mut work = self.project().work;
        let Some(future) = work.as_mut().as_pin_mut() else {
            after_its_end();
        };
        let result = ready!(future.poll(cx));
        // Dropped in here, a panic of its drop is one of the step, as it is in an async function.
        work.set(None);
        Poll::Ready(result.map_err(Cause::Failed))
    }

    fn at(&self) -> Option<&Name> {
        None
    }
}
