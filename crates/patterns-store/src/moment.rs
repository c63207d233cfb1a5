//! The moment of one operation on a table.

use std::cell::Cell;
use std::time::Duration;

use otp_core::clock::{Clock, NEVER, after};

/// One moment: the clock is read when it is first asked for, and then not again, so that one operation
/// judges all rows alike. Most need no clock, which costs more than the lookup.
#[derive(Debug)]
pub struct Moment<'a> {
    clock: &'a Clock,
    read: Cell<Option<u64>>,
}

impl<'a> Moment<'a> {
    pub(crate) fn of(clock: &'a Clock) -> Self {
        Self {
            clock,
            read: Cell::new(None),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.read.get().unwrap_or_else(|| {
            let now = self.clock.now();
            self.read.set(Some(now));
            now
        })
    }

    /// Whether `deadline` is over.
    #[inline]
    pub(crate) fn is_over(&self, deadline: u64) -> bool {
        deadline != NEVER && deadline <= self.now()
    }

    /// The deadline of what lives for `ttl` from now on, or for ever.
    pub(crate) fn deadline(&self, ttl: Option<Duration>) -> u64 {
        ttl.map_or(NEVER, |ttl| after(self.now(), ttl))
    }

    /// What is left of the time to live of a row that is live; `NEVER` stays what it is.
    pub(crate) fn left(&self, deadline: u64) -> u64 {
        if deadline == NEVER {
            NEVER
        } else {
            deadline.saturating_sub(self.now())
        }
    }
}
