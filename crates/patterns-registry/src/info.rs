//! How a registry and its workers are doing.

use std::time::Duration;

use otp_core::Pid;
use tokio::time::Instant;

/// How a registry is doing. Counted, without a question to any process.
///
/// `started` and `restarted` are counted since the registry was made, restarts by a supervisor included; all else is as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryInfo {
    /// The process of the workers' supervisor; `None` when it does not run.
    pub supervisor: Option<Pid>,
    /// Workers whose first `init` has not returned.
    pub starting: usize,
    /// Workers that run.
    pub running: usize,
    /// Workers that have crashed and are being started again.
    pub restarting: usize,
    /// Workers that end. Their keys will be free.
    pub stopping: usize,
    /// How many workers there may be, these four together.
    pub max_workers: Option<usize>,
    /// Workers that have started since the registry was made.
    pub started: u64,
    /// Restarts of workers since the registry was made.
    pub restarted: u64,
}

/// How a worker is doing. Read from counters, without a question to it.
///
/// `handled` and `restarts` are counted since the worker was first started; all else is as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerInfo<K, V = ()> {
    /// Its key.
    pub key: K,
    /// The process that runs it.
    pub pid: Pid,
    /// The value of its entry.
    pub value: V,
    /// When this process of it had started.
    pub started: Instant,
    /// How long that was ago.
    pub uptime: Duration,
    /// Messages that it has begun to handle, calls and casts alike, over all restarts.
    ///
    /// As exact as [`ServerInfo::handled`](otp_core::ServerInfo): while it is busy, up to 64 messages behind.
    pub handled: u64,
    /// Messages that wait for it.
    pub mailbox_len: usize,
    /// How often it was started again.
    pub restarts: u64,
}
