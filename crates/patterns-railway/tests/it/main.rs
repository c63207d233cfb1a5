//! The crate as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

#[cfg(feature = "async")]
mod cancel;
#[cfg(feature = "async")]
mod chains;
mod checks;
mod compiler;
#[cfg(feature = "async")]
mod concurrent;
mod defects;
#[cfg(feature = "async")]
mod each_concurrent;
mod errors;
mod gathering;
mod instructions;
#[cfg(feature = "async")]
mod laws;
mod live;
mod mistakes;
mod panics;
mod paths;
#[cfg(feature = "async")]
mod polls;
mod results;
#[cfg(feature = "async")]
mod sizes;
#[cfg(feature = "async")]
mod with_futures;
