//! What a breaker counts.

use crate::State;

/// What a [`Breaker`](crate::Breaker) has counted, and what it is at.
///
/// Totals run from its making, or from the last [`reset_stats`](crate::Breaker::reset_stats). All that were admitted are somewhere:
/// `total_calls` is the sum of `total_successes`, `total_failures`, `total_ignored`, `total_cancelled` and `in_flight`, at every
/// moment. While others use the breaker, totals are read one after the other and may be a few calls apart from `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    pub in_flight: u64,
    /// Calls let through.
    pub total_calls: u64,
    /// Calls that succeeded.
    pub total_successes: u64,
    /// Calls that failed, timed out or panicked.
    pub total_failures: u64,
    /// Calls that counted as neither.
    pub total_ignored: u64,
    /// Calls that were given up: their future or permit was dropped.
    pub total_cancelled: u64,
    /// How many of the failures took longer than their limit.
    pub total_timeouts: u64,
    /// Calls not let through. They are not in `total_calls`.
    pub total_rejected: u64,
}

/// What is in the window of a [`Breaker`](crate::Breaker).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowStats {
    /// How many calls.
    pub calls: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them were slow.
    pub slow: u64,
}
