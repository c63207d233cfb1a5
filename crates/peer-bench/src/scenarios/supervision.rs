//! Supervision: how soon a crashed actor is replaced, and what a supervisor with many children costs.

#[cfg(feature = "otp")]
mod children;
#[cfg(feature = "otp")]
mod crash;
#[cfg(feature = "otp")]
mod growth;
#[cfg(feature = "otp")]
mod section;

#[cfg(feature = "otp")]
pub(super) use growth::{STRIDE, restart};
#[cfg(feature = "otp")]
pub(crate) use section::run;

/// The scenario in the book, in nanoseconds: the median of the rounds.
pub(crate) const KILL: &str = "supervision: kill to answer";
/// The scenario in the book, in nanoseconds: the median of the rounds.
pub(crate) const PANIC: &str = "supervision: panic to answer";
/// The scenario in the book, in nanoseconds per child: 100,000 of them.
pub(crate) const START: &str = "supervision: start, 100000 children";
/// The scenario in the book, in nanoseconds per child: 100,000 of them.
pub(crate) const STOP: &str = "supervision: stop, 100000 children";
/// The scenario in the book, in nanoseconds: 10,000 are there already.
pub(crate) const START_CHILD: &str = "supervision: start_child, 10000 there";
