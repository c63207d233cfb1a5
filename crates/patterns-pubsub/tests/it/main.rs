//! The pub/sub as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod cancel;
mod collecting;
mod defects;
mod errors;
mod groups;
mod leaks;
mod looking;
mod model;
mod options;
mod ordering;
mod overflow;
mod panics;
mod phoenix;
mod publishers;
mod receiving;
mod retained;
mod senders;
mod servers;
mod stopping;
mod supervised;
mod support;
mod threads;
mod wildcards;
