//! The crate as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod cancel;
mod children;
mod defects;
mod diagrams;
mod drill;
mod errors;
mod events;
mod faults;
mod limits;
mod options;
mod panics;
mod paths;
mod reports;
mod scripts;
mod signals;
mod stopping;
mod support;
