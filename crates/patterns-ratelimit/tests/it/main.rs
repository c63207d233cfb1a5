//! Limiters as their users see them, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers of these tests are small"
)]

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
