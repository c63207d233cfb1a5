//! The crate as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod children;
mod diagrams;
mod drill;
mod drops;
mod errors;
mod events;
mod faults;
mod handles;
mod limits;
mod paths;
mod plans;
mod reports;
mod scripts;
#[cfg(unix)]
mod signals;
mod support;
