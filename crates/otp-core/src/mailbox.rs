//! The mailbox: what a process is told, in one total order.
//!
//! Invariants:
//! 1. The process swaps the whole queue out and works it off without the lock. What it has not
//!    begun when it ends goes back to the front.
//! 2. What is told and is no message carries its place: the number of messages accepted before it.
//!    It is due once so many have been begun, and never overtakes one of them.
//! 3. In a bounded mailbox `queue + in_hand + reserved ≤ capacity`. `in_hand` falls outside the
//!    lock, so a sender may see less room than there is, never more.
//! 4. While a sender waits for room nobody else is let in before it. The waiting sender raises
//!    `SENDERS` and then reads `in_hand`; the process lowers `in_hand` and then reads the signals.
//!    Both are sequentially consistent, so one of them sees the other and lets the sender in.

use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::contained::wake_all;
use crate::error::CastError;
use crate::exit_reason::ExitReason;
use crate::exits::{Down, Exit, Origin};
use crate::signals;
use crate::slot::{Inner, Slot};
use crate::sync::{Arc, Mutex, Ordering, Weak};
use crate::waits::Awaited;
use crate::watch::ServerChange;

/// A queue that had room for more messages than this gives its memory back when it is found empty.
const KEPT_CAPACITY: usize = 128;

/// What a process is told that is no message of its own.
pub(crate) enum Told<M> {
    /// To stop, when its turn comes.
    Stop(ExitReason),
    /// What came of a background task.
    TaskDone(u64, Box<dyn FnOnce() -> M + Send>),
    /// A trapped exit signal.
    Exit(Box<Exit>, Origin),
    /// The end of a monitored process.
    Down(Box<Down>),
    /// What a watched server did, by the number of the watch.
    Change(u64, ServerChange),
}

/// Takes out the next thing told, if its place has come.
pub(crate) fn pop_due<M>(told: &mut VecDeque<(u64, Told<M>)>, begun: u64) -> Option<Told<M>> {
    let (place, _) = told.front()?;
    if *place > begun {
        return None;
    }
    told.pop_front().map(|(_, told)| told)
}

/// Takes out everything told that is `which`.
pub(crate) fn take_told<M>(
    told: &mut VecDeque<(u64, Told<M>)>,
    which: impl Fn(&Told<M>) -> bool,
) -> VecDeque<(u64, Told<M>)> {
    if !told.iter().any(|(_, told)| which(told)) {
        return VecDeque::new();
    }
    let (taken, kept) = mem::take(told)
        .into_iter()
        .partition(|(_, told)| which(told));
    *told = kept;
    taken
}

/// What the process got when it asked for more work.
pub(crate) enum Taken<M> {
    /// Messages, in the batch.
    Messages,
    /// Something told; there may be messages in the batch too.
    Told(VecDeque<(u64, Told<M>)>),
    /// Nothing: the process is parked.
    Parked,
    /// Nothing, and nobody is left who could send anything.
    Abandoned,
}

