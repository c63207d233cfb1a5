//! Pipelines and flows as their users see them, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod boxed;
mod dropped;
mod flow_model;
mod flows;
mod model;
mod panics;
mod retrying;
mod running;
mod runtimes;
mod support;
mod telling;
mod timing;
mod undoing;
