//! The cache as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod bound;
mod cancel;
mod children;
mod compute;
mod concurrency;
mod drops;
mod expiry;
mod idle;
mod invalidation;
mod lifetime;
mod listening;
mod loading;
mod model;
mod options;
mod panics;
mod reads_and_writes;
mod revalidation;
mod stats;
mod support;
mod sweeping;
mod weights;
