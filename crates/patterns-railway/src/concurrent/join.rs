//! A tuple of futures into one result.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::all::All;
use crate::error::Errors;
use crate::placed::Placed;
use crate::railway::{Railway, Then};

/// Makes one future of a tuple of up to 12 futures of results.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_railway::{AllConcurrent, RailwayExt};
///
/// async fn free_name(name: &str) -> Result<String, String> {
///     tokio::task::yield_now().await; // asks a database
///     if name == "root" { Err("is taken".to_owned()) } else { Ok(name.to_owned()) }
/// }
///
/// async fn stock(amount: u32) -> Result<u32, String> {
///     if amount > 3 { Err("3 are left".to_owned()) } else { Ok(amount) }
/// }
///
/// let order = (free_name("root").at("name"), stock(5).at("amount")).all_concurrent().await;
/// assert_eq!(order.unwrap_err().to_string(), "name: is taken\namount: 3 are left");
/// # }
/// ```
pub trait AllConcurrent: Sized {
    /// Runs all of them side by side in the task that awaits this, and returns the values of all, or the errors of all, in the order in which they
    /// stand here, whichever ends first.
    ///
    /// All are run to their end, whatever comes of the others. Each time the task is woken, all that are not done are polled; for many futures, see
    /// [`each_concurrent`](crate::each_concurrent).
    ///
    /// # Panics
    ///
    /// If one of them does; the others go with it when the future is dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops all of them.
    fn all_concurrent(
        self,
    ) -> Railway<impl Future<Output = Result<Self::Values, Errors<Self::Error>>>>
    where
        Self: GatherConcurrent,
    {
        Railway::new(self.gather_concurrent())
    }
}

/// A tuple of which each is a future of something [`Placed`], and all have the same type of error.
///
/// It is not a part of [`AllConcurrent`] so that the compiler says what is wrong with which of a tuple.
pub trait GatherConcurrent {
    type Values;
    type Error;

    fn gather_concurrent(self) -> impl Future<Output = Result<Self::Values, Errors<Self::Error>>>;
}

/// The futures of a tuple, in pairs of pairs: `a` beside (`b` beside `c`).
macro_rules! side_by_side {
    ($last:ident) => { $last.into_future() };
    ($first:ident, $($rest:ident),+) => {
        Both::new($first.into_future(), side_by_side!($($rest),+))
    };
}

/// The pattern of what they give.
macro_rules! pairs {
    ($last:ident) => { $last };
    ($first:ident, $($rest:ident),+) => { ($first, pairs!($($rest),+)) };
}

macro_rules! impl_all_concurrent {
    ($($Type:ident $future:ident),+) => {
        impl<$($Type),+> AllConcurrent for ($($Type,)+) {}

        impl<E, $($Type),+> GatherConcurrent for ($($Type,)+)
        where
            $($Type: IntoFuture<Output: Placed<Error = E>>),+
        {
            type Values = ($(<$Type::Output as Placed>::Value,)+);
            type Error = E;

            fn gather_concurrent(self) -> impl Future<Output = Result<Self::Values, Errors<E>>> {
                let ($($future,)+) = self;
                Then::new(side_by_side!($($future),+), |pairs!($($future),+)| {
                    ($($future,)+).all()
                })
            }
        }
    };
}

impl_all_concurrent!(A a);
impl_all_concurrent!(A a, B b);
impl_all_concurrent!(A a, B b, C c);
impl_all_concurrent!(A a, B b, C c, D d);
impl_all_concurrent!(A a, B b, C c, D d, F f);
impl_all_concurrent!(A a, B b, C c, D d, F f, G g);
impl_all_concurrent!(A a, B b, C c, D d, F f, G g, H h);
impl_all_concurrent!(A a, B b, C c, D d, F f, G g, H h, I i);
impl_all_concurrent!(A a, B b, C c, D d, F f, G g, H h, I i, J j);
impl_all_concurrent!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k);
impl_all_concurrent!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k, L l);
impl_all_concurrent!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k, L l, M m);

pin_project! {
    /// Two futures side by side.
    struct Both<A: Future, B: Future> {
        #[pin]
        first: Maybe<A>,
        #[pin]
        second: Maybe<B>,
    }
}

impl<A: Future, B: Future> Both<A, B> {
    const fn new(first: A, second: B) -> Self {
        Self {
            first: Maybe::Running { future: first },
            second: Maybe::Running { future: second },
        }
    }
}

impl<A: Future, B: Future> Future for Both<A, B> {
    type Output = (A::Output, B::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let first_is_done = this.first.as_mut().poll_until_done(cx);
        let second_is_done = this.second.as_mut().poll_until_done(cx);
        if first_is_done && second_is_done {
            Poll::Ready((this.first.take(), this.second.take()))
        } else {
            Poll::Pending
        }
    }
}

pin_project! {
    /// A future that keeps its output until the others are done.
    #[project = MaybeProjection]
    #[project_replace = MaybeReplaced]
    enum Maybe<F: Future> {
        Running {
            #[pin]
            future: F,
        },
        Done {
            output: F::Output,
        },
        Taken,
    }
}

impl<F: Future> Maybe<F> {
    /// Tells whether it is done, and polls it if it is not.
    fn poll_until_done(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let MaybeProjection::Running { future } = self.as_mut().project() else {
            return true;
        };
        let Poll::Ready(output) = future.poll(cx) else {
            return false;
        };
        self.set(Self::Done { output });
        true
    }

    fn take(self: Pin<&mut Self>) -> F::Output {
        match self.project_replace(Self::Taken) {
            MaybeReplaced::Done { output } => output,
            // What comes after the tuple is a step, which never polls what is done.
            MaybeReplaced::Running { .. } | MaybeReplaced::Taken => {
                unreachable!("it was done a moment ago")
            }
        }
    }
}
