//! Whether a failed delivery is tried again, and when: no clock and no runtime.

use std::time::Duration;

use crate::GaveUp;

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another one, after this rest.
    Retry(Duration),
    GiveUp(GaveUp),
}

/// Decides what follows after `attempts` attempts of at most `most`. `left` is what remains of the delivery's time, if that is limited.
///
/// A rest that does not fit into what is left is not begun: there would be no time for the attempt after it.
pub(crate) fn after_failure(
    attempts: u32,
    most: u32,
    is_worth_it: bool,
    rest: Duration,
    left: Option<Duration>,
) -> Next {
    if !is_worth_it {
        Next::GiveUp(GaveUp::NotWorthIt)
    } else if attempts >= most && most < u32::MAX {
        Next::GiveUp(GaveUp::Exhausted)
    } else if left.is_some_and(|left| left <= rest) {
        Next::GiveUp(GaveUp::NoTime)
    } else {
        Next::Retry(rest)
    }
}

#[cfg(test)]
mod tests;
