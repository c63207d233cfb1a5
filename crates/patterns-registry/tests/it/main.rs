//! The registry as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod by_key;
mod cancel;
mod errors;
mod idle;
mod listening;
mod listing;
mod model;
mod options;
mod panics;
mod races;
mod restarts;
mod starting;
mod stopping;
mod supervised;
mod support;
mod waiting;
