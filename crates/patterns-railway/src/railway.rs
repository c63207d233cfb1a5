//! A future of a result, with the methods of `Result`.

mod contained;
mod entry;
mod steps;
mod steps_async;
mod switch;
mod then;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pub use entry::RailwayExt;

pub(crate) use then::Then;

pin_project! {
    /// A future of a `Result`, with the methods of `Result`: a chain of steps, sync and async mixed, with one `.await` at its end.
    ///
    /// It begins with a method of [`ResultExt`](crate::ResultExt) whose name ends in `_async`, or with [`RailwayExt::railway`] on any future of a
    /// result. The methods are `Result`'s own, and do what they do there; those that end in `_async` take a closure that returns a future, and those
    /// that only look (`inspect_async`, `inspect_err_async`, `check_async`) an async closure that borrows. They are inherent, so the traits
    /// of the `futures` crate do not get in their way.
    ///
    /// Nothing runs before it is polled. The steps run one after the other; on the error track those of the value track are skipped, and the other
    /// way round, and their closures are dropped unused. No step is boxed: a chain is about as large as what its largest step has to keep, and it is `Send`
    /// if its parts are.
    ///
    /// # Panics
    ///
    /// If a closure or a future does, to whoever polls it; `try_catch` and `try_catch_async` make an error of it. A step that is polled after it has completed, or after a
    /// panic, panics.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future of the step that is under way, and the closures of those that come after. A step that was done has been done: nothing is undone.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use patterns_railway::RailwayExt;
    ///
    /// async fn load(id: u32) -> Result<String, String> {
    ///     if id == 7 { Ok(" ann ".to_owned()) } else { Err(format!("no user {id}")) }
    /// }
    ///
    /// async fn default_user() -> String {
    ///     "nobody".to_owned()
    /// }
    ///
    /// let name = load(8)
    ///     .railway()
    ///     .map(|name| name.trim().to_owned())
    ///     .inspect_err(|error| println!("{error}"))
    ///     .unwrap_or_else_async(|_| default_user())
    ///     .await;
    /// assert_eq!(name, "nobody");
    /// # }
    /// ```
    #[must_use = "a chain does nothing unless it is awaited"]
    pub struct Railway<F> {
        #[pin]
        future: F,
    }
}

impl<F> Railway<F> {
    pub(crate) const fn new(future: F) -> Self {
        Self { future }
    }
}

impl<F: Future> Future for Railway<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx)
    }
}

impl<F> fmt::Debug for Railway<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Railway").finish_non_exhaustive()
    }
}
