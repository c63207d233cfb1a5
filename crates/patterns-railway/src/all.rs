//! Independent results into one, with all their errors.

use crate::error::Errors;
use crate::placed::Placed;

/// Makes one result of a tuple of up to 12.
///
/// # Examples
///
/// ```
/// use std::num::ParseIntError;
/// use patterns_railway::{All, Errors, ResultExt};
///
/// fn point(x: &str, y: &str) -> Result<(i32, i32), Errors<ParseIntError>> {
///     (x.parse().at("x"), y.parse().at("y")).all()
/// }
///
/// assert_eq!(point("1", "2"), Ok((1, 2)));
/// assert_eq!(
///     point("1.5", "").unwrap_err().to_string(),
///     "x: invalid digit found in string\ny: cannot parse integer from empty string",
/// );
/// ```
pub trait All: Sized {
    /// Returns the values of all, as a tuple, or the errors of all, in the order in which they stand here.
    ///
    /// All results are there already when this is called: no check is left out because one before it has failed.
    ///
    /// # Errors
    ///
    /// All errors of all results.
    #[inline]
    fn all(self) -> Result<Self::Values, Errors<Self::Error>>
    where
        Self: Gather,
    {
        self.gather()
    }
}

/// A tuple of which each is [`Placed`], and all have the same type of error.
///
/// It is not a part of [`All`] so that the compiler says what is wrong with which of a tuple; of a bound of the trait it would say only that
/// the tuple has no such method.
pub trait Gather {
    type Values;
    type Error;

    fn gather(self) -> Result<Self::Values, Errors<Self::Error>>;
}

macro_rules! impl_all {
    ($($Type:ident $result:ident),+) => {
        impl<$($Type),+> All for ($($Type,)+) {}

        impl<E, $($Type: Placed<Error = E>),+> Gather for ($($Type,)+) {
            type Values = ($($Type::Value,)+);
            type Error = E;

            #[inline]
            fn gather(self) -> Result<Self::Values, Errors<E>> {
                let ($($result,)+) = self;
                match ($($result.into_result(),)+) {
                    ($(Ok($result),)+) => Ok(($($result,)+)),
                    ($($result,)+) => Err(merge([$($result.err(),)+])),
                }
            }
        }
    };
}

impl_all!(A a);
impl_all!(A a, B b);
impl_all!(A a, B b, C c);
impl_all!(A a, B b, C c, D d);
impl_all!(A a, B b, C c, D d, F f);
impl_all!(A a, B b, C c, D d, F f, G g);
impl_all!(A a, B b, C c, D d, F f, G g, H h);
impl_all!(A a, B b, C c, D d, F f, G g, H h, I i);
impl_all!(A a, B b, C c, D d, F f, G g, H h, I i, J j);
impl_all!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k);
impl_all!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k, L l);
impl_all!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k, L l, M m);

/// Makes one list of those that there are; one of them at least is there.
#[cold]
fn merge<E, const N: usize>(lists: [Option<Errors<E>>; N]) -> Errors<E> {
    let merged = lists.into_iter().flatten().reduce(|mut all, next| {
        all.merge(next);
        all
    });
    match merged {
        Some(errors) => errors,
        None => unreachable!("only a tuple with an error is gathered"),
    }
}
