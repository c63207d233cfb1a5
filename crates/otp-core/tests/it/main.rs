//! The public API of `otp-core`, concept by concept.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod blocking;
mod call;
mod call_room;
mod cancel;
mod clocks;
mod deadline;
mod deadlock;
mod errors;
mod events;
mod exit_reason;
mod gen_server;
mod handles;
mod inbox;
mod info;
mod inspect;
mod mailbox;
mod order;
mod panics;
mod recipient;
mod reply;
mod runtime;
mod start;
mod stop;
mod support;
mod tasks;
mod timers;
mod unanswered;
