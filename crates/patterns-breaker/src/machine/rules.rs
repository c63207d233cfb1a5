//! What a state machine goes by: the options, in its own units.

use otp_core::backoff::Backoff;
use otp_core::clock::nanos;

use crate::config::{BreakerConfig, WindowSize};
use crate::event::Cause;
use crate::window::{Size, Tally};

/// The options of a machine. Durations are in nanoseconds, `NEVER` where they are without end.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) failure_threshold: Option<u32>,
    pub(crate) success_threshold: u32,
    pub(crate) half_open_trials: u32,
    pub(crate) half_open_timeout: u64,
    /// How long a call should take at most; trials are expected to keep to it.
    pub(crate) call_timeout: u64,
    /// Zero for none.
    pub(crate) ramp: u64,
    pub(crate) window: Option<Size>,
    pub(crate) rates: Rates,
    /// How long a call takes that is slow.
    pub(crate) slow: Option<u64>,
    pub(crate) backoff: Backoff,
}

/// When what is in a window opens a breaker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) minimum_calls: u64,
    pub(crate) failure_percent: u64,
    /// More than 100 if slow calls do not matter.
    pub(crate) slow_percent: u64,
}

impl Rates {
    /// Compares in whole numbers: 7 of 100 are 7 percent, whatever a fraction of base two makes of it.
    pub(crate) const fn judge(self, tally: Tally) -> Option<Cause> {
        if tally.calls < self.minimum_calls {
            None
        } else if tally.failures * 100 >= self.failure_percent * tally.calls {
            Some(Cause::FailureRate)
        } else if tally.slow * 100 >= self.slow_percent * tally.calls {
            Some(Cause::SlowRate)
        } else {
            None
        }
    }
}

impl Rules {
    pub(crate) fn new(config: &BreakerConfig) -> Self {
        let reset = config.reset_timeout;
        let backoff = match config.max_reset_timeout {
            Some(most) => Backoff::exponential(reset, most),
            None => Backoff::constant(reset),
        };
        let window = config.window;
        let slow = window.and_then(|window| window.slow_call);
        Self {
            failure_threshold: config.failure_threshold,
            success_threshold: config.success_threshold,
            half_open_trials: config.half_open_trials,
            half_open_timeout: nanos(config.half_open_timeout),
            call_timeout: nanos(config.call_timeout),
            ramp: config.ramp.map_or(0, nanos),
            window: window.map(|window| match window.size {
                WindowSize::Calls(calls) => Size::Calls(calls),
                WindowSize::Time(time) => Size::Time(nanos(time)),
            }),
            rates: Rates {
                minimum_calls: window.map_or(1, |window| window.minimum_calls.into()),
                failure_percent: window.map_or(101, |window| window.failure_percent.into()),
                slow_percent: slow.map_or(101, |slow| slow.percent.into()),
            },
            slow: slow.map(|slow| nanos(slow.duration)),
            backoff: backoff.jitter(config.jitter),
        }
    }

    pub(crate) fn is_slow(&self, elapsed: u64) -> bool {
        self.slow.is_some_and(|slow| elapsed >= slow)
    }

    /// How long it is open when it has opened so often since it was closed.
    pub(super) fn open_time(&self, reopened: u32, chance: u64) -> u64 {
        nanos(self.backoff.delay_by(reopened, chance))
    }
}
