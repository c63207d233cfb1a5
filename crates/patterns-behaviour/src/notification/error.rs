//! Why a channel did not deliver.

use std::borrow::Cow;
use std::error::Error;
use std::{fmt, io};

/// Why a channel did not deliver.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChannelError {
    /// For this reason.
    Failed(Cow<'static, str>),
    /// It is closed.
    Closed,
    /// Writing or sending failed.
    Io(io::Error),
    /// Any other error, of a channel of yours.
    Other(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => f.write_str(reason),
            Self::Closed => f.write_str("the channel is closed"),
            Self::Io(error) => error.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl Error for ChannelError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(_) | Self::Closed => None,
            // Its text is this one's, so its source comes next.
            Self::Io(error) => error.source(),
            Self::Other(error) => error.source(),
        }
    }
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
