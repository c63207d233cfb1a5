//! `DynamicSupervisor`: many children, started while it runs, each known by its process alone.

mod at_once;
mod handle;
mod lineage;
mod members;
mod plan;
mod process;
mod request;
mod restarting;
mod stopping;

pub use handle::DynamicSupervisorRef;
pub use plan::DynamicSupervisor;
pub(super) use process::DynamicTree;
pub use request::DynamicSupervisorMsg;
