//! The steps of a chain that take plain closures.

use std::future::Future;

use super::{Railway, Then};
use crate::error::Errors;
use crate::panicked::Panicked;
use crate::path::Segment;
use crate::placed::Placed;
use crate::result_ext::ResultExt;

impl<F, T, E> Railway<F>
where
    F: Future<Output = Result<T, E>>,
{
    /// Replaces the value.
    pub fn map<U, G>(self, f: G) -> Railway<impl Future<Output = Result<U, E>>>
    where
        G: FnOnce(T) -> U,
    {
        self.step(|result| result.map(f))
    }

    /// Replaces the error.
    pub fn map_err<D, G>(self, f: G) -> Railway<impl Future<Output = Result<T, D>>>
    where
        G: FnOnce(E) -> D,
    {
        self.step(|result| result.map_err(f))
    }

    /// Goes on with a step that can fail.
    pub fn and_then<U, G>(self, f: G) -> Railway<impl Future<Output = Result<U, E>>>
    where
        G: FnOnce(T) -> Result<U, E>,
    {
        self.step(|result| result.and_then(f))
    }

    /// Recovers from the error, or replaces it.
    pub fn or_else<D, G>(self, f: G) -> Railway<impl Future<Output = Result<T, D>>>
    where
        G: FnOnce(E) -> Result<T, D>,
    {
        self.step(|result| result.or_else(f))
    }

    /// Looks at the value.
    pub fn inspect<G>(self, f: G) -> Railway<impl Future<Output = Result<T, E>>>
    where
        G: FnOnce(&T),
    {
        self.step(|result| result.inspect(f))
    }

    /// Looks at the error.
    pub fn inspect_err<G>(self, f: G) -> Railway<impl Future<Output = Result<T, E>>>
    where
        G: FnOnce(&E),
    {
        self.step(|result| result.inspect_err(f))
    }

    /// Makes an error of a value that does not satisfy `holds`; see [`ResultExt::ensure`].
    pub fn ensure<P, G>(self, holds: P, error: G) -> Railway<impl Future<Output = Result<T, E>>>
    where
        P: FnOnce(&T) -> bool,
        G: FnOnce(T) -> E,
    {
        self.step(|result| result.ensure(holds, error))
    }

    /// Looks at the value, and keeps it if that succeeds; see [`ResultExt::check`].
    pub fn check<G>(self, f: G) -> Railway<impl Future<Output = Result<T, E>>>
    where
        G: FnOnce(&T) -> Result<(), E>,
    {
        self.step(|result| result.check(f))
    }

    /// Goes on with `f`, and makes an error of its panic; see [`ResultExt::try_catch`]. Panics in steps before are not caught.
    pub fn try_catch<U, G>(self, f: G) -> Railway<impl Future<Output = Result<U, E>>>
    where
        E: From<Panicked>,
        G: FnOnce(T) -> Result<U, E>,
    {
        self.step(|result| result.try_catch(f))
    }

    /// Puts the error at a place; see [`ResultExt::at`].
    pub fn at(
        self,
        key: impl Into<Segment>,
    ) -> Railway<impl Future<Output = Result<T, Errors<E>>>> {
        self.step(|result| result.at(key))
    }

    /// Says that the error is about the whole value; see [`ResultExt::here`].
    pub fn here(self) -> Railway<impl Future<Output = Result<T, Errors<E>>>> {
        self.step(ResultExt::here)
    }

    /// Puts a list of errors below a place; see [`ResultExt::under`].
    pub fn under<D>(
        self,
        key: impl Into<Segment>,
    ) -> Railway<impl Future<Output = Result<T, Errors<D>>>>
    where
        Result<T, E>: Placed<Value = T, Error = D>,
    {
        self.step(|result| result.under(key))
    }

    /// Returns the value, or this one. It ends the chain.
    pub fn unwrap_or(self, default: T) -> impl Future<Output = T> {
        Then::new(self.future, |result: Result<T, E>| {
            result.unwrap_or(default)
        })
    }

    /// Returns the value, or what `f` makes of the error. It ends the chain.
    pub fn unwrap_or_else<G>(self, f: G) -> impl Future<Output = T>
    where
        G: FnOnce(E) -> T,
    {
        Then::new(self.future, |result: Result<T, E>| result.unwrap_or_else(f))
    }

    fn step<R, G>(self, after: G) -> Railway<Then<F, G>>
    where
        G: FnOnce(Result<T, E>) -> R,
    {
        Railway::new(Then::new(self.future, after))
    }
}
