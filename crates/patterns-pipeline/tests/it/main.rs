//! Pipelines and flows as their users see them, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod boxed;
mod dropped;
mod panics;
mod retrying;
mod running;
mod support;
mod timing;
mod undoing;
