//! Tables and stores as their users see them, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod access;
mod bags;
mod cancel;
mod changes;
mod concurrency;
mod counters;
mod dumps;
mod expiry;
mod index;
mod inside;
mod lifetime;
mod limit;
mod model;
mod options;
mod ordered;
mod original;
mod panics;
mod queries;
mod races;
mod sets;
mod stats;
mod store;
mod support;
