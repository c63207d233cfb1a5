//! The addresses of supervisors of both kinds.

use otp_core::{
    CallError, ChildCounts, ChildError, ChildInfo, DynamicSupervisorRef, ExitReason, Pid,
    StartChildError, StopError, SupervisorRef, Suspended, TreeSnapshot,
};

use crate::tree::AnyChild;

#[derive(Clone)]
pub(crate) enum Address {
    Static(SupervisorRef),
    Dynamic(DynamicSupervisorRef),
}

impl Address {
    pub(crate) fn is_dynamic(&self) -> bool {
        matches!(self, Self::Dynamic(_))
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        match self {
            Self::Static(supervisor) => supervisor.pid(),
            Self::Dynamic(supervisor) => supervisor.pid(),
        }
    }

    pub(crate) async fn wait(&self) -> ExitReason {
        match self {
            Self::Static(supervisor) => supervisor.wait().await,
            Self::Dynamic(supervisor) => supervisor.wait().await,
        }
    }

    pub(crate) async fn stop_with(&self, reason: ExitReason) -> Result<(), StopError> {
        match self {
            Self::Static(supervisor) => supervisor.stop_with(reason).await,
            Self::Dynamic(supervisor) => supervisor.stop_with(reason).await,
        }
    }

    pub(crate) async fn suspend(&self) -> Result<Suspended, CallError> {
        match self {
            Self::Static(supervisor) => supervisor.suspend().await,
            Self::Dynamic(supervisor) => supervisor.suspend().await,
        }
    }

    pub(crate) async fn snapshot(&self) -> Result<TreeSnapshot, CallError> {
        match self {
            Self::Static(supervisor) => supervisor.snapshot().await,
            Self::Dynamic(supervisor) => supervisor.snapshot().await,
        }
    }

    pub(crate) async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        match self {
            Self::Static(supervisor) => supervisor.which_children().await,
            Self::Dynamic(supervisor) => supervisor.which_children().await,
        }
    }

    pub(crate) async fn count_children(&self) -> Result<ChildCounts, CallError> {
        match self {
            Self::Static(supervisor) => supervisor.count_children().await,
            Self::Dynamic(supervisor) => supervisor.count_children().await,
        }
    }

    pub(crate) async fn start_child(&self, child: AnyChild) -> Result<(), StartChildError> {
        match (self, child) {
            (Self::Static(to), AnyChild::Worker(child)) => to.start_child(child).await.map(drop),
            (Self::Static(to), AnyChild::Supervisor(child)) => {
                to.start_child(child).await.map(drop)
            }
            (Self::Static(to), AnyChild::Dynamic(child)) => to.start_child(child).await.map(drop),
            (Self::Dynamic(to), AnyChild::Worker(child)) => to.start_child(child).await.map(drop),
            (Self::Dynamic(_), _) => panic!("a dynamic supervisor has workers only"),
        }
    }

    /// For requests that name a child by its id, which only one kind of supervisor takes.
    pub(crate) fn fixed(&self) -> &SupervisorRef {
        match self {
            Self::Static(supervisor) => supervisor,
            Self::Dynamic(_) => panic!("a dynamic supervisor knows no ids"),
        }
    }

    /// Ends a child of a dynamic supervisor.
    pub(crate) async fn terminate(&self, pid: &Pid) -> Result<(), ChildError> {
        match self {
            Self::Static(_) => panic!("children are named by their ids here"),
            Self::Dynamic(supervisor) => supervisor.terminate_child(pid).await,
        }
    }
}
