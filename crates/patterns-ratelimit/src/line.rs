//! Those who wait for one bucket, first come, first served, and takings of it that may come back.

use std::collections::BTreeMap;
use std::task::Waker;

/// Who waits, in the order in which they came, and what was taken that may be given back.
///
/// 1. Tickets are given out in order and never twice, so the first one is that of whoever came first.
/// 2. `tokens` is what all of them wait for together.
/// 3. Of each taking that may come back, `taken` has the TAT that it left, as it would be now: moved down with each taking before it that came back.
/// 4. Wakers are handed out to be woken or dropped without the lock under which the line is.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiters: BTreeMap<u64, Waiter>,
    next: u64,
    tokens: u64,
    taken: BTreeMap<u64, u64>,
}

#[derive(Debug)]
struct Waiter {
    tokens: u32,
    waker: Option<Waker>,
}

impl Line {
    /// Whether nobody waits, and nothing may come back.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty() && self.taken.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// How many tokens all of them wait for.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }

    fn ticket(&mut self) -> u64 {
        let ticket = self.next;
        self.next += 1;
        ticket
    }

    /// Remembers a taking that left the TAT at `left`, for it may come back. Returns a ticket for that.
    pub(crate) fn note(&mut self, left: u64) -> u64 {
        let ticket = self.ticket();
        self.taken.insert(ticket, left);
        ticket
    }

    /// Takes a note out, and returns where its taking left the TAT, as it would be now.
    pub(crate) fn settle(&mut self, ticket: u64) -> Option<u64> {
        self.taken.remove(&ticket)
    }

    /// What was taken after the TAT was at `left` is `units` further down now.
    pub(crate) fn move_down(&mut self, left: u64, units: u64) {
        for later in self.taken.values_mut().filter(|later| **later > left) {
            *later -= units;
        }
    }

    /// Nothing of what was taken comes back any more.
    pub(crate) fn forgive(&mut self) {
        self.taken.values_mut().for_each(|left| *left = 0);
    }

    pub(crate) fn enter(&mut self, tokens: u32) -> u64 {
        let ticket = self.ticket();
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
