//! What can go wrong with a fault.

use std::error::Error;
use std::fmt;

use otp_core::CallError;

use crate::path::Lost;

/// Why a fault hit nobody.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FaultError {
    /// There is no child at this path.
    NotFound,
    /// The child does not run at the moment: stopped, or about to be restarted.
    NotRunning,
    /// A supervisor on the way could not be asked.
    Call(CallError),
}

impl FaultError {
    /// Tells whether a supervisor on the way did not answer in time.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Call(CallError::Timeout))
    }
}

impl From<Lost> for FaultError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NotFound => Self::NotFound,
            Lost::Call(error) => Self::Call(error),
        }
    }
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no child at this path"),
            Self::NotRunning => f.write_str("the child does not run"),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl Error for FaultError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Call(error) => error.source(),
            Self::NotFound | Self::NotRunning => None,
        }
    }
}
