//! What listeners are told.

use std::panic::Location;
use std::time::Duration;

use otp_core::ExitReason;

use crate::CreateError;

/// Something that happened to a member of a pool.
///
/// A listener whose mailbox is full misses events: nobody waits for it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PoolEvent {
    /// A member was made.
    Created {
        /// Its id.
        id: u64,
    },
    /// A member could not be made.
    CreateFailed {
        /// The id that it would have had.
        id: u64,
        /// Why.
        cause: CreateError,
        /// When it is tried again, if somebody still needs it.
        retry_in: Duration,
    },
    /// A member that is a server has ended by itself. If it is needed, another one is made.
    Crashed {
        /// Its id.
        id: u64,
        /// Why it ended.
        reason: ExitReason,
    },
    /// A member is in use for longer than `leak_after`. It is reported once per checkout.
    Leaked(Leak),
}

/// A member that somebody has had for long, and perhaps has forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leak {
    /// The member's id.
    pub id: u64,
    /// How long it is in use.
    pub held: Duration,
    /// Where it was checked out: file, line and column.
    pub taken_at: &'static Location<'static>,
}
