//! How a pool is doing.

use std::panic::Location;
use std::time::Duration;

use otp_core::Pid;

use crate::CreateError;

/// How a pool is doing. All of it is of one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PoolInfo {
    /// Whether it lends: it was started, and has not ended.
    pub open: bool,
    /// How many members there are to be at most, but for the overflow.
    pub size: usize,
    /// How many more may be made when all are in use.
    pub max_overflow: usize,
    /// Members that are idle.
    pub available: usize,
    /// Members that borrowers have, or were given and have not fetched yet.
    pub in_use: usize,
    /// Members that the pool itself is checking or looking at.
    pub checking: usize,
    /// Members that are being made.
    pub starting: usize,
    /// Members that have left and are being closed.
    pub closing: usize,
    /// Checkouts that wait for a member.
    pub waiting: usize,
    /// Why the last member could not be made, unless one could since.
    pub last_failure: Option<CreateError>,
    /// Each member, the oldest first.
    pub members: Vec<MemberInfo>,
}

/// How a member is doing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MemberInfo {
    /// Its number in the pool, from 1 on. It is never used again.
    pub id: u64,
    /// Its process, if it is one.
    pub pid: Option<Pid>,
    /// Where it is.
    pub status: MemberStatus,
    /// How long a borrower has had it, if one has.
    ///
    /// Without `leak_after`, the time that this borrower had to wait for it is counted in: reading the clock once more would cost a tenth
    /// of a checkout that waits.
    pub out_for: Option<Duration>,
    /// Where it was checked out, if it is.
    pub taken_at: Option<&'static Location<'static>>,
    /// Whether its process runs; `true` if it is none.
    pub alive: bool,
    /// How often it has come back from a borrower.
    pub jobs: u64,
    /// How long ago it was made.
    pub age: Duration,
}

/// Where a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberStatus {
    /// Nobody has it.
    Idle,
    /// A borrower has it, or was given it and has not fetched it yet.
    InUse,
    /// The pool is checking it, or looking at it for [`retain`](crate::Pool::retain).
    Checking,
}