impl<M> Slot<M> {
    /// Accepts a message, or gives it back.
    #[inline]
    pub(crate) fn push(&self, message: M) -> Result<(), CastError<M>> {
        let mut inner = self.inner.lock();
        if let Some(refused) = self.refusal(&mut inner) {
            drop(inner);
            return Err(refused(message));
        }
        inner.queue.push_back(message);
        let waker = inner.unpark();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// How a message is to be refused, if it is.
    #[inline]
    pub(crate) fn refusal<E>(&self, inner: &mut Inner<M>) -> Option<fn(E) -> CastError<E>> {
        if inner.is_shut() {
            Some(CastError::NoProc)
        } else if self.is_bounded() && !self.has_room(inner) {
            Some(CastError::Full)
        } else {
            None
        }
    }

    /// Accepts a message that is made only once its place is sure.
    ///
    /// `make` runs without the lock. If the server ends meanwhile, the message counts as accepted
    /// and dropped.
    pub(crate) fn push_made<E>(
        &self,
        event: E,
        make: impl FnOnce(E) -> M,
    ) -> Result<(), CastError<E>> {
        let mut inner = self.inner.lock();
        if let Some(refused) = self.refusal(&mut inner) {
            drop(inner);
            return Err(refused(event));
        }
        inner.reserved += 1;
        drop(inner);

        let place = Reserved(self);
        let message = make(event);
        mem::forget(place);

        let mut inner = self.inner.lock();
        inner.reserved -= 1;
        if inner.is_shut() {
            inner.dropped += 1;
            drop(inner);
            drop(message);
            return Ok(());
        }
        inner.queue.push_back(message);
        let waker = inner.unpark();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Accepts a message, or lets it wait for room; gives it back if there is no process.
    pub(crate) fn push_or_wait(
        &self,
        message: M,
        waker: &Waker,
    ) -> Result<Option<QueuedSend<M>>, M> {
        let message = match self.push(message) {
            Ok(()) => return Ok(None),
            Err(CastError::NoProc(message)) => return Err(message),
            Err(CastError::Full(message)) => message,
        };
        let sender = Arc::new(WaitingSender(Mutex::new(Sending::Waiting(
            message,
            waker.clone(),
        ))));
        let mut inner = self.inner.lock();
        if inner.is_shut() {
            drop(inner);
            return match sender.take() {
                Some(message) => Err(message),
                None => Ok(None),
            };
        }
        let senders = &mut inner.extras().senders;
        if senders.len() == senders.capacity() {
            // Before it grows: those who gave up need no place in the line.
            senders.retain(|sender| !sender.has_gone());
        }
        senders.push_back(Arc::clone(&sender));
        self.signals.fetch_or(signals::SENDERS, Ordering::SeqCst);
        drop(inner);
        // Room may have appeared before the process could know that somebody waits. Left out, it is the
        // fault by which `cargo xtask schedules --broken` shows that the checker finds one.
        #[cfg(not(otp_schedules_broken))]
        self.admit_senders();
        Ok(Some(QueuedSend(sender)))
    }

    fn has_room(&self, inner: &mut Inner<M>) -> bool {
        let nobody_waits = inner
            .extras
            .as_ref()
            .is_none_or(|extras| extras.senders.is_empty());
        nobody_waits && self.room(inner)
    }

    fn room(&self, inner: &Inner<M>) -> bool {
        inner.queue.len() + self.in_hand.load(Ordering::SeqCst) + inner.reserved < self.capacity
    }

    /// Lets waiting senders in, first come first served, as far as there is room.
    #[cold]
    pub(crate) fn admit_senders(&self) {
        let mut admitted = Vec::new();
        let mut inner = self.inner.lock();
        while self.room(&inner) {
            let Some(sender) = inner
                .extras
                .as_mut()
                .and_then(|extras| extras.senders.pop_front())
            else {
                self.signals.fetch_and(!signals::SENDERS, Ordering::SeqCst);
                break;
            };
            let mut sending = sender.0.lock();
            if let Sending::Waiting(..) = *sending
                && let Sending::Waiting(message, waker) =
                    mem::replace(&mut *sending, Sending::Accepted)
            {
                inner.queue.push_back(message);
                admitted.push(waker);
            }
        }
        let process = if inner.queue.is_empty() {
            None
        } else {
            inner.unpark()
        };
        drop(inner);
        wake_all(admitted.into_iter().chain(process));
    }

    /// Tells incarnation `number` something that is no message; gives it back if that one has
    /// ended.
    pub(crate) fn tell(&self, number: u64, told: Told<M>) -> Result<(), Told<M>> {
        let mut inner = self.inner.lock();
        if !self.is_running(&inner, number) {
            return Err(told);
        }
        let place = inner.place();
        inner.extras().told.push_back((place, told));
        let waker = inner.unpark();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Swaps out everything that waits; parks the process if there is nothing.
    pub(crate) fn take_or_park(&self, batch: &mut VecDeque<M>) -> Taken<M> {
        debug_assert!(batch.is_empty());
        let mut inner = self.inner.lock();
        let told = inner
            .extras
            .as_mut()
            .filter(|extras| !extras.told.is_empty());
        let told = told.map(|extras| mem::take(&mut extras.told));
        if inner.queue.is_empty() && told.is_none() {
            if self.handles.load(Ordering::Acquire) == 0 {
                return Taken::Abandoned;
            }
            inner.parked = true;
            if inner.queue.capacity() > KEPT_CAPACITY || batch.capacity() > KEPT_CAPACITY {
                let long = mem::take(&mut inner.queue);
                drop(inner);
                drop((long, mem::take(batch)));
            }
            return Taken::Parked;
        }
        mem::swap(&mut inner.queue, batch);
        inner.taken += batch.len() as u64;
        // Senders read it under this lock; only when it falls does the order towards the signals
        // count.
        self.in_hand.store(batch.len(), Ordering::Relaxed);
        told.map_or(Taken::Messages, Taken::Told)
    }

    /// Puts what was swapped out and not begun back to the front of the queue.
    pub(crate) fn give_back(&self, batch: &mut VecDeque<M>) {
        let mut inner = self.inner.lock();
        inner.taken -= batch.len() as u64;
        self.in_hand.store(0, Ordering::Relaxed);
        batch.append(&mut inner.queue);
        mem::swap(&mut inner.queue, batch);
    }
}

/// A promised place; given up if making the message panics.
struct Reserved<'a, M>(&'a Slot<M>);

impl<M> Drop for Reserved<'_, M> {
    fn drop(&mut self) {
        self.0.inner.lock().reserved -= 1;
        self.0.admit_senders();
    }
}

/// A message whose sender waits for room.
pub(crate) struct WaitingSender<M>(Mutex<Sending<M>>);

enum Sending<M> {
    Waiting(M, Waker),
    Accepted,
    Refused(M),
    Gone,
}

impl<M> WaitingSender<M> {
    fn take(&self) -> Option<M> {
        // A statement of its own, so that the waker is dropped after the lock.
        let before = mem::replace(&mut *self.0.lock(), Sending::Gone);
        match before {
            Sending::Waiting(message, _) | Sending::Refused(message) => Some(message),
            Sending::Accepted | Sending::Gone => None,
        }
    }

