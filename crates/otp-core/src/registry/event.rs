//! What happens in a registry, told to those who listen.

use crate::pid::Pid;

/// Something that happened in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryEvent<K, V> {
    /// A process was registered.
    Registered {
        /// Under which key.
        key: K,
        /// The process.
        pid: Pid,
        /// The value of the entry.
        value: V,
    },
    /// An entry is gone: it was taken out, or its process has ended.
    Unregistered {
        /// Under which key.
        key: K,
        /// The process.
        pid: Pid,
    },
}
