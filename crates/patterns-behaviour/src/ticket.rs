//! The promise of a report.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::{DeadLetter, Delivered};

/// The end of a delivery.
pub(crate) type Outcome<M, T, E> = Result<Delivered<T>, DeadLetter<M, E>>;

/// The report of an accepted delivery, to be awaited.
///
/// There is always one, whatever becomes of the dispatcher: a success, or the [`DeadLetter`] with the message. Who does not care drops the
/// ticket; the delivery goes on. It can be awaited anywhere, also outside a runtime.
///
/// # Cancel safety
///
/// Polling may be given up and taken up again.
///
/// # Panics
///
/// When it is polled after it has given its report, as any future may.
pub struct Ticket<M, T, E> {
    pub(crate) implementation: Arc<str>,
    pub(crate) answer: oneshot::Receiver<Outcome<M, T, E>>,
}

impl<M, T, E> Ticket<M, T, E> {
    /// Returns the name of the implementation that the message was accepted for.
    #[must_use]
    pub fn implementation(&self) -> &Arc<str> {
        &self.implementation
    }
}

impl<M, T, E> Future for Ticket<M, T, E> {
    type Output = Result<Delivered<T>, DeadLetter<M, E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer)
            .poll(cx)
            .map(|answer| answer.expect("each accepted delivery is reported once"))
    }
}

impl<M, T, E> fmt::Debug for Ticket<M, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("implementation", &self.implementation)
            .finish_non_exhaustive()
    }
}
