//! What can be run from an input to an output: the steps of a pipeline, as one type.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::journal::Journal;
use crate::undone::Name;

/// The steps of a [`Pipeline`](crate::Pipeline), as one type: what `C` in it is.
///
/// It is there to be named, as in `fn import() -> Pipeline<Order, OrderError, impl Chain<In = Order, Error = OrderError, Out = Parcel>>`. The
/// types of this crate implement it, and no others can.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a chain of steps that fit together",
    note = "each step takes what the one before returns, and all have the pipeline's error type"
)]
pub trait Chain: Send + Sync + sealed::Sealed {
    /// What goes in.
    type In: Send;
    /// What comes out.
    type Out: Send;
    /// What a step that fails returns.
    type Error: Send;
    /// One run.
    type Run<'a>: Run<Out = Self::Out, Error = Self::Error> + Send
    where
        Self: 'a;

    /// Makes a run. No code of the user's is called before it is polled.
    fn start(&self, input: Self::In) -> Self::Run<'_>;

    /// Tells whether any step has an undo.
    fn undoes(&self) -> bool;
}

/// A chain whose steps are all sync, with sync undos if any: what [`run_sync`](crate::Pipeline::run_sync) asks for.
#[diagnostic::on_unimplemented(
    message = "not all steps of this pipeline are sync",
    note = "`step_async`, `undo_async`, `timeout`, `retry` and `boxed` need `run(..).await`"
)]
pub trait SyncChain: Chain {
    /// Runs the steps, and no undo.
    ///
    /// # Errors
    ///
    /// The first error of a step.
    fn call(&self, input: Self::In) -> Result<Self::Out, Self::Error>;

    /// Runs the steps, and no undo, and then `next` on their output.
    ///
    /// What comes after a step is handed into it, so that an error is returned from where it arises, as by `?`: the result of all is the only
    /// one that there is, and the compiler makes of it what it makes of `?`.
    ///
    /// # Errors
    ///
    /// The first error of a step, and what `next` returns.
    fn call_then<R>(
        &self,
        input: Self::In,
        next: impl FnOnce(Self::Out) -> Result<R, Self::Error>,
    ) -> Result<R, Self::Error>;
}

/// A run under way. The journal is handed in at each poll, so that no run has to borrow it.
pub trait Run {
    /// What comes out.
    type Out;
    /// What a step that fails returns.
    type Error;

    /// Goes on. What it returns is final: it is not polled again.
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        journal: &mut Journal,
    ) -> Poll<Result<Self::Out, crate::Cause<Self::Error>>>;

    /// Returns the name of the step in hand; after an error or a panic, of the step that it came from. `None` if there is none.
    fn at(&self) -> Option<&Name>;
}

/// A run does not go on after its end, nor after a panic that nobody caught.
#[cold]
pub(crate) fn after_its_end() -> ! {
    panic!("a run was polled after its end")
}

/// Keeps the traits of this crate to its own types.
pub(crate) mod sealed {
    /// Implemented by the types of this crate.
    pub trait Sealed {}
}

/// A chain without steps, which returns its input.
pub struct Start<In, E>(PhantomData<fn(In) -> E>);

impl<In, E> Start<In, E> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<In, E> Clone for Start<In, E> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<In, E> fmt::Debug for Start<In, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Start")
    }
}

impl<In, E> sealed::Sealed for Start<In, E> {}

impl<In: Send, E: Send> Chain for Start<In, E> {
    type In = In;
    type Out = In;
    type Error = E;
    type Run<'a>
        = StartRun<In, E>
    where
        Self: 'a;

    fn start(&self, input: In) -> StartRun<In, E> {
        StartRun {
            input: Some(input),
            error: PhantomData,
        }
    }

    fn undoes(&self) -> bool {
        false
    }
}

impl<In: Send, E: Send> SyncChain for Start<In, E> {
    #[inline]
    fn call(&self, input: In) -> Result<In, E> {
        Ok(input)
    }

    #[inline]
    fn call_then<R>(&self, input: In, next: impl FnOnce(In) -> Result<R, E>) -> Result<R, E> {
        next(input)
    }
}

/// A run of no steps.
#[derive(Debug)]
pub struct StartRun<In, E> {
    input: Option<In>,
    error: PhantomData<fn() -> E>,
}

// It is never pinned: the input is only handed on.
impl<In, E> Unpin for StartRun<In, E> {}

impl<In, E> Run for StartRun<In, E> {
    type Out = In;
    type Error = E;

    #[inline]
    fn poll(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _journal: &mut Journal,
    ) -> Poll<Result<In, crate::Cause<E>>> {
        match self.input.take() {
            Some(input) => Poll::Ready(Ok(input)),
            None => after_its_end(),
        }
    }

    fn at(&self) -> Option<&Name> {
        None
    }
}
