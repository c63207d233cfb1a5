//! The public API of `otp-core`, concept by concept.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod call;
mod support;
