//! Tasks that wait for the same thing, each under a ticket, so that one that gives up can be taken out.
//!
//! The list stands under a lock of its owner's, and nothing in it runs a task's code: wakers are put in, and come out to be woken or dropped when the
//! lock is free.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

use crate::contained;

/// The place of one that waits. It is given at its first wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticket(u64);

impl Ticket {
    /// Tells whether it has waited, and may stand in the list.
    #[must_use]
    pub const fn is_given(self) -> bool {
        self.0 != 0
    }
}

/// Those who wait.
#[derive(Debug, Default)]
pub struct Wakers {
    waiting: BTreeMap<u64, Waker>,
    last: u64,
}

impl Wakers {
    /// Has `waker` woken next time. Returns the one that it replaces, to be dropped without any lock.
    #[must_use = "it is to be dropped without any lock"]
    pub fn wait(&mut self, ticket: &mut Ticket, waker: Waker) -> Option<Waker> {
        if ticket.0 == 0 {
            self.last += 1;
            ticket.0 = self.last;
        }
        self.waiting.insert(ticket.0, waker)
    }

    /// Takes one who waits out. Returns its waker, to be dropped without any lock.
    #[must_use = "it is to be dropped without any lock"]
    pub fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        self.waiting.remove(&ticket.0)
    }

    /// Takes all out, to be woken without any lock.
    #[inline]
    pub fn take(&mut self) -> Woken {
        if self.waiting.is_empty() {
            return Woken(BTreeMap::new());
        }
        Woken(mem::take(&mut self.waiting))
    }
}

/// Those who are to be woken.
#[derive(Debug)]
#[must_use = "they are to be woken"]
pub struct Woken(BTreeMap<u64, Waker>);

impl Woken {
    /// Wakes each of them, whatever the others' wakers do.
    #[inline]
    pub fn wake(self) {
        if !self.0.is_empty() {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(self) {
        contained::wake_all(self.0.into_values());
    }
}
