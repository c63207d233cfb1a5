//! Whether a worker was started, or there already.

use std::fmt;

use otp_core::ServerRef;

/// The address of a worker, and whether this call started it.
pub enum Started<M> {
    /// The call started it.
    New(ServerRef<M>),
    /// It was there, or somebody else was starting it.
    Existing(ServerRef<M>),
}

impl<M> Started<M> {
    /// Returns the address, whoever started the worker.
    pub fn into_server(self) -> ServerRef<M> {
        match self {
            Self::New(server) | Self::Existing(server) => server,
        }
    }

    /// Tells whether the call started it.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }
}

// By hand: derived ones would ask the same of messages.
impl<M> Clone for Started<M> {
    fn clone(&self) -> Self {
        match self {
            Self::New(server) => Self::New(server.clone()),
            Self::Existing(server) => Self::Existing(server.clone()),
        }
    }
}

/// Equal if they lead to the same worker and say the same of its start.
impl<M> PartialEq for Started<M> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::New(a), Self::New(b)) | (Self::Existing(a), Self::Existing(b)) => a == b,
            _ => false,
        }
    }
}

impl<M> Eq for Started<M> {}

impl<M> fmt::Debug for Started<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(server) => f.debug_tuple("New").field(server).finish(),
            Self::Existing(server) => f.debug_tuple("Existing").field(server).finish(),
        }
    }
}
