//! The states of a breaker.

use std::fmt;

/// What a [`Breaker`](crate::Breaker) does with calls at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It lets all calls through, and counts how they end. So each breaker begins.
    #[default]
    Closed,
    /// It lets through a share of the calls that grows with time; see [`BreakerConfig::ramp`](crate::BreakerConfig::ramp). It
    /// counts as if it were closed.
    Ramping,
    /// It lets a few trials through at the same time, whose outcomes decide what is next.
    HalfOpen,
    /// It rejects all calls, until its time is over.
    Open,
    /// It rejects all calls, until somebody calls [`reset`](crate::Breaker::reset).
    Isolated,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "closed",
            Self::Ramping => "ramping",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
            Self::Isolated => "isolated",
        })
    }
}

/// How a call counts, as whoever made it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The other side is well. It ends a row of failures, and a trial that ends so helps to close the breaker.
    Success,
    /// The other side is not well. A trial that ends so opens the breaker again.
    Failure,
    /// It says nothing about the other side: a bad request of our own, say. It counts as neither, and a trial that ends so gives
    /// its place to another.
    Ignored,
}
