//! What `Result` does not have.

#[cfg(feature = "async")]
use std::future::{self, Future, IntoFuture};

use crate::error::Errors;
use crate::panicked::{Panicked, catch};
use crate::path::Segment;
use crate::placed::Placed;
#[cfg(feature = "async")]
use crate::railway::{Railway, RailwayExt};

/// What `Result` does not have: checks that keep the value, panics as errors, places of errors, and the ways into async.
///
/// The methods whose names end in `_async`, with the feature `async`, take a closure that returns a future, and make a [`Railway`] of the result:
/// a future with the methods of `Result`. Nothing runs before it is awaited.
pub trait ResultExt<T, E>: sealed::Sealed + Sized {
    /// Makes an error of a value that does not satisfy `holds`.
    ///
    /// `error` is given the value, so it can hand it back, or be the variant of an enum.
    ///
    /// # Errors
    ///
    /// The result's own, or `error(value)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use patterns_railway::ResultExt;
    ///
    /// #[derive(Debug, PartialEq)]
    /// enum Problem { TooYoung(u8) }
    ///
    /// let age: Result<u8, Problem> = Ok(16);
    /// assert_eq!(age.ensure(|age| *age >= 18, Problem::TooYoung), Err(Problem::TooYoung(16)));
    /// ```
    fn ensure(self, holds: impl FnOnce(&T) -> bool, error: impl FnOnce(T) -> E) -> Result<T, E>;

    /// Looks at the value, and keeps it if that succeeds.
    ///
    /// # Errors
    ///
    /// The result's own, or what `f` returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use patterns_railway::ResultExt;
    ///
    /// fn no_blanks(name: &String) -> Result<(), String> {
    ///     if name.contains(' ') { Err(format!("{name:?} has a blank")) } else { Ok(()) }
    /// }
    ///
    /// assert_eq!(Ok("ann".to_owned()).check(no_blanks), Ok("ann".to_owned()));
    /// assert_eq!(Ok("an n".to_owned()).check(no_blanks), Err("\"an n\" has a blank".to_owned()));
    /// ```
    fn check(self, f: impl FnOnce(&T) -> Result<(), E>) -> Result<T, E>;

    /// Goes on with `f`, and makes an error of its panic; see [`catch`] for what a panic leaves.
    ///
    /// # Errors
    ///
    /// The result's own, what `f` returns, or its panic.
    ///
    /// # Panics
    ///
    /// If the conversion from [`Panicked`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// # std::panic::set_hook(Box::new(|_| {}));
    /// use std::error::Error;
    /// use patterns_railway::ResultExt;
    ///
    /// // Of somebody else, and known to panic.
    /// fn first_word(text: String) -> Result<String, Box<dyn Error + Send + Sync>> {
    ///     Ok(text.split(' ').next().filter(|word| !word.is_empty()).expect("a word").to_owned())
    /// }
    ///
    /// assert_eq!(Ok("one two".to_owned()).try_catch(first_word).unwrap(), "one");
    /// assert_eq!(Ok(String::new()).try_catch(first_word).unwrap_err().to_string(), "panicked: a word");
    /// ```
    fn try_catch<U>(self, f: impl FnOnce(T) -> Result<U, E>) -> Result<U, E>
    where
        E: From<Panicked>;

    /// Puts the error at a place: a field, an entry or an index.
    ///
    /// # Errors
    ///
    /// The result's own, as the only one of a list.
    ///
    /// # Examples
    ///
    /// ```
    /// use patterns_railway::ResultExt;
    ///
    /// let errors = "x".parse::<u16>().at("port").unwrap_err();
    /// assert_eq!(errors.to_string(), "port: invalid digit found in string");
    /// ```
    fn at(self, key: impl Into<Segment>) -> Result<T, Errors<E>>;

    /// Says that the error is about the whole value, and not about a part of it.
    ///
    /// # Errors
    ///
    /// The result's own, as the only one of a list.
    fn here(self) -> Result<T, Errors<E>>;