    fn has_gone(&self) -> bool {
        matches!(*self.0.lock(), Sending::Gone)
    }

    /// Gives the message back, for the process has ended.
    pub(crate) fn refuse(&self) {
        let mut sending = self.0.lock();
        match mem::replace(&mut *sending, Sending::Gone) {
            Sending::Waiting(message, waker) => {
                *sending = Sending::Refused(message);
                drop(sending);
                waker.wake();
            }
            other => *sending = other,
        }
    }
}

/// The waiting sender's own end. Dropping it takes the message out of the line.
pub(crate) struct QueuedSend<M>(Arc<WaitingSender<M>>);

impl<M: Send + 'static> QueuedSend<M> {
    /// What the sender waits for.
    pub(crate) fn awaited(&self) -> Weak<dyn Awaited> {
        let weak: Weak<WaitingSender<M>> = Arc::downgrade(&self.0);
        weak
    }
}

impl<M: Send> Awaited for WaitingSender<M> {
    fn is_over(&self) -> bool {
        !matches!(*self.0.lock(), Sending::Waiting(..))
    }
}

impl<M> QueuedSend<M> {
    /// Whether the message was accepted; a refused one comes back.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(), M>> {
        let waker = cx.waker().clone();
        let mut sending = self.0.0.lock();
        match mem::replace(&mut *sending, Sending::Gone) {
            Sending::Waiting(message, before) => {
                *sending = Sending::Waiting(message, waker);
                drop(sending);
                drop(before);
                Poll::Pending
            }
            Sending::Accepted => {
                *sending = Sending::Accepted;
                Poll::Ready(Ok(()))
            }
            Sending::Refused(message) => Poll::Ready(Err(message)),
            Sending::Gone => Poll::Pending,
        }
    }
}

impl<M> Drop for QueuedSend<M> {
    fn drop(&mut self) {
        // The message is the user's: its drop comes after the lock.
        drop(self.0.take());
    }
}
