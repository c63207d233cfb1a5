//! The crate as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod cancel;
mod capabilities;
mod catalog;
mod contract;
mod defects;
mod delivering;
mod errors;
mod events;
mod implementations;
mod matrix;
mod model;
mod names;
mod notification;
mod options;
mod panics;
mod queues;
mod removing;
mod renderers;
mod retries;
mod stopping;
mod supervised;
mod support;
mod threads;
mod without_runtime;
