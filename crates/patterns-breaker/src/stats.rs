//! What a breaker counts.

use crate::State;

/// What a [`Breaker`](crate::Breaker) has counted, and what it is at.
///
/// `state`, `failure_count`, `success_count`, `window` and `in_flight` are what is now. The totals, from `calls` on, run from its making,
/// or from the last [`reset_stats`](crate::Breaker::reset_stats). All that were admitted are somewhere: `calls` is the sum of
/// `successes`, `failures`, `ignored`, `cancelled` and `in_flight`, at every moment. While others use the breaker, totals are read
/// one after the other and may be a few calls apart from `state`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerStats {
    /// The state it is in.
    pub state: State,
    /// Failures in a row; 0 unless it is closed or ramping.
    pub failure_count: u32,
    /// Trials in a row that have succeeded; 0 unless it is half-open.
    pub success_count: u32,
    /// What is in the window, if there is one; it is empty unless the breaker is closed or ramping.
    pub window: Option<WindowStats>,
    /// Calls let through that have not ended.
    pub in_flight: usize,
    /// Calls let through.
    pub calls: u64,
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed, timed out or panicked.
    pub failures: u64,
    /// Calls that counted as neither.
    pub ignored: u64,
    /// Calls that were given up: their future or permit was dropped.
    pub cancelled: u64,
    /// How many of the failures took longer than their limit.
    pub timeouts: u64,
    /// Calls not let through. They are not in `calls`.
    pub rejected: u64,
}

/// What is in the window of a [`Breaker`](crate::Breaker).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowStats {
    /// How many calls.
    pub calls: usize,
    /// How many of them failed.
    pub failures: usize,
    /// How many of them were slow.
    pub slow: usize,
}
