//! The crate as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod instructions;
