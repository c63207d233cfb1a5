//! Panics of code that is not ours, kept from going further than they must.
//!
//! Whoever runs closures, wakers and drops of others beside its own work needs the same few things: to run them so that a panic is a value, to
//! drop what they left so that a second panic is none, and to know what the panic said. A process does so with everything that a server
//! is; these are the parts, for those who keep their own books around a user's code.
//!
//! A panic is reported by the panic hook when it begins, whoever catches it. With `panic = "abort"` nothing is caught: the program ends.
//!
//! # Examples
//!
//! ```
//! use otp_core::contained;
//!
//! assert_eq!(contained::catch(|| 1 + 1).ok(), Some(2));
//! let panic = contained::catch(|| -> u32 { panic!("no such row") });
//! assert_eq!(&*panic.unwrap_err().message(), "no such row");
//! ```

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

/// What a panic carried.
///
/// Dropping it drops that too; should it panic once more, then that is forgotten.
pub struct Payload(Option<Box<dyn Any + Send>>);

impl Payload {
    /// Returns the panic's text. What is no text reads `Box<dyn Any>`, as the panic hook writes it.
    #[must_use]
    pub fn message(&self) -> Arc<str> {
        text_of(self.carried()).into()
    }

    /// Lets the panic go on, as it was. The panic hook has told of it and is not called again.
    ///
    /// # Panics
    ///
    /// Always: that is what it is for.
    pub fn resume(mut self) -> ! {
        match self.0.take() {
            Some(carried) => resume_unwind(carried),
            None => unreachable!("only its end takes it"),
        }
    }

    /// Returns what the panic carried, as [`catch_unwind`] gives it.
    #[must_use]
    pub fn into_inner(mut self) -> Box<dyn Any + Send> {
        match self.0.take() {
            Some(carried) => carried,
            None => unreachable!("only its end takes it"),
        }
    }

    pub(crate) fn text(&self) -> &str {
        text_of(self.carried())
    }

    fn carried(&self) -> &(dyn Any + Send) {
        match &self.0 {
            Some(carried) => &**carried,
            None => unreachable!("only its end takes it"),
        }
    }
}

impl From<Box<dyn Any + Send>> for Payload {
    fn from(carried: Box<dyn Any + Send>) -> Self {
        Self(Some(carried))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Payload").field(&self.text()).finish()
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let Some(carried) = self.0.take() else {
            return;
        };
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(carried))) {
            // It would have its own turn to panic, and so on: what comes of that is leaked.
            mem::forget(second);
        }
    }
}

#[cold]
pub(crate) fn text_of(carried: &(dyn Any + Send)) -> &str {
    if let Some(text) = carried.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = carried.downcast_ref::<String>() {
        text
    } else {
        "Box<dyn Any>"
    }
}

/// Runs `work`, and returns its panic as a value.
///
/// What `work` had half done when it panicked stays half done: it is for the caller to throw it away, or to know that it is whole.
///
/// # Errors
///
/// What the panic carried.
#[inline]
pub fn catch<R>(work: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(work)).map_err(Payload::from)
}

/// Runs `work`, and forgets its panic.
#[inline]
pub fn contain(work: impl FnOnce()) {
    drop(catch(work));
}

/// Drops a value whose `Drop` may panic, and forgets that panic.
#[inline]
pub fn drop_contained<T>(value: T) {
    contain(move || drop(value));
}

/// Wakes whoever waits, if anybody does, and forgets a panic of the waker.
#[inline]
pub fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        contain(move || waker.wake());
    }
}

/// Wakes each of them, whatever the others' wakers do.
pub fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        wake(Some(waker));
    }
}

/// A value whose `Drop` may panic; the panic goes no further than this one's drop.
#[derive(Debug)]
pub struct Contained<T>(pub(crate) Option<T>);

impl<T> Contained<T> {
    /// Puts a value in.
    pub fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Takes the value out again, to be dropped as any other.
    #[must_use]
    pub fn into_inner(mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => unreachable!("only its end takes it"),
        }
    }
}

impl<T> Deref for Contained<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("only its end takes it"),
        }
    }
}

impl<T> DerefMut for Contained<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(value) => value,
            None => unreachable!("only its end takes it"),
        }
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            drop_contained(value);
        }
    }
}

/// Runs a future, and returns its panic as a value; see [`Caught`].
///
/// # Examples
///
/// ```
/// use otp_core::contained;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let panic = contained::catch_future(async { panic!("no such host") }).await;
/// assert_eq!(&*panic.unwrap_err().message(), "no such host");
/// # }
/// ```
pub fn catch_future<F: Future>(future: F) -> Caught<F> {
    Caught {
        future: Some(future),
    }
}

pin_project! {
    /// A future whose panic is its outcome.
    ///
    /// The inner one is dropped before the outcome is told, and a panic of that drop counts as well. Dropped before its end it drops the
    /// inner one, whose panic then goes on as any other. Polled after its end it is pending for ever.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Caught<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F> Caught<F> {
    /// Whether the outcome was told.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.future.is_none()
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Payload>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut future = self.project().future;
        let polled = catch(|| match future.as_mut().as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        });
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(panic),
        };
        let Err(panic) = catch(|| future.set(None)) else {
            return Poll::Ready(outcome);
        };
        // As in tokio, whose future panics when it is dropped has panicked; its value goes the same way.
        drop_contained(outcome);
        Poll::Ready(Err(panic))
    }
}