    /// Puts a list of errors below a place: what was at `price` is at `key.price` then.
    ///
    /// # Errors
    ///
    /// The result's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use patterns_railway::ResultExt;
    ///
    /// let errors = "x".parse::<u16>().at("port").under("server").unwrap_err();
    /// assert_eq!(errors.to_string(), "server.port: invalid digit found in string");
    /// ```
    fn under(
        self,
        key: impl Into<Segment>,
    ) -> Result<<Self as Placed>::Value, Errors<<Self as Placed>::Error>>
    where
        Self: Placed;

    /// Goes on with a future: `and_then` for a closure that returns one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use patterns_railway::ResultExt;
    ///
    /// async fn double(n: u32) -> Result<u32, String> {
    ///     n.checked_mul(2).ok_or_else(|| format!("{n} is too large"))
    /// }
    ///
    /// let doubled = Ok(20).and_then_async(double).map(|n| n + 2).await;
    /// assert_eq!(doubled, Ok(42));
    /// # }
    /// ```
    #[cfg(feature = "async")]
    fn and_then_async<U, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<U, E>>>
    where
        F: FnOnce(T) -> Next,
        Next: IntoFuture<Output = Result<U, E>>;

    /// Replaces the value by what a future makes of it.
    #[cfg(feature = "async")]
    fn map_async<U, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<U, E>>>
    where
        F: FnOnce(T) -> Next,
        Next: IntoFuture<Output = U>;

    /// Replaces the error by what a future makes of it.
    #[cfg(feature = "async")]
    fn map_err_async<D, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<T, D>>>
    where
        F: FnOnce(E) -> Next,
        Next: IntoFuture<Output = D>;

    /// Recovers from the error by a future: `or_else` for a closure that returns one.
    #[cfg(feature = "async")]
    fn or_else_async<D, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<T, D>>>
    where
        F: FnOnce(E) -> Next,
        Next: IntoFuture<Output = Result<T, D>>;

    /// Has a future look at the value: `inspect` for an async closure.
    #[cfg(feature = "async")]
    fn inspect_async<F>(self, f: F) -> Railway<impl Future<Output = Result<T, E>>>
    where
        F: AsyncFnOnce(&T);

    /// Has a future look at the error: `inspect_err` for an async closure.
    #[cfg(feature = "async")]
    fn inspect_err_async<F>(self, f: F) -> Railway<impl Future<Output = Result<T, E>>>
    where
        F: AsyncFnOnce(&E);

    /// Has a future look at the value, and keeps it if that succeeds: [`check`](Self::check) for an async closure.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use patterns_railway::ResultExt;
    ///
    /// let name = Ok("ann".to_owned()).check_async(async |name| {
    ///     tokio::task::yield_now().await; // asks somebody
    ///     if name == "root" { Err("taken") } else { Ok(()) }
    /// });
    /// assert_eq!(name.await, Ok("ann".to_owned()));
    /// # }
    /// ```
    #[cfg(feature = "async")]
    fn check_async<F>(self, f: F) -> Railway<impl Future<Output = Result<T, E>>>
    where
        F: AsyncFnOnce(&T) -> Result<(), E>;

    /// Goes on with a future, and makes an error of a panic in it: [`try_catch`](Self::try_catch) for a closure that returns a future.
    #[cfg(feature = "async")]
    fn try_catch_async<U, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<U, E>>>
    where
        E: From<Panicked>,
        F: FnOnce(T) -> Next,
        Next: IntoFuture<Output = Result<U, E>>;

    /// Returns the value, or what a future makes of the error: `unwrap_or_else` for a closure that returns one.
    #[cfg(feature = "async")]
    fn unwrap_or_else_async<F, Next>(self, f: F) -> impl Future<Output = T>
    where
        F: FnOnce(E) -> Next,
        Next: IntoFuture<Output = T>;
}

