//! The queue of a subscription as publishers and the subscriber share it.
//!
//! Invariants:
//! 1. What was accepted is received, or displaced by a later one, or thrown away with the subscription, or still waits.
//! 2. Once there is an end nothing more is accepted; it is set under the lock.
//! 3. A subscriber leaves its waker in the critical section in which it finds nothing; whoever adds something takes it.
//! 4. Nothing is woken and no message dropped under the lock.

use std::task::{Poll, Waker};

use otp_core::contained::{catch, drop_contained, wake};

use crate::queue::{Popped, Pushed, Queue, WhenFull};
use crate::stats::Tally;
use crate::subscription::Ended;
use crate::sync::Mutex;
use crate::{Event, KeyOf, LatestKey, Message, Overflow};

/// What became of a message that was offered to a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It has it.
    Accepted,
    /// There was no room.
    Refused,
    /// The same, and it is no subscriber any more for that.
    Overflown,
    /// It is no subscriber any more.
    Gone,
}

pub(crate) struct Mailbox<M> {
    state: Mutex<State<M>>,
    key: Option<KeyOf<M>>,
}

struct State<M> {
    queue: Queue<Message<M>>,
    phase: Phase,
    /// What comes while the retained messages are not in yet.
    held: Vec<(Message<M>, Option<LatestKey>)>,
    /// Whether a disconnected subscriber has still to be told so.
    to_tell: bool,
    waker: Option<Waker>,
    tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Until the retained messages are in.
    Holding,
    Ended(Ended),
}

impl<M> Mailbox<M> {
    pub(crate) fn new(capacity: usize, overflow: Overflow<M>) -> Self {
        let (queue, key) = match overflow {
            Overflow::DropOldest => (Queue::new(capacity, WhenFull::DropOldest), None),
            Overflow::DropNewest => (Queue::new(capacity, WhenFull::DropNewest), None),
            Overflow::Disconnect => (Queue::new(capacity, WhenFull::Disconnect), None),
            Overflow::Unbounded => (Queue::new(usize::MAX, WhenFull::DropNewest), None),
            Overflow::KeepLatest(key) => (Queue::latest(capacity), Some(key)),
        };
        Self {
            state: Mutex::new(State {
                queue,
                phase: Phase::Open,
                held: Vec::new(),
                to_tell: false,
                waker: None,
                tally: Tally::default(),
            }),
            key,
        }
    }

    /// Has what comes held back until [`begin`](Self::begin).
    pub(crate) fn hold(&self) {
        self.state.lock().phase = Phase::Holding;
    }

    /// Puts the retained messages in, and then what came meanwhile.
    pub(crate) fn begin(&self, retained: Vec<Message<M>>) {
        let keyed: Vec<_> = retained
            .into_iter()
            .map(|message| {
                let key = self.key_of(&message);
                (message, key)
            })
            .collect();
        let mut left_over = Vec::new();
        let mut state = self.state.lock();
        if state.phase == Phase::Holding {
            state.phase = Phase::Open;
        }
        for (message, key) in keyed {
            let Some(key) = key else {
                state.queue.lose();
                state.tally.refused += 1;
                left_over.push(message);
                continue;
            };
            state.tally.retained += 1;
            let (offer, dropped) = state.put(message, key);
            if offer != Offer::Accepted {
                state.tally.retained -= 1;
            }
            left_over.extend(dropped);
        }
        for (message, key) in std::mem::take(&mut state.held) {
            let (offer, dropped) = state.put(message, key);
            if offer != Offer::Accepted {
                // Its publisher was told that it was accepted.
                state.tally.refused -= 1;
                state.tally.displaced += 1;
            }
            left_over.extend(dropped);
        }
        drop(state);
        left_over.into_iter().for_each(drop_contained);
    }

    /// Offers a message.
    #[inline]
    pub(crate) fn push(&self, message: Message<M>) -> Offer {
        match self.key_of(&message) {
            Some(key) => self.push_keyed(message, key),
            None => self.lose(message),
        }
    }

    /// The key of a message, if this queue has keys; `None` if it panicked. Before the lock: it is the program's code.
    #[inline]
    fn key_of(&self, message: &Message<M>) -> Option<Option<LatestKey>> {
        match &self.key {
            None => Some(None),
            Some(key) => catch(|| key.of(message)).ok().map(Some),
        }
    }

