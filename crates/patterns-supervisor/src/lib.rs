#![doc = include_str!("../README.md")]

mod config;
mod diagram;
pub mod drill;
mod error;
mod events;
mod fault;
mod info;
mod path;
mod report;
mod script;
mod signal;
mod trace;
mod tree;

pub use config::{Node, TreeConfig};
pub use diagram::{Dot, Mermaid};
pub use error::FaultError;
pub use events::{TreeEvent, TreeEvents};
pub use fault::Fault;
pub use info::TreeInfo;
pub use report::{ShutdownReport, StoppedChild};
pub use script::FaultScript;
pub use signal::{Signal, shutdown_signal};
pub use trace::{FaultTrace, TraceEntry, TraceStep};
pub use tree::SupervisionTree;

#[doc(no_inline)]
pub use otp_core::{
    AutoShutdown, BadOption, CallError, CastError, Child, ChildError, ChildInfo, ChildKind,
    ChildState, Context, ExitReason, GenServer, Pid, ReplyTo, Restart, ServerRef, Shutdown,
    StartChildError, StartError, StopError, StopToken, Strategy, Supervisor, SupervisorEvent,
    SupervisorMsg, SupervisorRef, TreeSnapshot, backoff,
};
