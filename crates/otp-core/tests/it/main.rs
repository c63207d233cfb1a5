//! The public API of `otp-core`, concept by concept.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod blocking;
mod call;
mod clocks;
mod deadline;
mod errors;
mod gen_server;
mod info;
mod inspect;
mod reply;
mod start;
mod stop;
mod support;
