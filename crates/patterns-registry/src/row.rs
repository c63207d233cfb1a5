//! One entry of the table.

use std::hash::Hash;
use std::sync::Arc;

use otp_core::{Pid, ServerRef};
use tokio::time::Instant;

use crate::flight::Flight;

/// What a key can be.
pub(crate) trait Key: Hash + Eq + Clone + Send + Sync + 'static {}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Key for K {}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its first `init` has not returned.
    Starting,
    /// It runs.
    Running,
    /// It has crashed, or is about to: its next incarnation is to be expected.
    Restarting,
    /// It ends, or is asked to: its key will be free.
    Stopping,
}

/// A key, and its worker if it runs: what a lookup reads. The rest stands elsewhere, so that more entries fit into a cache
/// line.
pub(crate) struct Row<K, M, V> {
    pub(crate) key: K,
    /// There in [`Phase::Running`] alone.
    pub(crate) running: Option<ServerRef<M>>,
    pub(crate) about: Box<About<M, V>>,
}

pub(crate) struct About<M, V> {
    pub(crate) server: ServerRef<M>,
    pub(crate) phase: Phase,
    /// The key's, so that the table grows without the program's code.
    pub(crate) hash: u64,
    /// Tells this worker from those that had the key before.
    pub(crate) id: u64,
    pub(crate) flight: Arc<Flight>,
    pub(crate) value: Arc<V>,
    pub(crate) up: Option<Up>,
}

/// The incarnation that came up last.
#[derive(Clone)]
pub(crate) struct Up {
    pub(crate) pid: Pid,
    pub(crate) since: Instant,
    /// How many there were before it.
    pub(crate) restarts: u64,
}
