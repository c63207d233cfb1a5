//! Those who wait for something new, each under a number, so that who gives up can be taken out.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

use otp_core::contained::wake;

/// The number of one who waits; zero before its first wait.
pub(crate) type Ticket = u64;

#[derive(Debug, Default)]
pub(crate) struct Wakers {
    waiting: BTreeMap<Ticket, Waker>,
    last: Ticket,
}

impl Wakers {
    /// Has `waker` woken at the next change. Returns the one that it replaces, to be dropped without any lock.
    pub(crate) fn wait(&mut self, ticket: &mut Ticket, waker: Waker) -> Option<Waker> {
        if *ticket == 0 {
            self.last += 1;
            *ticket = self.last;
        }
        self.waiting.insert(*ticket, waker)
    }

    /// Takes one who waits out.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        self.waiting.remove(&ticket)
    }

    /// Takes all out, to be woken without any lock.
    #[inline]
    pub(crate) fn take(&mut self) -> Woken {
        if self.waiting.is_empty() {
            return Woken(BTreeMap::new());
        }
        Woken(mem::take(&mut self.waiting))
    }
}

/// Those who are to be woken.
#[must_use]
pub(crate) struct Woken(BTreeMap<Ticket, Waker>);

impl Woken {
    #[inline]
    pub(crate) fn wake(self) {
        if !self.0.is_empty() {
            self.wake_all();
        }
    }

    /// Each of them, whatever the others do.
    #[cold]
    fn wake_all(self) {
        for waker in self.0.into_values() {
            wake(Some(waker));
        }
    }
}
