//! What the tests of several crates need: paused time, panics on purpose, futures dropped at each `.await`, listings of instructions.

mod awaits;
mod listing;
mod panics;
mod time;

pub use awaits::{at_each_await, polled, polled_after};
pub use listing::Listing;
pub use panics::quiet;
pub use time::{advance, ms, secs, settle};
