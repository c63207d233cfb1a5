//! How a supervisor is doing.

use otp_core::{ChildInfo, Strategy};

/// One supervisor and its children, without what is below them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TreeInfo {
    /// Its strategy.
    pub strategy: Strategy,
    /// How many children run.
    pub running: usize,
    /// How many children it knows, running or not.
    pub specs: usize,
    /// Its children, in the order in which they are started.
    pub children: Vec<ChildInfo>,
}