impl<T, E> ResultExt<T, E> for Result<T, E> {
    #[inline]
    fn ensure(self, holds: impl FnOnce(&T) -> bool, error: impl FnOnce(T) -> E) -> Self {
        // The value is taken out only where it becomes an error: of a value that is only passed on, the compiler makes a copy.
        match &self {
            Ok(value) => {
                if holds(value) {
                    self
                } else {
                    match self {
                        Ok(value) => Err(error(value)),
                        Err(error) => Err(error),
                    }
                }
            }
            Err(_) => self,
        }
    }

    #[inline]
    fn check(self, f: impl FnOnce(&T) -> Result<(), E>) -> Self {
        if let Ok(value) = &self {
            f(value)?;
        }
        self
    }

    #[inline]
    fn try_catch<U>(self, f: impl FnOnce(T) -> Result<U, E>) -> Result<U, E>
    where
        E: From<Panicked>,
    {
        self.and_then(|value| match catch(|| f(value)) {
            Ok(result) => result,
            Err(panicked) => Err(E::from(panicked)),
        })
    }

    #[inline]
    fn at(self, key: impl Into<Segment>) -> Result<T, Errors<E>> {
        self.map_err(|error| Errors::at(key, error))
    }

    #[inline]
    fn here(self) -> Result<T, Errors<E>> {
        self.map_err(Errors::here)
    }

    #[inline]
    fn under(
        self,
        key: impl Into<Segment>,
    ) -> Result<<Self as Placed>::Value, Errors<<Self as Placed>::Error>>
    where
        Self: Placed,
    {
        self.into_result().map_err(|errors| errors.under(key))
    }

    #[cfg(feature = "async")]
    fn and_then_async<U, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<U, E>>>
    where
        F: FnOnce(T) -> Next,
        Next: IntoFuture<Output = Result<U, E>>,
    {
        future::ready(self).railway().and_then_async(f)
    }

    #[cfg(feature = "async")]
    fn map_async<U, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<U, E>>>
    where
        F: FnOnce(T) -> Next,
        Next: IntoFuture<Output = U>,
    {
        future::ready(self).railway().map_async(f)
    }

    #[cfg(feature = "async")]
    fn map_err_async<D, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<T, D>>>
    where
        F: FnOnce(E) -> Next,
        Next: IntoFuture<Output = D>,
    {
        future::ready(self).railway().map_err_async(f)
    }

    #[cfg(feature = "async")]
    fn or_else_async<D, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<T, D>>>
    where
        F: FnOnce(E) -> Next,
        Next: IntoFuture<Output = Result<T, D>>,
    {
        future::ready(self).railway().or_else_async(f)
    }

    #[cfg(feature = "async")]
    fn inspect_async<F>(self, f: F) -> Railway<impl Future<Output = Self>>
    where
        F: AsyncFnOnce(&T),
    {
        future::ready(self).railway().inspect_async(f)
    }

    #[cfg(feature = "async")]
    fn inspect_err_async<F>(self, f: F) -> Railway<impl Future<Output = Self>>
    where
        F: AsyncFnOnce(&E),
    {
        future::ready(self).railway().inspect_err_async(f)
    }

    #[cfg(feature = "async")]
    fn check_async<F>(self, f: F) -> Railway<impl Future<Output = Self>>
    where
        F: AsyncFnOnce(&T) -> Result<(), E>,
    {
        future::ready(self).railway().check_async(f)
    }

    #[cfg(feature = "async")]
    fn try_catch_async<U, F, Next>(self, f: F) -> Railway<impl Future<Output = Result<U, E>>>
    where
        E: From<Panicked>,
        F: FnOnce(T) -> Next,
        Next: IntoFuture<Output = Result<U, E>>,
    {
        future::ready(self).railway().try_catch_async(f)
    }

    #[cfg(feature = "async")]
    fn unwrap_or_else_async<F, Next>(self, f: F) -> impl Future<Output = T>
    where
        F: FnOnce(E) -> Next,
        Next: IntoFuture<Output = T>,
    {
        future::ready(self).railway().unwrap_or_else_async(f)
    }
}

mod sealed {
    /// Methods may be added: nobody else implements the trait.
    pub trait Sealed {}

    impl<T, E> Sealed for Result<T, E> {}
}
