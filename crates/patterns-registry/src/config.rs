//! What a registry can be told at its start.

use std::time::Duration;

use otp_core::{Restart, ServerOptions, Shutdown};

use crate::BadOption;

/// The options of a [`WorkerRegistry`](crate::WorkerRegistry).
///
/// Each has a default, so a config is best written with the fields that differ and
/// `..RegistryConfig::default()` for the rest, which also keeps it compiling when options are added.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_registry::RegistryConfig;
///
/// let config = RegistryConfig {
///     max_workers: Some(10_000),
///     idle_timeout: Some(Duration::from_secs(600)),
///     ..RegistryConfig::default()
/// };
/// assert_eq!((config.max_restarts, config.restart_period), (3, Duration::from_secs(5)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// What the workers are called in log events and tree snapshots. Default: `worker`.
    pub name: String,

    /// How many workers there are at most, those that start, restart or stop included; 1 or more. Default: `None`,
    /// **no bound**: whoever asks for ever new keys fills the memory.
    ///
    /// With so many there, a start is refused with
    /// [`StartWorkerError::MaxWorkers`](crate::StartWorkerError::MaxWorkers).
    pub max_workers: Option<usize>,

    /// How long a worker that has nothing to do stays, more than zero. Default: `None`, until it is stopped.
    ///
    /// Its time begins when it has handled what it was sent, and begins anew with each message, timer or result. It
    /// then ends with [`ExitReason::Normal`](otp_core::ExitReason::Normal), but never while a call or cast by its key is
    /// on the way: if one is when the time is over, the time begins anew. What is sent to an address that was looked up
    /// is not guarded in this way.
    ///
    /// Not together with [`Restart::Permanent`], which would start it again at once. Timers have a resolution of 1 ms.
    pub idle_timeout: Option<Duration>,

    /// When a worker that has ended is started again. Default: [`Restart::Transient`], unless it ended in order.
    pub restart: Restart,

    /// How many restarts of one worker are borne within [`restart_period`](Self::restart_period). Default: 3.
    ///
    /// With one more, that worker is given up, and its key is free; others are not touched. Zero gives a worker
    /// up at its first crash.
    pub max_restarts: usize,

    /// The time within which restarts are counted, more than zero. Default: 5 s.
    pub restart_period: Duration,

    /// How a worker is stopped. Default: [`Shutdown::Timeout`] of 5 s.
    ///
    /// It is asked to end, which it does when the handler in hand has returned, and killed if it has not by then.
    pub shutdown: Shutdown,

    /// How long a worker's `init` may take, restarts included; more than zero. Default: `None`, without limit.
    ///
    /// When it has passed, the worker is killed, and the start fails with
    /// [`StartWorkerError::Timeout`](crate::StartWorkerError::Timeout).
    pub start_timeout: Option<Duration>,

    /// How many accepted messages may wait for one worker, 1 or more. Default: `None`, **no bound**.
    ///
    /// When its mailbox is full, a cast is refused with [`CastWorkerError::Full`](crate::CastWorkerError::Full), and a
    /// call waits for room within its own time.
    pub mailbox_capacity: Option<usize>,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self {
            name: "worker".to_owned(),
            max_workers: None,
            idle_timeout: None,
            restart: Restart::Transient,
            max_restarts: 3,
            restart_period: Duration::from_secs(5),
            shutdown: Shutdown::Timeout(Duration::from_secs(5)),
            start_timeout: None,
            mailbox_capacity: None,
        }
    }
}

impl RegistryConfig {
    pub(crate) fn check(&self) -> Result<(), BadOption> {
        let zero = Some(Duration::ZERO);
        let fault = if self.max_workers == Some(0) {
            Some(("max_workers", "1 or more, or `None` for no bound"))
        } else if self.idle_timeout == zero {
            Some(("idle_timeout", "more than zero, or `None` for never"))
        } else if self.idle_timeout.is_some() && self.restart == Restart::Permanent {
            Some(("idle_timeout", "`None` where `restart` is `Permanent`"))
        } else if self.restart_period.is_zero() {
            Some(("restart_period", "more than zero"))
        } else if self.start_timeout == zero {
            Some(("start_timeout", "more than zero, or `None` for no limit"))
        } else if self.mailbox_capacity == Some(0) {
            Some(("mailbox_capacity", "1 or more, or `None` for no bound"))
        } else {
            None
        };
        match fault {
            Some((option, allowed)) => Err(BadOption { option, allowed }),
            None => Ok(()),
        }
    }

    /// The options of each worker's process.
    pub(crate) fn server_options(&self) -> ServerOptions {
        ServerOptions::default()
            .bounded(self.mailbox_capacity.unwrap_or(usize::MAX))
            .start_timeout(self.start_timeout.unwrap_or(Duration::MAX))
    }
}
