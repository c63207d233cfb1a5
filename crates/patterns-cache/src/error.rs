//! What can go wrong with a cache: only its start.

use std::error::Error;
use std::fmt;

/// Why a cache did not start.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_cache::{Cache, CacheConfig};
///
/// let config = CacheConfig { max_entries: Some(0), ..CacheConfig::default() };
/// let error = Cache::<u64, u64>::start(config).await.unwrap_err();
/// assert_eq!(error.to_string(), "option `max_entries` must be 1 or more, or `None` for no bound");
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// An option of [`CacheConfig`](crate::CacheConfig) is outside its range.
    BadOption {
        /// The field's name.
        option: &'static str,
        /// The values that it can have.
        allowed: &'static str,
    },
    /// The process that sweeps did not start, for instance because there is no tokio runtime here.
    Server(otp_core::StartError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadOption { option, allowed } => write!(f, "option `{option}` must be {allowed}"),
            Self::Server(_) => f.write_str("the sweeping process did not start"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::BadOption { .. } => None,
            Self::Server(error) => Some(error),
        }
    }
}
