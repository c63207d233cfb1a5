//! What listeners are told.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::State;

/// Why a breaker went from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// As many calls in a row have failed as `failure_threshold` says.
    FailureThreshold,
    /// Of the calls in the window, too many have failed.
    FailureRate,
    /// Of the calls in the window, too many were slow.
    SlowRate,
    /// It was open for as long as it had to be.
    ResetTimeout,
    /// As many trials in a row have succeeded as `success_threshold` says.
    TrialsSucceeded,
    /// A trial has failed.
    TrialFailed,
    /// A trial was slow, and slow calls matter.
    TrialSlow,
    /// Trials were under way, and none has ended for `half_open_timeout`.
    TrialsTimedOut,
    /// The ramp is over.
    RampedUp,
    /// [`trip`](crate::Breaker::trip) was called.
    Tripped,
    /// [`isolate`](crate::Breaker::isolate) was called.
    Isolated,
    /// [`reset`](crate::Breaker::reset) was called.
    Reset,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FailureThreshold => "too many failures in a row",
            Self::FailureRate => "too many failures in the window",
            Self::SlowRate => "too many slow calls in the window",
            Self::ResetTimeout => "time for a trial",
            Self::TrialsSucceeded => "trials succeeded",
            Self::TrialFailed => "a trial failed",
            Self::TrialSlow => "a trial was slow",
            Self::TrialsTimedOut => "trials hang",
            Self::RampedUp => "ramped up",
            Self::Tripped => "tripped",
            Self::Isolated => "isolated",
            Self::Reset => "reset",
        })
    }
}

/// A breaker went from one state to another, or began the same one anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The state it was in.
    pub from: State,
    /// The state it is in now. The same as `from` if it was tripped while open, or reset while closed: the time begins anew, or
    /// the counts do.
    pub to: State,
    /// Why.
    pub cause: Cause,
    /// When. What only time has made is dated at the moment when it was due, however late somebody asked.
    pub at: Instant,
    /// For how long it is open, if it is now; `None` also where only a reset helps.
    pub open_for: Option<Duration>,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.from, self.to, self.cause)?;
        match self.open_for {
            Some(time) => write!(f, ", open for {time:?}"),
            None => Ok(()),
        }
    }
}

/// What [`BreakerEvents`](crate::BreakerEvents) give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerEvent {
    /// The breaker changed its state.
    Changed(Transition),
    /// So many changes had no room, which stood here.
    Lost(u64),
}
