//! The steps of a chain that take closures which return futures.

use std::future::{Future, IntoFuture};

use super::contained::Contained;
use super::switch::{Switch, Turn};
use super::{Railway, Then};
use crate::panicked::{Panicked, catch};

impl<F, T, E> Railway<F>
where
    F: Future<Output = Result<T, E>>,
{
    /// Goes on with a future: `and_then` for a closure that returns one.
    pub fn and_then_async<U, G, Next>(self, f: G) -> Railway<impl Future<Output = Result<U, E>>>
    where
        G: FnOnce(T) -> Next,
        Next: IntoFuture<Output = Result<U, E>>,
    {
        self.switch(|result| match result {
            Ok(value) => Turn::Onto(f(value).into_future()),
            Err(error) => Turn::Past(Err(error)),
        })
    }

    /// Replaces the value by what a future makes of it.
    pub fn map_async<U, G, Next>(self, f: G) -> Railway<impl Future<Output = Result<U, E>>>
    where
        G: FnOnce(T) -> Next,
        Next: IntoFuture<Output = U>,
    {
        self.switch(|result| match result {
            Ok(value) => Turn::Onto(Then::new(f(value).into_future(), Ok)),
            Err(error) => Turn::Past(Err(error)),
        })
    }

    /// Replaces the error by what a future makes of it.
    pub fn map_err_async<D, G, Next>(self, f: G) -> Railway<impl Future<Output = Result<T, D>>>
    where
        G: FnOnce(E) -> Next,
        Next: IntoFuture<Output = D>,
    {
        self.switch(|result| match result {
            Ok(value) => Turn::Past(Ok(value)),
            Err(error) => Turn::Onto(Then::new(f(error).into_future(), Err)),
        })
    }

    /// Recovers from the error by a future: `or_else` for a closure that returns one.
    pub fn or_else_async<D, G, Next>(self, f: G) -> Railway<impl Future<Output = Result<T, D>>>
    where
        G: FnOnce(E) -> Next,
        Next: IntoFuture<Output = Result<T, D>>,
    {
        self.switch(|result| match result {
            Ok(value) => Turn::Past(Ok(value)),
            Err(error) => Turn::Onto(f(error).into_future()),
        })
    }

    /// Has a future look at the value: `inspect` for an async closure.
    pub fn inspect_async<G>(self, f: G) -> Railway<impl Future<Output = Result<T, E>>>
    where
        G: AsyncFnOnce(&T),
    {
        // A future that borrows the value lives beside it, which safe code can do only in an async block.
        self.and_then_async(|value| async move {
            f(&value).await;
            Ok(value)
        })
    }

    /// Has a future look at the error: `inspect_err` for an async closure.
    pub fn inspect_err_async<G>(self, f: G) -> Railway<impl Future<Output = Result<T, E>>>
    where
        G: AsyncFnOnce(&E),
    {
        self.or_else_async(|error| async move {
            f(&error).await;
            Err(error)
        })
    }

    /// Has a future look at the value, and keeps it if that succeeds; see [`ResultExt::check_async`](crate::ResultExt::check_async).
    pub fn check_async<G>(self, f: G) -> Railway<impl Future<Output = Result<T, E>>>
    where
        G: AsyncFnOnce(&T) -> Result<(), E>,
    {
        self.and_then_async(|value| async move { f(&value).await.map(|()| value) })
    }

    /// Goes on with a future, and makes an error of a panic in `f`, in that future, or in its drop. Panics in steps before are not caught.
    pub fn try_catch_async<U, G, Next>(self, f: G) -> Railway<impl Future<Output = Result<U, E>>>
    where
        E: From<Panicked>,
        G: FnOnce(T) -> Next,
        Next: IntoFuture<Output = Result<U, E>>,
    {
        self.switch(|result| match result {
            Ok(value) => match catch(|| f(value).into_future()) {
                Ok(next) => Turn::Onto(Contained::new(next)),
                Err(panicked) => Turn::Past(Err(E::from(panicked))),
            },
            Err(error) => Turn::Past(Err(error)),
        })
    }

    /// Returns the value, or what a future makes of the error. It ends the chain.
    pub fn unwrap_or_else_async<G, Next>(self, f: G) -> impl Future<Output = T>
    where
        G: FnOnce(E) -> Next,
        Next: IntoFuture<Output = T>,
    {
        Switch::new(self.future, |result| match result {
            Ok(value) => Turn::Past(value),
            Err(error) => Turn::Onto(f(error).into_future()),
        })
    }

    fn switch<G, Next>(self, turn: G) -> Railway<Switch<F, G, Next>>
    where
        G: FnOnce(Result<T, E>) -> Turn<Next>,
        Next: Future,
    {
        Railway::new(Switch::new(self.future, turn))
    }
}
