//! Independent checks of a value of any shape, with all their errors.

use std::marker::PhantomData;

use crate::error::Errors;
use crate::placed::Placed;

/// Gathers checks one by one, and builds a value if all have succeeded: for a struct of many fields, where the positions of a tuple are easily
/// mixed up, and for checks under a condition.
///
/// `checks` is given a [`Checks`], which takes results, and it ends with [`Checks::finish`], whose closure builds the value.
///
/// Nothing can go wrong here that the compiler does not see: a value is behind a [`Checked`] until all checks are done, so no error can be
/// forgotten; the end is a [`Finished`], which only `finish` makes; and the lifetime `'id`, which is another one in each call, ties them
/// together, so that what was checked in one call is of no use in another one.
///
/// # Errors
///
/// All errors of all checks, in the order in which they were taken.
///
/// # Panics
///
/// If `checks` does.
///
/// # Examples
///
/// ```
/// use std::num::ParseIntError;
/// use patterns_railway::{Errors, ResultExt, accumulate};
///
/// #[derive(Debug, PartialEq)]
/// struct Margins { left: u32, right: u32 }
///
/// fn margins(left: &str, right: &str) -> Result<Margins, Errors<ParseIntError>> {
///     accumulate(|mut checks| {
///         let left = checks.take(left.parse().at("left"));
///         let right = checks.take(right.parse().at("right"));
///         checks.finish(|open| Margins { left: open.get(left), right: open.get(right) })
///     })
/// }
///
/// assert_eq!(margins("1", "2"), Ok(Margins { left: 1, right: 2 }));
/// assert_eq!(margins("-1", "").unwrap_err().len(), 2);
/// ```
///
/// A value from another call does not fit, and the errors of a call cannot be left out:
///
/// ```compile_fail
/// use patterns_railway::{Errors, ResultExt, accumulate};
///
/// let _: Result<u8, Errors<String>> = accumulate(|mut outer| {
///     let a = outer.take(Ok(1).here());
///     let _: Result<u8, Errors<String>> = accumulate(|inner| inner.finish(|open| open.get(a)));
///     outer.finish(|_| 0)
/// });
/// ```
///
/// ```compile_fail
/// use patterns_railway::{Errors, ResultExt, accumulate};
///
/// let _: Result<u8, Errors<String>> = accumulate(|mut checks| {
///     checks.take(Err::<u8, _>("wrong".to_owned()).here());
///     Ok(0)
/// });
/// ```
pub fn accumulate<R, E>(
    checks: impl for<'id> FnOnce(Checks<'id, E>) -> Finished<'id, R, E>,
) -> Result<R, Errors<E>> {
    let finished = checks(Checks {
        errors: None,
        brand: PhantomData,
    });
    finished.result
}

/// A lifetime that is equal to no other one.
type Brand<'id> = PhantomData<fn(&'id ()) -> &'id ()>;

/// The checks of one call of [`accumulate`].
#[derive(Debug)]
#[must_use = "it ends with `finish`"]
pub struct Checks<'id, E> {
    errors: Option<Errors<E>>,
    brand: Brand<'id>,
}

impl<'id, E> Checks<'id, E> {
    /// Takes a result: keeps its errors, and returns its value behind a [`Checked`].
    pub fn take<R: Placed<Error = E>>(&mut self, result: R) -> Checked<'id, R::Value> {
        let value = match (result.into_result(), &mut self.errors) {
            (Ok(value), _) => Some(value),
            (Err(first), none @ None) => {
                *none = Some(first);
                None
            }
            (Err(more), Some(errors)) => {
                errors.merge(more);
                None
            }
        };
        Checked {
            value,
            brand: PhantomData,
        }
    }

    /// Ends the checks. If all have succeeded, `build` is called, and opens what was checked.
    pub fn finish<R>(self, build: impl FnOnce(Open<'id>) -> R) -> Finished<'id, R, E> {
        let result = match self.errors {
            None => Ok(build(Open { brand: PhantomData })),
            Some(errors) => Err(errors),
        };
        Finished {
            result,
            brand: PhantomData,
        }
    }
}

/// A value that was checked, or the gap that a failed check left.
#[derive(Debug)]
pub struct Checked<'id, T> {
    value: Option<T>,
    brand: Brand<'id>,
}

impl<T> Checked<'_, T> {
    /// Returns the value, if its check has succeeded: for a check that depends on it.
    ///
    /// # Examples
    ///
    /// ```
    /// use patterns_railway::{Errors, ResultExt, accumulate};
    ///
    /// fn range(from: Result<u8, String>, to: Result<u8, String>) -> Result<(u8, u8), Errors<String>> {
    ///     accumulate(|mut checks| {
    ///         let from = checks.take(from.at("from"));
    ///         let to = checks.take(to.at("to"));
    ///         if let (Some(first), Some(last)) = (from.value(), to.value()) {
    ///             checks.take(Ok(()).ensure(|()| first <= last, |()| format!("{last} is before {first}")).here());
    ///         }
    ///         checks.finish(|open| (open.get(from), open.get(to)))
    ///     })
    /// }
    ///
    /// assert_eq!(range(Ok(7), Ok(3)).unwrap_err().to_string(), "3 is before 7");
    /// assert_eq!(range(Ok(7), Err("no number".to_owned())).unwrap_err().to_string(), "to: no number");
    /// ```
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

/// The proof that all checks of a call have succeeded.
#[derive(Debug)]
pub struct Open<'id> {
    brand: Brand<'id>,
}

impl<'id> Open<'id> {
    /// Returns a value that was checked.
    #[must_use]
    pub fn get<T>(&self, checked: Checked<'id, T>) -> T {
        match checked.value {
            Some(value) => value,
            // Whoever has an `Open` has no gap: the brand says so.
            None => unreachable!("a check has failed, and yet all have succeeded"),
        }
    }
}

/// The end of the checks of one call of [`accumulate`], which only [`Checks::finish`] makes.
#[derive(Debug)]
pub struct Finished<'id, R, E> {
    result: Result<R, Errors<E>>,
    brand: Brand<'id>,
}
