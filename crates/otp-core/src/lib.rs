#![doc = include_str!("../README.md")]

mod background;
mod call;
mod cast_wait;
mod context;
mod current;
mod deadline;
mod ending;
mod error;
mod exit_reason;
mod gen_server;
mod inbox;
mod info;
mod mailbox;
mod options;
mod panics;
mod pid;
mod process;
mod recipient;
mod reply;
#[cfg(all(test, otp_schedules))]
mod schedules;
mod server_ref;
mod signals;
mod slot;
mod start;
mod step;
mod suspended;
mod sync;
mod timers;

pub use background::TaskRef;
pub use context::Context;
pub use error::{CallError, CastError, InspectError, StartError, StopError};
pub use exit_reason::ExitReason;
pub use gen_server::GenServer;
pub use inbox::{Inbox, inbox};
pub use info::{ServerInfo, ServerState};
pub use options::ServerOptions;
pub use panics::{CaughtPanic, record_panic_locations};
pub use pid::{Monitor, Pid};
pub use recipient::Recipient;
pub use reply::ReplyTo;
pub use server_ref::{ServerRef, WeakRef};
pub use start::{start, start_with};
pub use suspended::Suspended;
pub use timers::TimerRef;
