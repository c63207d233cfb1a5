//! Supervisors: processes that start, watch, restart and stop others by the rules of OTP's `supervisor`.

mod any_child;
mod child;
mod dynamic;
mod error;
mod events;
mod handle;
mod info;
mod intensity;
mod launchers;
mod members;
mod partitions;
mod plan;
mod requests;
mod restarting;
mod starting;
mod stop_token;
mod stopping;
mod terms;
mod tree;

pub(crate) use any_child::NotStarted;
pub use child::Child;
pub use dynamic::{DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef};
pub use error::{ChildError, FailedToStartChild, StartChildError};
pub use events::SupervisorEvent;
pub use handle::SupervisorRef;
pub use info::{ChildCounts, ChildInfo, ChildKind, ChildState, TreeSnapshot};
pub use partitions::{PartitionSupervisor, Partitions};
pub use plan::Supervisor;
pub use stop_token::StopToken;
pub use terms::{AutoShutdown, Restart, Shutdown, Strategy};
pub use tree::SupervisorMsg;
