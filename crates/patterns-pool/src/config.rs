//! What a pool can be told at its start.

use std::time::Duration;

use otp_core::backoff::{Backoff, Jitter};

use crate::BadOption;

/// The options of a [`Pool`](crate::Pool).
///
/// Each has a default, so a config is best written with the fields that differ and `..PoolConfig::default()` for the rest, which
/// also keeps it compiling when options are added.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_pool::PoolConfig;
///
/// let config = PoolConfig {
///     size: 20,
///     min_idle: Some(2),
///     max_lifetime: Some(Duration::from_secs(1_800)),
///     ..PoolConfig::default()
/// };
/// assert_eq!(config.checkout_timeout, Duration::from_secs(5));
/// ```
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// What the pool is called in log events and listings. Default: `pool`.
    pub name: String,

    /// How many members there are at most, but for `max_overflow`; 1 or more. Default: 3.
    ///
    /// Nothing is set aside for members that do not exist. With `min_idle: None`, which makes all of them, 1,000,000 is the most.
    pub size: usize,

    /// How many members may be made beyond `size` while all others are in use. Default: 0.
    ///
    /// One that comes back while nobody waits is closed if there are more than `size`.
    pub max_overflow: usize,

    /// How many members are kept ready for the next who ask, made beforehand, `size` at most. Default: `None`: all `size` members
    /// are made at the start, and made anew when they go.
    ///
    /// `Some(0)` makes each member when it is first asked for.
    pub min_idle: Option<usize>,

    /// Whether the start waits for the first members. Default: [`WarmUp::Wait`].
    pub warm_up: WarmUp,

    /// Which idle member is lent next. Default: [`Order::Lifo`].
    pub order: Order,

    /// How long [`checkout`](crate::Pool::checkout) waits, any duration. Default: 5 s.
    ///
    /// Zero takes what is idle or fails; [`Duration::MAX`] waits without limit.
    pub checkout_timeout: Duration,

    /// How long the making of one member may take, more than zero. Default: 5 s.
    pub create_timeout: Duration,

    /// How long one [`check`](crate::Manager::check) may take, more than zero. Default: 1 s.
    pub check_timeout: Duration,

    /// How long one [`close`](crate::Manager::close) may take, more than zero. Default: 5 s.
    pub close_timeout: Duration,

    /// Whether each member is checked when it is handed out, unless it was just made. Default: `true`.
    ///
    /// It costs nothing where [`check`](crate::Manager::check) is not implemented.
    pub check_on_checkout: bool,

    /// After how long without use an idle member is checked, more than zero. Default: `None`, never.
    ///
    /// It is checked again each time as much has passed. Four are checked at the same time, the others stay available.
    pub check_interval: Option<Duration>,

    /// After how long without use a member beyond `min_idle` is closed, more than zero. Default: `None`, never.
    ///
    /// Not together with `min_idle: None`, where there is no member to spare.
    pub idle_timeout: Option<Duration>,

    /// How long a member lives, more than zero. Default: `None`, without limit.
    ///
    /// Each lives up to a tenth shorter by chance, so that members made together do not go together. One that is in use goes when it
    /// comes back.
    pub max_lifetime: Option<Duration>,

    /// After how long in use a member is reported as leaked, more than zero. Default: `None`, never.
    pub leak_after: Option<Duration>,

    /// When waiters are turned away early because the pool is overloaded. Default: `None`, never: each waits until its own time is
    /// over.
    pub shedding: Option<Shedding>,

    /// How long to wait before members are made again after that has failed. Default: 100 ms, doubled up to 10 s, half of it by
    /// chance ([`Jitter::Equal`]). A rest of centuries counts as ten years.
    pub backoff: Backoff,

    /// How many members are being made at the same time at most, 1 or more. Default: 16.
    pub max_starting: usize,
}

/// Whether the start of a pool waits for its first members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WarmUp {
    /// It waits until there are as many as `min_idle` says, and fails if one cannot be made.
    #[default]
    Wait,
    /// It does not wait. They are made in the background, and tried again if one cannot be made.
    Background,
}