    #[inline]
    fn push_keyed(&self, message: Message<M>, key: Option<LatestKey>) -> Offer {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Open => {}
            Phase::Holding => {
                state.held.push((message, key));
                return Offer::Accepted;
            }
            Phase::Ended(_) => {
                drop(state);
                drop_contained(message);
                return Offer::Gone;
            }
        }
        let (offer, left_over) = state.put(message, key);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        if let Some(left_over) = left_over {
            drop_contained(left_over);
        }
        offer
    }

    /// Counts a message as missing: its key could not be found.
    #[cold]
    fn lose(&self, message: Message<M>) -> Offer {
        let mut state = self.state.lock();
        let offer = if state.ended().is_some() {
            Offer::Gone
        } else {
            state.queue.lose();
            state.tally.refused += 1;
            Offer::Refused
        };
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        drop_contained(message);
        offer
    }

    /// What would become of one more message, if anything that is lost is refused.
    pub(crate) fn room(&self) -> Offer {
        let state = self.state.lock();
        match state.ended() {
            Some(_) => Offer::Gone,
            None if state.queue.has_room() => Offer::Accepted,
            None => Offer::Refused,
        }
    }

    /// The next event if there is one; `Ready(None)` after the last.
    #[inline]
    pub(crate) fn try_next(&self) -> Poll<Option<Event<M>>> {
        self.state.lock().next()
    }

    /// The same; leaves the waker if there is nothing.
    pub(crate) fn next_or_park(&self, waker: Waker) -> Poll<Option<Event<M>>> {
        let mut state = self.state.lock();
        let next = state.next();
        let before = match next {
            Poll::Pending => state.waker.replace(waker),
            Poll::Ready(_) => Some(waker),
        };
        drop(state);
        drop_contained(before);
        next
    }

    /// Ends the subscription, unless it has ended; what waits can still be received.
    pub(crate) fn end(&self, end: Ended) -> bool {
        let mut state = self.state.lock();
        let first = state.ended().is_none();
        if first {
            state.end(end);
        }
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        first
    }

    /// Takes all that waits out, as received.
    pub(crate) fn flush(&self) -> Vec<Message<M>> {
        let mut state = self.state.lock();
        let taken = state.queue.take();
        state.tally.received += taken.len() as u64;
        taken
    }

    /// Ends the subscription for good: what waits is thrown away and counted. Returns its counts.
    pub(crate) fn discard(&self) -> Tally {
        let mut state = self.state.lock();
        if state.ended().is_none() {
            state.end(Ended::Removed);
        }
        let thrown = state.queue.take();
        let held = std::mem::take(&mut state.held);
        state.tally.discarded += (thrown.len() + held.len()) as u64;
        let tally = state.tally;
        let waker = state.waker.take();
        drop(state);
        drop_contained(waker);
        thrown.into_iter().for_each(drop_contained);
        held.into_iter().for_each(drop_contained);
        tally
    }

    /// What waits, oldest first.
    pub(crate) fn messages(&self) -> Vec<Message<M>> {
        let mut waiting = Vec::new();
        let state = self.state.lock();
        waiting.reserve_exact(state.queue.len());
        state
            .queue
            .for_each(|message| waiting.push(message.clone()));
        waiting
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.state.lock().ended()
    }

    /// Tells whether it has ended and nothing is left to be told.
    pub(crate) fn is_finished(&self) -> bool {
        let state = self.state.lock();
        state.ended().is_some()
            && !state.to_tell
            && state.held.is_empty()
            && state.queue.is_exhausted()
    }

    /// Its counts, with what waits now.
    pub(crate) fn tally(&self) -> Tally {
        let state = self.state.lock();
        Tally {
            queued: (state.queue.len() + state.held.len()) as u64,
            ..state.tally
        }
    }
}

impl<M> Drop for Mailbox<M> {
    /// Whoever is the last to have it, a publisher perhaps, must not suffer from what the key function holds.
    fn drop(&mut self) {
        drop_contained(self.key.take());
    }
}

impl<M> State<M> {
    const fn ended(&self) -> Option<Ended> {
        match self.phase {
            Phase::Ended(end) => Some(end),
            Phase::Open | Phase::Holding => None,
        }
    }

    /// Ends it. What is held came before the end, and waits as the rest does.
    fn end(&mut self, end: Ended) {
        self.phase = Phase::Ended(end);
    }

    /// Puts a message into the queue; returns what has to be dropped for it.
    #[inline]
    fn put(&mut self, message: Message<M>, key: Option<LatestKey>) -> (Offer, Option<Message<M>>) {
        match self.queue.push(message, key) {
            Pushed::Accepted => (Offer::Accepted, None),
            Pushed::Displaced(oldest) => {
                self.tally.displaced += 1;
                (Offer::Accepted, Some(oldest))
            }
            Pushed::Refused(message) => {
                self.tally.refused += 1;
                (Offer::Refused, Some(message))
            }
            Pushed::Overflown(message) => {
                self.tally.refused += 1;
                self.end(Ended::Overflow);
                self.to_tell = true;
                (Offer::Overflown, Some(message))
            }
        }
    }

    #[inline]
    fn next(&mut self) -> Poll<Option<Event<M>>> {
        match self.queue.pop() {
            Some(Popped::Item(message)) => {
                self.tally.received += 1;
                Poll::Ready(Some(Event::Message(message)))
            }
            Some(Popped::Lost(lost)) => Poll::Ready(Some(Event::Lost(lost))),
            None if self.ended().is_none() => Poll::Pending,
            None if std::mem::take(&mut self.to_tell) => Poll::Ready(Some(Event::Disconnected)),
            None => Poll::Ready(None),
        }
    }
}
