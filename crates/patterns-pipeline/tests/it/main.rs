//! Pipelines and flows as their users see them, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod boxed;
mod defects;
mod dropped;
mod errors;
mod flow_model;
mod flows;
mod instructions;
mod model;
mod panics;
mod registration;
mod retrying;
mod running;
mod runtimes;
mod support;
mod telling;
mod timing;
mod undoing;
