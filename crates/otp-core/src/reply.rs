//! `ReplyTo` and the cell between it and the one who waits.
//!
//! Invariants of the cell:
//! 1. It is settled at most once: by the reply, by the deadline, or by what became of the process.
//!    Whoever is second finds an outcome and drops what it brought, outside the lock.
//! 2. `Closed` means that nobody will read: the waiting end was dropped, or was given its outcome.
//! 3. Wakers are taken under the lock and woken after it; values are dropped after it.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::current::{self, Settle, Unanswered};
use crate::error::CallError;
use crate::sync::{Arc, Mutex, Weak};
use crate::waits::Awaited;

/// The right to answer one call, once: OTP's `From`.
///
/// It travels inside the message. A server may answer at once, keep it and answer later, or pass it
/// on to somebody else who answers. Dropped without an answer, it tells the caller
/// [`CallError::NoReply`], or, if it went down with its process, [`CallError::Exited`].
///
/// ```
/// use otp_core::ReplyTo;
///
/// enum Msg {
///     Length(String, ReplyTo<usize>),
/// }
///
/// fn answer(msg: Msg) {
///     match msg {
///         Msg::Length(text, reply) => reply.send(text.len()),
///     }
/// }
/// ```
#[must_use = "a call whose `ReplyTo` is dropped fails with `NoReply`"]
pub struct ReplyTo<T> {
    // `None` only while it is being answered.
    cell: Option<Arc<ReplyCell<T>>>,
}

impl<T> ReplyTo<T> {
    /// Answers the call. If the caller has gone meanwhile, the answer is dropped without a trace.
    #[inline]
    pub fn send(mut self, value: T) {
        if let Some(cell) = self.cell.take() {
            let wakers = cell.put(Ok(value));
            drop(cell);
            wakers.wake();
        }
    }

    /// Tells whether the caller has gone: its time-out has passed or it dropped the call.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cell
            .as_ref()
            .is_none_or(|cell| cell.state.lock().is_over())
    }

    /// Waits until the caller has gone, so that work for it can be given up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn closed(&mut self) {
        poll_fn(|cx| match &self.cell {
            Some(cell) => cell.poll_closed(cx),
            None => Poll::Ready(()),
        })
        .await;
    }
}

impl<T> Drop for ReplyTo<T> {
    fn drop(&mut self) {
        if let Some(cell) = self.cell.take() {
            (cell.abandon)(cell);
        }
    }
}

impl<T> fmt::Debug for ReplyTo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyTo")
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// Makes the two ends of one reply; the second is woken by `waker`.
pub(crate) fn pair<T: Send + 'static>(waker: Option<Waker>) -> (ReplyTo<T>, Awaiting<T>) {
    let cell = Arc::new(ReplyCell {
        state: Mutex::new(State {
            outcome: Outcome::None,
            reader: waker,
            watcher: None,
        }),
        // A function pointer, so that `ReplyTo<T>` and with it the user's messages need no bounds
        // on `T`.
        abandon: |cell| {
            let unanswered: Unanswered = cell;
            if let Err(unanswered) = current::leave_unanswered(unanswered) {
                unanswered.settle(CallError::NoReply);
            }
        },
    });
    (
        ReplyTo {
            cell: Some(Arc::clone(&cell)),
        },
        Awaiting { cell: Some(cell) },
    )
}

/// The end that waits for the reply. Dropping it closes the cell.
#[derive(Debug)]
pub(crate) struct Awaiting<T> {
    // `None` once the outcome was read.
    cell: Option<Arc<ReplyCell<T>>>,
}

impl<T> Awaiting<T> {
    /// The outcome, if there is one. Not to be polled again after it.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        let Some(cell) = self.cell.take() else {
            return Poll::Pending;
        };
        // Who answers lets go of the cell before it wakes the reader. So the reader is mostly alone
        // with it, and a cell that nobody shares needs no lock.
        let cell = match Arc::try_unwrap(cell) {
            Ok(cell) => return Poll::Ready(cell.into_outcome()),
            Err(cell) => cell,
        };
        let poll = cell.poll_reader(cx);
        if poll.is_pending() {
            self.cell = Some(cell);
        }
        poll
    }
}

