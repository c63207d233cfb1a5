//! A step that can be undone.

use std::error::Error;
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use otp_core::contained::{self, Payload};
use pin_project_lite::pin_project;

use crate::chain::{Run, sealed::Sealed};
use crate::error::{Cause, Panicked};
use crate::journal::Journal;
use crate::step::{Step, SyncStep};
use crate::undoing::UndoWork;
use crate::undone::Name;

/// What an undo came to.
pub(crate) type UndoResult = Result<(), Arc<dyn Error + Send + Sync>>;

/// What an undo may return: nothing, or a `Result` whose error is one, or a text.
#[diagnostic::on_unimplemented(
    message = "an undo cannot return `{Self}`",
    note = "it returns `()`, or `Result<(), X>` with `X: Into<Box<dyn Error + Send + Sync>>`",
    note = "an undo that returns a future is for `undo_async` or `undo_with_async`"
)]
pub trait UndoReply: Sealed {
    /// Returns the error, if there is one.
    ///
    /// # Errors
    ///
    /// The undo's own.
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl Sealed for () {}

impl UndoReply for () {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

impl<X> Sealed for Result<(), X> {}

impl<X: Into<Box<dyn Error + Send + Sync>>> UndoReply for Result<(), X> {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)
    }
}

/// How an undo is run on what it was given.
pub trait UndoFor<K>: Send + Sync + Sealed {
    /// Makes the work, and does not begin it.
    fn work(&self, key: K) -> UndoWork;
}

/// An undo that is a function.
pub struct UndoNow<U>(pub(crate) Arc<U>);

/// An undo that makes a future.
pub struct UndoLater<U>(pub(crate) Arc<U>);

impl<U> Clone for UndoNow<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U> Clone for UndoLater<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U> fmt::Debug for UndoNow<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UndoNow")
    }
}

impl<U> fmt::Debug for UndoLater<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UndoLater")
    }
}

impl<U> Sealed for UndoNow<U> {}

impl<U> Sealed for UndoLater<U> {}

impl<K, R, U> UndoFor<K> for UndoNow<U>
where
    K: Send + 'static,
    R: UndoReply,
    U: Fn(K) -> R + Send + Sync + 'static,
{
    fn work(&self, key: K) -> UndoWork {
        let undo = Arc::clone(&self.0);
        Box::pin(contained::catch_future(async move {
            undo(key).into_result().map_err(Arc::from)
        }))
    }
}

impl<K, R, U, Fut> UndoFor<K> for UndoLater<U>
where
    K: Send + 'static,
    R: UndoReply,
    U: Fn(K) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    fn work(&self, key: K) -> UndoWork {
        let undo = Arc::clone(&self.0);
        Box::pin(contained::catch_future(async move {
            undo(key).await.into_result().map_err(Arc::from)
        }))
    }
}

/// A step with an undo; see [`Pipeline::undo`](crate::Pipeline::undo).
#[derive(Clone)]
pub struct Undo<S, T, U> {
    pub(crate) step: S,
    pub(crate) take: T,
    pub(crate) undo: U,
}

impl<S, T, U: fmt::Debug> fmt::Debug for Undo<S, T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Undo")
            .field("undo", &self.undo)
            .finish_non_exhaustive()
    }
}

impl<S, T, U> Sealed for Undo<S, T, U> {}

impl<In, K, S, T, U> Step<In> for Undo<S, T, U>
where
    S: Step<In>,
    T: Fn(&S::Out) -> K + Send + Sync,
    U: UndoFor<K>,
{
    type Out = S::Out;
    type Error = S::Error;
    type Run<'a>
        = UndoRun<'a, S::Run<'a>, T, U>
    where
        Self: 'a;

    fn start<'a>(&'a self, name: &'a Name, input: In) -> UndoRun<'a, S::Run<'a>, T, U> {
        UndoRun {
            run: self.step.start(name, input),
            name,
            take: &self.take,
            undo: &self.undo,
        }
    }

    fn undoes(&self) -> bool {
        true
    }
}

impl<In, K, S, T, U> SyncStep<In> for Undo<S, T, UndoNow<U>>
where
    S: SyncStep<In>,
    T: Fn(&S::Out) -> K + Send + Sync,
    UndoNow<U>: UndoFor<K>,
{
    fn call(&self, input: In) -> Result<S::Out, S::Error> {
        self.step.call(input)
    }
}

pin_project! {
    /// A run whose output registers an undo.
    pub struct UndoRun<'a, R, T, U> {
        #[pin]
        run: R,
        name: &'a Name,
        take: &'a T,
        undo: &'a U,
    }
}

impl<K, R, T, U> Run for UndoRun<'_, R, T, U>
where
    R: Run,
    T: Fn(&R::Out) -> K,
    U: UndoFor<K>,
{
    type Out = R::Out;
    type Error = R::Error;

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        journal: &mut Journal,
    ) -> Poll<Result<R::Out, Cause<R::Error>>> {
        let this = self.project();
        let result = std::task::ready!(this.run.poll(cx, journal));
        if let Ok(out) = &result {
            match contained::catch(|| this.undo.work((this.take)(out))) {
                Ok(work) => journal.undos.push(this.name.clone(), work),
                Err(panic) => {
                    // The step was done and cannot be undone, which is told as the undo's failure.
                    journal.undos.push(this.name.clone(), failed(&panic));
                    contained::drop_contained(result);
                    return Poll::Ready(Err(Cause::Panicked(Panicked::new(panic))));
                }
            }
        }
        Poll::Ready(result)
    }

    fn at(&self) -> Option<&Name> {
        None
    }
}

/// The undo of a step of whose output nothing could be kept.
fn failed(panic: &Payload) -> UndoWork {
    let text = format!("its key panicked: {}", panic.message());
    let error: Box<dyn Error + Send + Sync> = text.into();
    Box::pin(ready(Ok(Err(Arc::from(error)))))
}
