//! What a supervisor is asked about its children.

use super::any_child::{AnyChild, NotStarted};
use super::error::{ChildError, StartChildError, allowed};
use super::info::{ChildCounts, ChildKind, ChildState};
use super::terms::Restart;
use super::tree::{Look, Member, SupervisorMsg, Tree};
use crate::context::Context;
use crate::pid::Pid;
use crate::sync::Arc;

impl Tree {
    pub(super) async fn start_child(
        &mut self,
        child: Arc<dyn AnyChild>,
    ) -> Result<Pid, StartChildError> {
        let terms = child.terms();
        if let Some(option) = terms.fault(self.auto_shutdown) {
            let allowed = allowed(option);
            return Err(StartChildError::BadOption { option, allowed });
        }
        if let Some(at) = self.find(&terms.id) {
            return Err(match self.members[at].pid() {
                Some(pid) => StartChildError::AlreadyStarted(pid.clone()),
                None => StartChildError::AlreadyPresent,
            });
        }
        let temporary = terms.restart == Restart::Temporary;
        self.members.push(Member::new(child));
        let at = self.members.len() - 1;
        let started = self.start_member(at).await;
        let keep = match &started {
            Ok(_) => true,
            Err(NotStarted::Ignored) => !temporary,
            Err(NotStarted::Failed(_)) => false,
        };
        if !keep {
            self.remove(at);
        }
        started.map_err(|error| match error {
            NotStarted::Ignored => StartChildError::Ignored,
            NotStarted::Failed(reason) => StartChildError::Failed(reason),
        })
    }

    pub(super) async fn terminate_child(&mut self, id: &str) -> Result<(), ChildError> {
        let at = self.find(id).ok_or(ChildError::NotFound)?;
        self.stop_member(at).await;
        if self.members[at].child.terms().restart == Restart::Temporary {
            self.remove(at);
        } else {
            self.members[at].child.stop_waiting();
        }
        Ok(())
    }

    /// The place of a child that neither runs nor is about to.
    fn stopped(&self, id: &str) -> Result<usize, ChildError> {
        let at = self.find(id).ok_or(ChildError::NotFound)?;
        match self.members[at].state {
            ChildState::Running(_) => Err(ChildError::Running),
            ChildState::Restarting => Err(ChildError::Restarting),
            ChildState::Stopped => Ok(at),
        }
    }

    pub(super) async fn restart_child(&mut self, id: &str) -> Result<Pid, ChildError> {
        let at = self.stopped(id)?;
        let started = self.start_member(at).await;
        if started.is_err() {
            self.members[at].child.stop_waiting();
        }
        started.map_err(|error| match error {
            NotStarted::Ignored => ChildError::Ignored,
            NotStarted::Failed(reason) => ChildError::Failed(reason),
        })
    }

    pub(super) fn delete_child(&mut self, id: &str) -> Result<(), ChildError> {
        let at = self.stopped(id)?;
        self.remove(at);
        Ok(())
    }

    pub(super) fn count(&self) -> ChildCounts {
        let of = |kind| {
            let members = self.members.iter();
            members.filter(|member| member.child.kind() == kind).count()
        };
        let active = self.members.iter().filter_map(Member::pid);
        ChildCounts {
            specs: self.members.len(),
            active: active.filter(|pid| pid.is_alive()).count(),
            supervisors: of(ChildKind::Supervisor),
            workers: of(ChildKind::Worker),
        }
    }

    pub(super) fn look(&self, ctx: &Context<SupervisorMsg>) -> Look {
        let children = self.members.iter().map(|member| {
            let below = member.pid().and_then(|_| member.child.supervisor());
            (member.info(), below)
        });
        Look {
            id: self.place.path.last().cloned().unwrap_or_else(|| "".into()),
            strategy: self.strategy,
            pid: ctx.pid(),
            children: children.collect(),
        }
    }
}
