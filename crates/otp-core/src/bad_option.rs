//! An option that cannot be.

use std::error::Error;
use std::fmt;

/// An option has a value that is not allowed.
///
/// What checks its options says so with this, here and in the pattern crates: whatever starts, within its [`StartError`](crate::StartError); what is
/// only made, as it is.
///
/// # Examples
///
/// ```
/// use otp_core::BadOption;
///
/// let bad = BadOption { option: "max_entries", allowed: "1 or more" };
/// assert_eq!(bad.to_string(), "option `max_entries` must be 1 or more");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadOption {
    /// The option's name: that of the field or the method that sets it.
    pub option: &'static str,
    /// What it may be.
    pub allowed: &'static str,
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "option `{}` must be {}", self.option, self.allowed)
    }
}

impl Error for BadOption {}
