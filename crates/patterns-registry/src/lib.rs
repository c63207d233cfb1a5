#![doc = include_str!("../README.md")]

mod closing;
mod config;
mod error;
mod event;
mod flight;
mod info;
mod keyed;
mod place;
mod registry;
mod row;
mod started;
mod table;

pub use config::RegistryConfig;
pub use error::{CallWorkerError, CastWorkerError, NotFound, StartWorkerError, StopWorkerError};
pub use event::WorkerEvent;
pub use info::{RegistryInfo, WorkerInfo};
pub use registry::WorkerRegistry;
pub use started::Started;

#[doc(no_inline)]
pub use otp_core::{
    BadOption, CallError, Child, Context, DynamicSupervisorMsg, DynamicSupervisorRef, ExitReason,
    GenServer, Inbox, Pid, Recipient, ReplyTo, Restart, ServerRef, Shutdown, StartError, StopError,
    Strategy, Supervisor, inbox,
};
