//! The breaker as its users see it, a module for each concept.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod calling;
mod cancel;
mod classifying;
mod defects;
mod errors;
mod events;
mod generations;
mod growing;
mod half_open;
mod keyed;
mod model;
mod options;
mod panics;
mod permits;
mod ramping;
mod runtimes;
mod states;
mod stats;
mod support;
mod threads;
#[cfg(feature = "tower")]
mod tower_layer;
mod windows;
