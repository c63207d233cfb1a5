//! Limiters as their users see them, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers of these tests are small"
)]

mod cancel;
mod defects;
mod errors;
mod eviction;
mod global;
mod headers;
mod keyed;
mod levels;
mod max_keys;
mod model;
mod options;
mod panics;
mod quotas;
mod reservations;
mod stopping;
mod supervised;
mod support;
mod threads;
#[cfg(feature = "tower")]
mod tower_layer;
mod waiting;
