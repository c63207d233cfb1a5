//! What can be gathered: a result whose errors have places.

use crate::error::Errors;

/// A result whose errors have places: `Result<T, Errors<E>>`, and nothing else.
///
/// `at`, `here`, `each` and `all` make one. It is a trait only so that the compiler can say what to do with a result that is none.
#[diagnostic::on_unimplemented(
    message = "the errors of `{Self}` have no place yet",
    label = "this is not a `Result<_, Errors<_>>`",
    note = "put one error at a place with `.at(\"field\")`, or with `.here()` if it is about the whole value",
    note = "a `Result<_, Errors<_>>` goes below a place with `.under(\"field\")`"
)]
pub trait Placed: sealed::Sealed {
    /// What it is when there is no error.
    type Value;
    /// One error.
    type Error;

    /// Returns the result that it is.
    ///
    /// # Errors
    ///
    /// Its own.
    fn into_result(self) -> Result<Self::Value, Errors<Self::Error>>;
}

impl<T, E> Placed for Result<T, Errors<E>> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

mod sealed {
    /// Nothing else has both tracks and places.
    pub trait Sealed {}

    impl<T, E> Sealed for Result<T, crate::Errors<E>> {}
}
