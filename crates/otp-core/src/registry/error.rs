//! What can go wrong with a registration.

use std::error::Error;
use std::fmt;

use crate::pid::Pid;

/// Somebody else holds the key, or the process itself does already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlreadyRegistered {
    /// The holder.
    pub pid: Pid,
}

impl fmt::Display for AlreadyRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key is held by {}", self.pid)
    }
}

impl Error for AlreadyRegistered {}
