//! Tables and stores as their users see them, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod access;
mod bags;
mod cancel;
mod counters;
mod defects;
mod dumps;
mod errors;
mod events;
mod expiry;
mod index;
mod inside;
mod limit;
mod model;
mod options;
mod ordered;
mod panics;
mod queries;
mod races;
mod sets;
mod stats;
mod stopping;
mod store;
mod supervised;
mod support;
mod threads;