/// Which idle member is lent next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// The one that came back last: it is warm, and what is not needed stays idle and can be closed.
    #[default]
    Lifo,
    /// The one that is idle for longest: all are used evenly.
    Fifo,
}

/// When waiters are turned away: if nobody waited for less than `target` in a whole `interval`, whoever has waited for more than
/// twice the target is, until somebody waited for less again.
///
/// The default is the one of `DBConnection`: 50 ms and 2 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shedding {
    /// How long waiting is no trouble, more than zero. Default: 50 ms.
    pub target: Duration,
    /// How long a line must stand before anybody is turned away, more than zero. Default: 2 s.
    pub interval: Duration,
}

impl Default for Shedding {
    fn default() -> Self {
        Self {
            target: Duration::from_millis(50),
            interval: Duration::from_secs(2),
        }
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10));
        Self {
            name: "pool".to_owned(),
            size: 3,
            max_overflow: 0,
            min_idle: None,
            warm_up: WarmUp::default(),
            order: Order::default(),
            checkout_timeout: Duration::from_secs(5),
            create_timeout: Duration::from_secs(5),
            check_timeout: Duration::from_secs(1),
            close_timeout: Duration::from_secs(5),
            check_on_checkout: true,
            check_interval: None,
            idle_timeout: None,
            max_lifetime: None,
            leak_after: None,
            shedding: None,
            backoff: backoff.jitter(Jitter::Equal),
            max_starting: 16,
        }
    }
}

/// As many members as a pool makes beforehand at most.
const MOST_READY: usize = 1_000_000;

const SIZE: &str = "1 or more, and 1,000,000 at most where `min_idle` is `None`";
const MORE_THAN_ZERO: &str = "more than zero";
const NOT_ZERO: &str = "more than zero, or `None` for never";

impl PoolConfig {
    /// What is wrong with a size, if anything is.
    pub(crate) fn size_fault(&self, size: usize) -> Option<&'static str> {
        (size == 0 || self.min_idle.is_none() && size > MOST_READY).then_some(SIZE)
    }

    pub(crate) fn check(&self) -> Result<(), BadOption> {
        let faults = [
            ("size", self.size_fault(self.size)),
            (
                "min_idle",
                (self
                    .min_idle
                    .is_some_and(|min| min > self.size.min(MOST_READY)))
                .then_some("`size` and 1,000,000 at most, or `None` for all `size`"),
            ),
            ("create_timeout", zero(self.create_timeout)),
            ("check_timeout", zero(self.check_timeout)),
            ("close_timeout", zero(self.close_timeout)),
            ("check_interval", some_zero(self.check_interval)),
            ("idle_timeout", some_zero(self.idle_timeout)),
            (
                "idle_timeout",
                (self.idle_timeout.is_some() && self.min_idle.is_none())
                    .then_some("`None` where `min_idle` is `None`: no member is spare there"),
            ),
            ("max_lifetime", some_zero(self.max_lifetime)),
            ("leak_after", some_zero(self.leak_after)),
            (
                "shedding.target",
                self.shedding.and_then(|shedding| zero(shedding.target)),
            ),
            (
                "shedding.interval",
                self.shedding.and_then(|shedding| zero(shedding.interval)),
            ),
            (
                "max_starting",
                (self.max_starting == 0).then_some("1 or more"),
            ),
        ];
        for (option, fault) in faults {
            if let Some(allowed) = fault {
                return Err(BadOption { option, allowed });
            }
        }
        Ok(())
    }

    /// Whether anything is measured from when a member came back.
    pub(crate) const fn needs_return_time(&self) -> bool {
        self.idle_timeout.is_some() || self.check_interval.is_some() || self.shedding.is_some()
    }
}

fn zero(duration: Duration) -> Option<&'static str> {
    duration.is_zero().then_some(MORE_THAN_ZERO)
}

fn some_zero(duration: Option<Duration>) -> Option<&'static str> {
    (duration == Some(Duration::ZERO)).then_some(NOT_ZERO)
}
