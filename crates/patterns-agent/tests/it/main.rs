//! The agent as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod asynchronous;
mod calls;
mod children;
mod circles;
mod concurrency;
mod config_store;
mod counter;
mod dropped_futures;
mod faults;
mod lifetime;
mod map_models;
mod model;
mod options;
mod panics;
mod reentrant;
mod snapshots;
mod statistics;
mod support;
mod texts;
mod validation;
mod versions;
mod views;
mod waiting;
