//! The ways from any future of a result.

use std::future::{Future, IntoFuture};

use super::Railway;
use crate::error::Errors;
use crate::path::Segment;
use crate::placed::Placed;

/// What every future of a result gets: the methods of `Result`, and places of errors.
///
/// Whatever can be awaited counts, such as a request that is being built (`IntoFuture`).
pub trait RailwayExt<T, E>: IntoFuture<Output = Result<T, E>> + Sized {
    /// Gives it the methods of `Result`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use patterns_railway::RailwayExt;
    ///
    /// let answer = async { "42".parse::<u8>() }.railway().map(|n| n + 1).map_err(|error| error.to_string());
    /// assert_eq!(answer.await, Ok(43));
    /// # }
    /// ```
    fn railway(self) -> Railway<Self::IntoFuture> {
        Railway::new(self.into_future())
    }

    /// Puts the error at a place; see [`ResultExt::at`](crate::ResultExt::at).
    fn at(self, key: impl Into<Segment>) -> Railway<impl Future<Output = Result<T, Errors<E>>>> {
        self.railway().at(key)
    }

    /// Says that the error is about the whole value; see [`ResultExt::here`](crate::ResultExt::here).
    fn here(self) -> Railway<impl Future<Output = Result<T, Errors<E>>>> {
        self.railway().here()
    }

    /// Puts a list of errors below a place; see [`ResultExt::under`](crate::ResultExt::under).
    fn under<D>(
        self,
        key: impl Into<Segment>,
    ) -> Railway<impl Future<Output = Result<T, Errors<D>>>>
    where
        Result<T, E>: Placed<Value = T, Error = D>,
    {
        self.railway().under(key)
    }
}

impl<F, T, E> RailwayExt<T, E> for F where F: IntoFuture<Output = Result<T, E>> {}
