//! What the tests of several crates need: paused time, panics on purpose, futures dropped at each `.await`.

mod awaits;
mod panics;
mod time;

pub use awaits::{at_each_await, polled, polled_after};
pub use panics::quiet;
pub use time::{advance, ms, secs, settle};
