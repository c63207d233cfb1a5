//! What a dispatcher can be told at its start.

use std::time::Duration;

use otp_core::backoff::{Backoff, Jitter};

use crate::BadOption;

/// The options of a [`Dispatcher`](crate::Dispatcher), and of a single [`Route`](crate::Route) that is to differ.
///
/// Each has a default, so a config is best written with the fields that differ and `..DispatcherConfig::default()` for the rest, which
/// also keeps it compiling when options are added.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_behaviour::DispatcherConfig;
///
/// let config = DispatcherConfig {
///     max_attempts: 10,
///     attempt_timeout: Duration::from_secs(1),
///     ..DispatcherConfig::default()
/// };
/// assert_eq!(config.max_waiting, 1_024);
/// ```
#[derive(Debug, Clone)]
pub struct DispatcherConfig {
    /// What the dispatcher is called in log events and listings. Default: `dispatcher`. That of a route counts for nothing.
    pub name: String,

    /// How many deliveries may wait for one implementation, 1 or more. Default: 1,024.
    ///
    /// Those that are under way do not count. `usize::MAX` is without limit.
    pub max_waiting: usize,

    /// How many deliveries of one implementation may be under way at the same time, from 1 to 1,024. Default: 1, which keeps their order.
    ///
    /// Each has a process of its own, and an implementation of its own if the route makes them.
    pub workers: usize,

    /// How many attempts a delivery has, 1 or more. Default: 5. `u32::MAX` is without limit.
    pub max_attempts: u32,

    /// How long one attempt may take, more than zero. Default: 5 s. [`Duration::MAX`] is without limit.
    pub attempt_timeout: Duration,

    /// How long a delivery may take from its acceptance, waiting and all attempts included, more than zero. Default:
    /// [`Duration::MAX`], without limit.
    pub delivery_timeout: Duration,

    /// How long to rest after a failed attempt. Default: 100 ms, doubled up to 10 s, half of it by chance ([`Jitter::Equal`]).
    pub backoff: Backoff,

    /// How long a [`stop`](crate::Dispatcher::stop) or [`remove`](crate::Dispatcher::remove) goes on with what was accepted, any duration.
    /// Default: 5 s.
    ///
    /// Zero drops it at once, [`Duration::MAX`] waits without limit. What is left then is a dead letter. For a stop that of the
    /// dispatcher counts, for a removal that of the route.
    pub drain_timeout: Duration,
}

impl Default for DispatcherConfig {
    fn default() -> Self {
        let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10));
        Self {
            name: "dispatcher".to_owned(),
            max_waiting: 1_024,
            workers: 1,
            max_attempts: 5,
            attempt_timeout: Duration::from_secs(5),
            delivery_timeout: Duration::MAX,
            backoff: backoff.jitter(Jitter::Equal),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

const MOST_WORKERS: usize = 1_024;

impl DispatcherConfig {
    pub(crate) fn fault(&self) -> Option<BadOption> {
        let faults = [
            ("max_waiting", self.max_waiting == 0, "1 or more"),
            (
                "workers",
                self.workers == 0 || self.workers > MOST_WORKERS,
                "from 1 to 1,024",
            ),
            ("max_attempts", self.max_attempts == 0, "1 or more"),
            (
                "attempt_timeout",
                self.attempt_timeout.is_zero(),
                "more than zero",
            ),
            (
                "delivery_timeout",
                self.delivery_timeout.is_zero(),
                "more than zero",
            ),
        ];
        faults
            .into_iter()
            .find(|(_, wrong, _)| *wrong)
            .map(|(option, _, allowed)| BadOption { option, allowed })
    }

    pub(crate) fn check(&self) -> Result<(), BadOption> {
        self.fault().map_or(Ok(()), Err)
    }
}
