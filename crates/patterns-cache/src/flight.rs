//! One load of one key, and all who wait for it: single flight.
//!
//! Invariants:
//! 1. A flight lands once, with a value or without one. Whoever waits for it then is woken, and
//!    whoever comes later does not wait.
//! 2. A value is there before anybody is told of the landing.
//! 3. Who gives up waiting leaves nothing behind.
//! 4. No waker is woken, cloned or dropped, and no value cloned, under the lock.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use otp_core::wakers::{Ticket, Wakers};

use crate::sync::Mutex;

#[derive(Debug)]
pub(crate) struct Flight<V> {
    value: OnceLock<V>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    landed: bool,
    wakers: Wakers,
}

impl<V> Flight<V> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            value: OnceLock::new(),
            waiting: Mutex::default(),
        })
    }

    /// Ends the flight: all who wait get the value, or are told that there is none.
    pub(crate) fn land(&self, value: Option<V>) {
        if let Some(value) = value {
            // It lands once, so nothing is there before.
            let _ = self.value.set(value);
        }
        let mut waiting = self.waiting.lock();
        waiting.landed = true;
        let wakers = waiting.wakers.take();
        drop(waiting);
        wakers.wake();
    }

    /// Waits until it has landed.
    pub(crate) fn wait(self: Arc<Self>) -> Wait<V> {
        Wait {
            flight: self,
            ticket: Ticket::default(),
        }
    }

    /// What it landed with, as far as it has.
    pub(crate) fn value(&self) -> Option<&V> {
        self.value.get()
    }
}

/// A place among those who wait for a flight. It gives the flight back, with which it has landed.
#[derive(Debug)]
pub(crate) struct Wait<V> {
    flight: Arc<Flight<V>>,
    ticket: Ticket,
}

impl<V> Future for Wait<V> {
    type Output = Arc<Flight<V>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = cx.waker().clone();
        let flight = Arc::clone(&self.flight);
        let mut waiting = flight.waiting.lock();
        if waiting.landed {
            drop(waiting);
            self.ticket = Ticket::default();
            return Poll::Ready(flight);
        }
        let before = waiting.wakers.wait(&mut self.ticket, waker);
        drop(waiting);
        drop(before);
        Poll::Pending
    }
}

impl<V> Drop for Wait<V> {
    fn drop(&mut self) {
        if self.ticket.is_given() {
            let waker = self.flight.waiting.lock().wakers.leave(self.ticket);
            drop(waker);
        }
    }
}
