//! The pool as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod cancel;
mod checks;
mod creating;
mod defects;
mod errors;
mod events;
mod leaks;
mod lending;
mod lifetimes;
mod model;
mod options;
mod overflow;
mod panics;
mod removing;
mod resizing;
mod servers;
mod shedding;
mod stopping;
mod supervised;
mod support;
mod threads;
mod transactions;
mod waiting;
