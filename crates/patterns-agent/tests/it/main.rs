//! The agent as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod asynchronous;
mod calls;
mod cancel;
mod circles;
mod config_store;
mod counter;
mod defects;
mod errors;
mod faults;
mod map_models;
mod model;
mod options;
mod panics;
mod reentrant;
mod snapshots;
mod statistics;
mod stopping;
mod supervised;
mod support;
mod threads;
mod validation;
mod versions;
mod views;
mod waiting;
