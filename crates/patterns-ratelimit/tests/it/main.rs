//! The tests of this crate, through its public interface.

mod cancel;
mod children;
mod concurrency;
mod eviction;
mod global;
mod headers;
mod keyed;
mod levels;
mod max_keys;
mod model;
mod original;
mod panics;
mod quotas;
mod reservations;
mod support;
mod texts;
#[cfg(feature = "tower")]
mod tower;
mod waiting;
