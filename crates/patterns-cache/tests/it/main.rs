//! The cache as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod bound;
mod concurrency;
mod drops;
mod expiry;
mod lifetime;
mod model;
mod options;
mod panics;
mod reads_and_writes;
mod stats;
mod support;
mod sweeping;
