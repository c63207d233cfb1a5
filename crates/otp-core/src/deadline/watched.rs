//! The calls in flight to one server, written down in its mailbox.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::Deadlines;
use crate::current::Settle;
use crate::error::CastError;
use crate::slot::Slot;
use crate::sync::{Arc, Weak};

/// Calls that are over are swept out when there are this many, then whenever their number has
/// doubled.
const FIRST_SWEEP: usize = 32;

/// One call in flight.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) call: Weak<dyn Settle>,
    pub(super) timeout: Duration,
    /// When it was armed, if the clock was read.
    pub(super) armed: Option<Instant>,
}

impl Entry {
    /// Tells whether anybody still holds the call's reply cell.
    pub(super) fn in_flight(&self) -> bool {
        self.call.strong_count() > 0
    }
}

/// The calls to a server since the ticker looked last; there while the ticker watches the server.
#[derive(Debug)]
pub(crate) struct Calls {
    entries: Vec<Entry>,
    sweep_at: usize,
}

impl Calls {
    fn new() -> Self {
        Self {
            entries: Vec::new(),
            sweep_at: FIRST_SWEEP,
        }
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        if self.entries.len() >= self.sweep_at {
            self.sweep();
        }
    }

    #[cold]
    fn sweep(&mut self) {
        // The cells are dropped already. What goes here is their plain memory.
        self.entries.retain(Entry::in_flight);
        self.sweep_at = (self.entries.len() * 2).max(FIRST_SWEEP);
    }
}

/// A server that the ticker watches.
pub(super) trait Watched: Send + Sync {
    /// Moves the calls made since the last look into `into`. Where there were none, the server is not
    /// watched any more and `false` is returned.
    fn take_calls(&self, into: &mut Vec<Entry>) -> bool;
}

impl<M: Send> Watched for Slot<M> {
    fn take_calls(&self, into: &mut Vec<Entry>) -> bool {
        let mut inner = self.inner.lock();
        let Some(calls) = &mut inner.calls else {
            return false;
        };
        if calls.entries.is_empty() {
            inner.calls = None;
            return false;
        }
        calls.sweep_at = FIRST_SWEEP;
        let mut entries = mem::take(&mut calls.entries);
        drop(inner);
        into.extend(entries.drain(..).filter(Entry::in_flight));
        // A server that is called all the time gets its memory back.
        let mut inner = self.inner.lock();
        if let Some(calls) = inner
            .calls
            .as_mut()
            .filter(|calls| calls.entries.capacity() == 0)
        {
            calls.entries = entries;
        }
        true
    }
}

impl<M: Send + 'static> Slot<M> {
    /// Accepts the message of a call whose deadline is counted from now, or gives it back.
    #[inline]
    pub(crate) fn push_call(
        self: &Arc<Self>,
        message: M,
        call: Weak<dyn Settle>,
        timeout: Duration,
        deadlines: &Deadlines,
    ) -> Result<(), CastError<M>> {
        let entry = Entry {
            call,
            timeout,
            armed: deadlines.stamp(),
        };
        let mut inner = self.inner.lock();
        if let Some(refused) = self.refusal(&mut inner) {
            drop(inner);
            return Err(refused(message));
        }
        let mut ticker = None;
        match &mut inner.calls {
            Some(calls) => calls.push(entry),
            None => {
                inner.calls.insert(Box::new(Calls::new())).push(entry);
                let slot = Arc::clone(self);
                ticker = deadlines.watch(slot);
            }
        }
        inner.queue.push_back(message);
        let waker = inner.unpark();
        drop(inner);
        if let Some(ticker) = ticker {
            ticker.wake();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}
