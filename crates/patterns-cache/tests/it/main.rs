//! The cache as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod bound;
mod cancel;
mod compute;
mod defects;
mod drops;
mod events;
mod expiry;
mod idle;
mod invalidation;
mod loading;
mod model;
mod options;
mod panics;
mod reads_and_writes;
mod revalidation;
mod stats;
mod stopping;
mod supervised;
mod support;
mod sweeping;
mod threads;
mod weights;
