//! What listeners are told.

use otp_core::Pid;

/// Something that happened to a worker of a registry.
///
/// The events of one key come in the order in which they happened, unless a listener's mailbox was full: it misses
/// those, for nobody waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerEvent<K> {
    /// A worker has started.
    Registered {
        /// Under which key.
        key: K,
        /// Its process.
        pid: Pid,
    },
    /// A worker has crashed and was started again.
    Restarted {
        /// Under which key.
        key: K,
        /// Its new process.
        pid: Pid,
        /// How often this worker was started again by now.
        restarts: u64,
    },
    /// A worker that had started is gone for good, and its key is free.
    Unregistered {
        /// Under which key.
        key: K,
        /// Its last process that had started.
        pid: Pid,
    },
}