impl<T: Send + 'static> Awaiting<T> {
    /// A handle by which somebody else may give the outcome. It does not keep the cell.
    #[inline]
    pub(crate) fn settle_handle(&self) -> Weak<dyn Settle> {
        match &self.cell {
            Some(cell) => {
                let weak: Weak<ReplyCell<T>> = Arc::downgrade(cell);
                weak
            }
            None => Weak::<ReplyCell<T>>::new(),
        }
    }
}

impl<T> Drop for Awaiting<T> {
    fn drop(&mut self) {
        let Some(cell) = self.cell.take() else {
            return;
        };
        let mut state = cell.state.lock();
        let (outcome, reader, watcher) = (
            state.take_outcome(),
            state.reader.take(),
            state.watcher.take(),
        );
        drop(state);
        drop((outcome, reader));
        if let Some(watcher) = watcher {
            watcher.wake();
        }
    }
}

pub(crate) struct ReplyCell<T> {
    state: Mutex<State<T>>,
    abandon: fn(Arc<ReplyCell<T>>),
}

struct State<T> {
    outcome: Outcome<T>,
    reader: Option<Waker>,
    // Rarely there, and every call pays for the size of this.
    watcher: Option<Box<Waker>>,
}

enum Outcome<T> {
    None,
    Settled(Result<T, CallError>),
    /// Nobody will read any more.
    Closed,
}

impl<T> State<T> {
    fn is_over(&self) -> bool {
        !matches!(self.outcome, Outcome::None)
    }

    fn take_outcome(&mut self) -> Option<Result<T, CallError>> {
        match mem::replace(&mut self.outcome, Outcome::Closed) {
            Outcome::Settled(outcome) => Some(outcome),
            Outcome::None | Outcome::Closed => None,
        }
    }
}

impl<T> ReplyCell<T> {
    /// Settles the cell, if it is not settled; whoever is returned is to be woken.
    #[inline]
    fn put(&self, value: Result<T, CallError>) -> Wakers {
        let mut state = self.state.lock();
        if state.is_over() {
            drop(state);
            drop(value);
            return Wakers {
                reader: None,
                watcher: None,
            };
        }
        state.outcome = Outcome::Settled(value);
        Wakers {
            reader: state.reader.take(),
            watcher: state.watcher.take(),
        }
    }

    /// The outcome of a cell that nobody else holds.
    fn into_outcome(self) -> Result<T, CallError> {
        match self.state.into_inner().outcome {
            Outcome::Settled(outcome) => outcome,
            // Whoever lets go of a cell settles it first.
            Outcome::None | Outcome::Closed => Err(CallError::NoReply),
        }
    }

    fn poll_reader(&self, cx: &Context<'_>) -> Poll<Result<T, CallError>> {
        let mut waker = None;
        loop {
            let mut state = self.state.lock();
            if state.is_over() {
                let outcome = state.take_outcome();
                drop(state);
                return Poll::Ready(outcome.unwrap_or(Err(CallError::NoReply)));
            }
            if state
                .reader
                .as_ref()
                .is_some_and(|reader| reader.will_wake(cx.waker()))
            {
                return Poll::Pending;
            }
            if waker.is_some() {
                let before = mem::replace(&mut state.reader, waker);
                drop(state);
                drop(before);
                return Poll::Pending;
            }
            // Cloned without the lock, then looked at again.
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = Box::new(cx.waker().clone());
        let mut state = self.state.lock();
        if state.is_over() {
            return Poll::Ready(());
        }
        let before = state.watcher.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl<T: Send> Settle for ReplyCell<T> {
    fn settle(&self, outcome: CallError) {
        self.put(Err(outcome)).wake();
    }
}

impl<T: Send> Awaited for ReplyCell<T> {
    fn is_over(&self) -> bool {
        self.state.lock().is_over()
    }
}

/// Who waits at a cell.
struct Wakers {
    reader: Option<Waker>,
    /// Waits in `ReplyTo::closed`: for its holder, an outcome from elsewhere means that nobody
    /// waits for a reply.
    watcher: Option<Box<Waker>>,
}

impl Wakers {
    #[inline]
    fn wake(self) {
        if let Some(reader) = self.reader {
            reader.wake();
        }
        if let Some(watcher) = self.watcher {
            watcher.wake();
        }
    }
}

impl<T> fmt::Debug for ReplyCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyCell(..)")
    }
}
