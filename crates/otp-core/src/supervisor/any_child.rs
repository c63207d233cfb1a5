//! A child as its supervisor sees it: whatever its messages are.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::dynamic::DynamicSupervisorRef;
use super::handle::SupervisorRef;
use super::info::ChildKind;
use super::terms::Terms;
use crate::exit_reason::ExitReason;
use crate::keeper::Parent;
use crate::pid::Pid;
use crate::sync::Arc;

use super::events::Place;

/// The start of a child. Dropped before it is done, it ends what it began.
pub(crate) type ChildStart = Pin<Box<dyn Future<Output = Result<Pid, NotStarted>> + Send>>;

/// Why a child's start gave no process.
#[derive(Debug, Clone)]
pub(crate) enum NotStarted {
    Ignored,
    Failed(ExitReason),
}

/// What is below a child that is a supervisor.
pub(crate) enum Below {
    Supervisor(SupervisorRef),
    Dynamic(DynamicSupervisorRef),
}

pub(crate) trait AnyChild: Send + Sync {
    fn terms(&self) -> &Terms;
    fn kind(&self) -> ChildKind;
    /// Starts the next incarnation. `supervisor` is the number of its supervisor's process.
    fn start(self: Arc<Self>, parent: Arc<dyn Parent>, supervisor: u64, place: Place)
    -> ChildStart;
    /// Begins the start of the next incarnation, of a child of which none runs. What becomes of it is told to `parent`.
    fn begin(self: Arc<Self>, parent: Arc<dyn Parent>, supervisor: u64, place: Place) -> Pid;
    /// Whether the last incarnation is still telling others of its end: the next one must not begin.
    fn is_ending(&self) -> bool;
    /// How long a start may take.
    fn start_timeout(&self) -> Duration;
    /// Asks the incarnation to end in order.
    fn shut_down(&self, pid: &Pid);
    /// Waits until an end that has begun is over: everybody is told.
    fn poll_over(&self, cx: &Context<'_>) -> Poll<()>;
    /// No start is to be expected: who waits for the child, or below it, is told.
    fn stop_waiting(&self);
    fn mailbox_len(&self) -> usize;
    /// The child's address, if it is a supervisor.
    fn below(&self) -> Option<Below>;
}
