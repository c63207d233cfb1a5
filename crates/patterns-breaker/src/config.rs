//! What a breaker can be told when it is made.

use std::time::Duration;

use otp_core::backoff::Jitter;

use crate::BadOption;
use crate::word::MOST_FAILURES;

/// The options of a [`Breaker`](crate::Breaker).
///
/// Each has a default, so a config is best written with the fields that differ and `..BreakerConfig::default()` for the rest,
/// which also keeps it compiling when options are added.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_breaker::{BreakerConfig, WindowConfig, WindowSize};
///
/// let config = BreakerConfig {
///     reset_timeout: Duration::from_secs(10),
///     max_reset_timeout: Some(Duration::from_secs(120)),
///     window: Some(WindowConfig {
///         size: WindowSize::Time(Duration::from_secs(30)),
///         ..WindowConfig::default()
///     }),
///     ..BreakerConfig::default()
/// };
/// assert_eq!(config.failure_threshold, Some(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// How many calls in a row must fail for it to open, from 1 to 1,000,000. Default: 5.
    ///
    /// Any success begins the count anew. `None` leaves it to the window, which must be there then.
    pub failure_threshold: Option<u32>,

    /// How many trials in a row must succeed for it to close, 1 or more. Default: 2.
    ///
    /// Any trial that fails opens it again.
    pub success_threshold: u32,

    /// How many trials may be under way at the same time while it is half-open, 1 or more. Default: 1.
    ///
    /// With 1, trials come one after the other, which is the least that a service that comes back has to bear.
    pub half_open_trials: u32,

    /// How long it is open before it lets trials through, more than zero. Default: 5 s.
    ///
    /// [`Duration::MAX`] means until [`reset`](crate::Breaker::reset).
    pub reset_timeout: Duration,

    /// How long it is open at most, `reset_timeout` or more. Default: `None`, always for `reset_timeout`.
    ///
    /// With it, the time doubles whenever it opens again without having been closed, up to this.
    pub max_reset_timeout: Option<Duration>,

    /// How much chance there is in the time for which it is open, so that many clients do not try again together. Default:
    /// [`Jitter::None`]. The computed time is the most it can be, but for [`Jitter::Decorrelated`], for which it is
    /// `max_reset_timeout`.
    pub jitter: Jitter,

    /// How long trials may be under way without any of them ending before it opens again, more than zero and 30 days at most.
    /// Default: 60 s.
    ///
    /// So a trial that hangs, or whose permit is never given back, cannot block the breaker for ever.
    pub half_open_timeout: Duration,

    /// How long a call may take, any duration. Default: 5 s.
    ///
    /// Its timer is set when the work first waits for something. Zero cuts whatever waits; [`Duration::MAX`] is no limit.
    /// [`call_timeout`](crate::Breaker::call_timeout) has a limit of its own.
    pub call_timeout: Duration,

    /// How long it takes after half-open until all calls are let through again, more than zero. Default: `None`, at once.
    ///
    /// The share of the calls that is let through grows evenly over this time.
    pub ramp: Option<Duration>,

    /// When rates of failures or of slow calls open it. Default: `None`, never.
    pub window: Option<WindowConfig>,
}

/// When the share of failures or of slow calls among the last ones opens a [`Breaker`](crate::Breaker).
///
/// Shares are judged after each outcome that is not ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowConfig {
    /// Which calls are looked at. Default: the last 100.
    pub size: WindowSize,

    /// How many there must be for a share to mean something, 1 or more, and the window's size at most if that is a number of
    /// calls. Default: 20.
    pub minimum_calls: u32,

    /// At which share of failures it opens, in percent, from 1 to 100. Default: 50.
    pub failure_percent: u8,

    /// At which share of slow calls it opens. Default: `None`, they do not matter.
    ///
    /// A slow trial counts as a failed one.
    pub slow_call: Option<SlowCall>,
}

