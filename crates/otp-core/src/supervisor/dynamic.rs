//! `DynamicSupervisor`: many children, started while it runs, each known by its process alone.

mod at_once;
mod handle;
mod members;
mod plan;
mod process;
mod stopping;

pub use handle::DynamicSupervisorRef;
pub use plan::DynamicSupervisor;
pub use process::DynamicSupervisorMsg;
pub(super) use process::DynamicTree;
