//! What ties a child to its dynamic supervisor.

use super::super::any_child::NotStarted;
use super::super::events::{Place, SupervisorEvent};
use super::request::{DynamicSupervisorMsg, Request};
use crate::exit_reason::ExitReason;
use crate::keeper::Parent;
use crate::pid::Pid;
use crate::server_ref::WeakRef;

/// Where a child comes from: whom to tell of it.
pub(super) struct Lineage {
    pub(super) supervisor: WeakRef<DynamicSupervisorMsg>,
    pub(super) place: Place,
    pub(super) restarts: u64,
    pub(super) at_once: bool,
}

impl Lineage {
    fn tell(&self, request: Request) {
        // Refused only by a supervisor that has ended for good.
        let _ = self.supervisor.tell(DynamicSupervisorMsg(request));
    }
}

impl Parent for Lineage {
    fn child_started(&self, pid: &Pid) {
        let (started, restarts) = (pid.clone(), self.restarts);
        self.place.emit(|path| SupervisorEvent::Started {
            path,
            pid: started,
            restarts,
        });
        if self.at_once {
            self.tell(Request::Begun(pid.clone(), Ok(())));
        }
    }

    fn child_not_started(&self, pid: &Pid, outcome: NotStarted) {
        if self.at_once {
            self.place.emit_not_started(&outcome);
            self.tell(Request::Begun(pid.clone(), Err(outcome)));
        }
    }

    fn child_is_over(&self, pid: &Pid) {
        if self.at_once {
            self.tell(Request::Over(pid.clone()));
        }
    }

    fn child_ended(&self, pid: &Pid, reason: &ExitReason) {
        let (ended, reason) = (pid.clone(), reason.clone());
        let why = reason.clone();
        self.place.emit(|path| SupervisorEvent::Exited {
            path,
            pid: ended,
            reason: why,
        });
        self.tell(Request::Ended(pid.clone(), reason));
    }
}
