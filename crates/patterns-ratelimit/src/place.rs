//! One bucket, wherever it is: what waiting and reserving need of it.

use std::task::Waker;
use std::time::Duration;

use crate::Allowed;
use crate::desk::{Entered, Turn};

/// A taking, with the ticket of its note if it can come back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) allowed: Allowed,
    pub(crate) note: Option<u64>,
}

/// A bucket with its lock and its clock.
pub(crate) trait Place {
    /// Takes what is there, or stands in line.
    fn enter(&self, tokens: u32, longest: Duration) -> Entered;

    /// Lets whoever has this ticket in, if it is time; what they take may come back if `noted`.
    fn turn(&self, ticket: u64, noted: bool, waker: Waker) -> Turn;

    /// Takes somebody out of the line. Returns how long it would have taken them.
    fn leave(&self, ticket: u64, is_refused: bool) -> Duration;

    /// Gives a taking back, or, with no tokens, says that it stays.
    fn give_back(&self, taken: Taken, tokens: u32);
}

/// A bucket of which something is reserved.
pub(crate) trait Settle {
    /// Gives back what was not used of a taking, if it is nothing too: it is settled by that.
    fn refund(&self, taken: Taken, tokens: u32);

    /// Takes what was used beyond a taking.
    fn charge(&self, tokens: u32);
}
