//! How an agent is doing.

use std::sync::Arc;

use otp_core::ServerState;

/// How an agent is doing, as of the moment of asking. Asking costs the agent nothing.
///
/// `state` and `waiting` are of now. `version`, `handled`, `panicked` and `refused` are counted since the start, over all restarts, and
/// only grow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentInfo {
    /// The name given in the options.
    pub name: Option<Arc<str>>,
    /// What its process is doing.
    pub state: ServerState,
    /// The version of the state: how many states there were.
    pub version: u64,
    /// Closures accepted and not begun.
    pub waiting: usize,
    /// Closures begun. Written when the process has worked off what was waiting, or after 64 at the
    /// latest.
    pub handled: u64,
    /// Closures, and checks of a validator, that panicked.
    pub panicked: u64,
    /// Changes that were refused: by the validator, or by a bound.
    pub refused: u64,
}
