#![doc = include_str!("../README.md")]

mod any_process;
mod background;
pub mod backoff;
mod bad_option;
mod call;
mod cast_wait;
pub mod clock;
pub mod contained;
mod context;
mod current;
mod deadline;
mod ending;
mod error;
mod exit_reason;
mod exits;
pub mod feed;
mod gen_server;
pub mod guide;
mod handling;
mod inbox;
mod info;
mod keeper;
pub mod listeners;
mod mailbox;
mod options;
mod panics;
mod pid;
mod process;
mod recipient;
mod registry;
mod relations;
mod reply;
#[cfg(all(test, otp_schedules))]
mod schedules;
mod server_ref;
mod signals;
mod slot;
mod spawn;
mod start;
mod step;
mod supervisor;
mod suspended;
mod sync;
mod timers;
mod waits;
pub mod wakers;
mod watch;

pub use background::TaskRef;
pub use bad_option::BadOption;
pub use context::Context;
pub use error::{CallError, CastError, InspectError, LinkError, StartError, StopError};
pub use exit_reason::ExitReason;
pub use exits::{Down, Exit, MonitorRef};
pub use gen_server::GenServer;
pub use inbox::{Inbox, inbox};
pub use info::{ServerInfo, ServerState};
pub use options::ServerOptions;
pub use panics::{CaughtPanic, record_panic_locations};
pub use pid::{Monitor, Pid};
pub use recipient::Recipient;
pub use registry::{
    AlreadyRegistered, DuplicateRegistry, Registered, Registry, RegistryEvent, Via,
};
pub use reply::ReplyTo;
pub use server_ref::{ServerRef, WeakRef};
pub use spawn::{spawn, spawn_monitor};
pub use start::{start, start_with};
pub use supervisor::{
    AutoShutdown, Child, ChildCounts, ChildError, ChildInfo, ChildKind, ChildState,
    DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef, FailedToStartChild,
    PartitionSupervisor, Partitions, Restart, Shutdown, StartChildError, StopToken, Strategy,
    Supervisor, SupervisorEvent, SupervisorMsg, SupervisorRef, TreeSnapshot,
};
pub use suspended::Suspended;
pub use timers::TimerRef;
pub use watch::{ServerChange, WatchRef};
