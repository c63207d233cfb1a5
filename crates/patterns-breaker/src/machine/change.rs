//! What a machine is told, and what it tells.

use crate::event::Cause;
use crate::{Outcome, State};

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) cause: Cause,
    pub(crate) at: u64,
    /// Until when it is open, if it is now.
    pub(crate) until: Option<u64>,
}

/// Why a call is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) state: State,
    /// When to try again; `NEVER` if only a reset helps.
    pub(crate) again: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Recorded(Outcome),
    /// Without an outcome: its permit was dropped.
    Cancelled,
}
