//! One bucket, wherever it is: what waiting and reserving need of it.

use std::task::Waker;
use std::time::Duration;

use crate::Allowed;
use crate::desk::{Entered, Turn};

/// A taking that can be given back, and the version of the quotas that it was taken of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) allowed: Allowed,
    pub(crate) version: u64,
}

/// A bucket with its lock and its clock.
pub(crate) trait Place {
    /// Takes what is there, or stands in line.
    fn enter(&self, tokens: u32, longest: Duration) -> Entered;

    /// Lets whoever has this ticket in, if it is time. The version is that of a taking.
    fn turn(&self, ticket: u64, waker: Waker) -> (Turn, u64);

    /// Takes somebody out of the line. Returns how long it would have taken them.
    fn leave(&self, ticket: u64, is_refused: bool) -> Duration;

    /// Gives a taking back.
    fn give_back(&self, taken: Taken, tokens: u32);
}

/// A bucket of which something is reserved.
pub(crate) trait Settle {
    /// Gives back what was not used of a taking.
    fn refund(&self, taken: Taken, tokens: u32);

    /// Takes what was used beyond a taking.
    fn charge(&self, tokens: u32);
}
