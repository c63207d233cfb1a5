//! What a dispatcher counts, and what it is doing.

use std::sync::Arc;

/// What a dispatcher, or one implementation of it, has counted.
///
/// Of one implementation the counts agree with each other at every moment: `accepted` is `delivered`, the dead letters, `waiting` and `under_way` together.
/// Those of a dispatcher are the sums, read one implementation after the other, removed ones included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatcherStats {
    /// How many deliveries were accepted.
    pub accepted: u64,
    /// How many messages were refused because too many waited.
    pub refused: u64,
    /// How many deliveries succeeded.
    pub delivered: u64,
    /// How many became dead letters because all their attempts had failed.
    pub exhausted: u64,
    /// How many because their failure was not worth another attempt.
    pub not_worth_it: u64,
    /// How many because their time was over.
    pub no_time: u64,
    /// How many because the dispatcher was stopped or the implementation removed.
    pub stopped: u64,
    /// How many wait for their first attempt, or again for one after their process ended.
    pub waiting: usize,
    /// How many are being attempted, or rest between two attempts.
    pub under_way: usize,
    /// How many attempts were begun.
    pub attempts: u64,
    /// How many of them returned an error, or had no implementation because it could not be made.
    pub failed: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many took too long.
    pub timed_out: u64,
    /// How many were interrupted by the end of their process.
    pub interrupted: u64,
}

impl DispatcherStats {
    /// Returns how many deliveries became dead letters, for whatever cause.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.exhausted + self.not_worth_it + self.no_time + self.stopped
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            accepted,
            refused,
            delivered,
            exhausted,
            not_worth_it,
            no_time,
            stopped,
            waiting,
            under_way,
            attempts,
            failed,
            panicked,
            timed_out,
            interrupted,
        } = other;
        self.accepted += accepted;
        self.refused += refused;
        self.delivered += delivered;
        self.exhausted += exhausted;
        self.not_worth_it += not_worth_it;
        self.no_time += no_time;
        self.stopped += stopped;
        self.waiting += waiting;
        self.under_way += under_way;
        self.attempts += attempts;
        self.failed += failed;
        self.panicked += panicked;
        self.timed_out += timed_out;
        self.interrupted += interrupted;
    }
}

/// What a dispatcher is doing at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatcherInfo {
    /// What it is called.
    pub name: String,
    /// Whether its process runs. Until a supervisor has started it, and while one restarts it, deliveries are accepted and wait.
    pub is_running: bool,
    /// Its implementations, in the order in which they were added.
    pub routes: Vec<RouteInfo>,
}

/// What one implementation of a dispatcher is doing at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it accepts deliveries. One that is being removed, or whose dispatcher is being stopped, does not.
    pub is_open: bool,
    /// How many of its workers run.
    pub workers: usize,
    /// What was counted.
    pub stats: DispatcherStats,
}
