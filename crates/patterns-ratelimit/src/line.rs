//! Those who wait for one bucket, first come, first served.

use std::collections::BTreeMap;
use std::task::Waker;

/// Who waits, in the order in which they came.
///
/// 1. Tickets are given out in order and never twice, so the first one is that of whoever came first.
/// 2. `tokens` is what all of them wait for together.
/// 3. Wakers are handed out to be woken or dropped without the lock under which the line is.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiters: BTreeMap<u64, Waiter>,
    next: u64,
    tokens: u64,
}

#[derive(Debug)]
struct Waiter {
    tokens: u32,
    waker: Option<Waker>,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// How many tokens all of them wait for.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }

    pub(crate) fn enter(&mut self, tokens: u32) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.tokens += u64::from(tokens);
        let waiter = Waiter {
            tokens,
            waker: None,
        };
        self.waiters.insert(ticket, waiter);
        ticket
    }

    /// What whoever has this ticket waits for, if it is their turn.
    pub(crate) fn first(&self, ticket: u64) -> Option<u32> {
        let (first, waiter) = self.waiters.first_key_value()?;
        (*first == ticket).then_some(waiter.tokens)
    }

    /// What is waited for before this ticket's turn is over, its own tokens too.
    pub(crate) fn tokens_until(&self, ticket: u64) -> u64 {
        let until = self.waiters.range(..=ticket);
        until.map(|(_, waiter)| u64::from(waiter.tokens)).sum()
    }

    /// Leaves a waker with the ticket. Returns the one that is of no more use, to be dropped.
    pub(crate) fn leave_waker(&mut self, ticket: u64, waker: Waker) -> Option<Waker> {
        match self.waiters.get_mut(&ticket) {
            Some(waiter) => waiter.waker.replace(waker),
            None => Some(waker),
        }
    }

    /// Takes a ticket out. Returns the wakers that have to be dropped and to be woken: its own, and that of whoever is first now, if that is a change.
    pub(crate) fn leave(&mut self, ticket: u64) -> (Option<Waker>, Option<Waker>) {
        let was_first = self.first(ticket).is_some();
        let Some(waiter) = self.waiters.remove(&ticket) else {
            return (None, None);
        };
        self.tokens -= u64::from(waiter.tokens);
        let next = if was_first { self.first_waker() } else { None };
        (waiter.waker, next)
    }

    /// The waker of whoever is first, for something has changed.
    pub(crate) fn first_waker(&mut self) -> Option<Waker> {
        self.waiters.first_entry()?.get_mut().waker.take()
    }
}
