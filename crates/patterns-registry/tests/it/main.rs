//! The registry as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod by_key;
mod cancel;
mod defects;
mod errors;
mod events;
mod idle;
mod listing;
mod model;
mod options;
mod panics;
mod restarts;
mod starting;
mod stopping;
mod supervised;
mod support;
mod threads;
mod waiting;
