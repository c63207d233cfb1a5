//! Tasks as their users see them, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod batches;
mod blocking;
mod cancel;
mod deadlines;
mod defects;
mod errors;
mod fallbacks;
mod fetches;
mod handle;
mod hedges;
mod many;
mod maps;
mod model;
mod panics;
mod pipelines;
mod races;
mod retries;
mod scopes;
mod stopping;
mod streams;
mod supervised;
mod support;
mod threads;
