//! How a server is started.

use std::time::Duration;

use crate::bad_option::BadOption;
use crate::error::StartError;
use crate::sync::Arc;

/// How a server is started: its name, its mailbox and how long `init` may take.
///
/// ```
/// use std::time::Duration;
/// use otp_core::ServerOptions;
///
/// let options = ServerOptions::default().name("mailer").bounded(1_000).start_timeout(Duration::from_secs(10));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ServerOptions {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) capacity: usize,
    pub(crate) start_timeout: Duration,
}

impl Default for ServerOptions {
    /// No name, an unbounded mailbox, no limit for `init`.
    fn default() -> Self {
        Self {
            name: None,
            capacity: usize::MAX,
            start_timeout: Duration::MAX,
        }
    }
}

impl ServerOptions {
    /// Names the server, for log events, listings and `Debug`. Names need not differ. Default:
    /// none.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Bounds the mailbox to `capacity` accepted messages that are not begun yet. Default:
    /// unbounded.
    ///
    /// When it is full, `cast` hands its message back, `cast_wait` and `call` wait for room. From 1
    /// to `usize::MAX`, which means unbounded; with 0 `start` fails with
    /// [`StartError::BadOption`].
    pub fn bounded(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Limits the time that `init` may take. Default: `Duration::MAX`, no limit.
    ///
    /// When it has passed, the process is killed and `start` gives [`StartError::Timeout`]. The state is
    /// dropped by then, unless `init` takes longer than another 100 ms to reach an `.await`: code that
    /// never awaits cannot be killed.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    pub(crate) fn check(&self) -> Result<(), StartError> {
        if self.capacity == 0 {
            return Err(StartError::BadOption(BadOption {
                option: "bounded",
                allowed: "1 or more",
            }));
        }
        Ok(())
    }
}