/// Which calls a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowSize {
    /// The last so many, from 1 to 1,000,000. Each takes a byte.
    Calls(u32),
    /// Those that have ended in this time, 1 ms or more, to a tenth of it: the window moves on by tenths, and holds between nine
    /// and ten of them.
    Time(Duration),
}

/// Which calls are slow, and how many of them are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowCall {
    /// How long a call takes that is slow, whether it fails or not, more than zero.
    pub duration: Duration,
    /// At which share of them the breaker opens, in percent, from 1 to 100.
    pub percent: u8,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failure_threshold: Some(5),
            success_threshold: 2,
            half_open_trials: 1,
            reset_timeout: Duration::from_secs(5),
            max_reset_timeout: None,
            jitter: Jitter::None,
            half_open_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(5),
            ramp: None,
            window: None,
        }
    }
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self {
            size: WindowSize::Calls(100),
            minimum_calls: 20,
            failure_percent: 50,
            slow_call: None,
        }
    }
}

const MOST_CALLS: u32 = 1_000_000;
const LONGEST_TRIAL: Duration = Duration::from_secs(30 * 24 * 3_600);

const MORE_THAN_ZERO: &str = "more than zero";
const PERCENT: &str = "from 1 to 100";

impl BreakerConfig {
    pub(crate) fn check(&self) -> Result<(), BadOption> {
        let threshold = self.failure_threshold;
        refuse(
            "failure_threshold",
            threshold.is_some_and(|threshold| !(1..=MOST_FAILURES).contains(&threshold)),
            "from 1 to 1,000,000",
        )?;
        refuse(
            "failure_threshold",
            threshold.is_none() && self.window.is_none(),
            "from 1 to 1,000,000 where there is no window, or nothing would open it",
        )?;
        refuse(
            "success_threshold",
            self.success_threshold == 0,
            "1 or more",
        )?;
        refuse("half_open_trials", self.half_open_trials == 0, "1 or more")?;
        refuse(
            "reset_timeout",
            self.reset_timeout.is_zero(),
            MORE_THAN_ZERO,
        )?;
        refuse(
            "max_reset_timeout",
            self.max_reset_timeout
                .is_some_and(|most| most < self.reset_timeout),
            "`reset_timeout` or more, or `None`",
        )?;
        refuse(
            "half_open_timeout",
            self.half_open_timeout.is_zero() || self.half_open_timeout > LONGEST_TRIAL,
            "more than zero and 30 days at most",
        )?;
        refuse(
            "ramp",
            self.ramp == Some(Duration::ZERO),
            "more than zero, or `None` for none",
        )?;
        self.window.map_or(Ok(()), |window| window.check())
    }
}

impl WindowConfig {
    fn check(&self) -> Result<(), BadOption> {
        match self.size {
            WindowSize::Calls(calls) => {
                refuse(
                    "window.size",
                    !(1..=MOST_CALLS).contains(&calls),
                    "from 1 to 1,000,000 calls",
                )?;
                refuse(
                    "window.minimum_calls",
                    self.minimum_calls == 0 || self.minimum_calls > calls,
                    "1 or more, and `size` at most",
                )?;
            }
            WindowSize::Time(time) => {
                refuse(
                    "window.size",
                    time < Duration::from_millis(1),
                    "1 ms or more",
                )?;
                refuse("window.minimum_calls", self.minimum_calls == 0, "1 or more")?;
            }
        }
        refuse(
            "window.failure_percent",
            !(1..=100).contains(&self.failure_percent),
            PERCENT,
        )?;
        if let Some(slow) = self.slow_call {
            refuse(
                "window.slow_call.duration",
                slow.duration.is_zero(),
                MORE_THAN_ZERO,
            )?;
            refuse(
                "window.slow_call.percent",
                !(1..=100).contains(&slow.percent),
                PERCENT,
            )?;
        }
        Ok(())
    }
}

fn refuse(option: &'static str, wrong: bool, allowed: &'static str) -> Result<(), BadOption> {
    if wrong {
        return Err(BadOption { option, allowed });
    }
    Ok(())
}
