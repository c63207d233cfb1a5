//! What a supervisor is asked about its children.

use super::any_child::{AnyChild, Below, NotStarted};
use super::error::{ChildError, StartChildError, allowed};
use super::info::{ChildCounts, ChildKind, ChildState};
use super::members::{Key, Member};
use super::terms::Restart;
use super::tree::{Look, SupervisorMsg, Tree};
use crate::bad_option::BadOption;
use crate::context::Context;
use crate::pid::Pid;
use crate::sync::Arc;

impl Tree {
    pub(super) async fn start_child(
        &mut self,
        child: Arc<dyn AnyChild>,
    ) -> Result<Pid, StartChildError> {
        let terms = child.terms();
        if let Some(option) = terms.fault_in_static(self.auto_shutdown) {
            let allowed = allowed(option);
            return Err(StartChildError::BadOption(BadOption { option, allowed }));
        }
        if let Some(key) = self.members.find(&terms.id) {
            return Err(match self.members[key].pid() {
                Some(pid) => StartChildError::AlreadyStarted(pid.clone()),
                None => StartChildError::AlreadyPresent,
            });
        }
        let temporary = terms.restart == Restart::Temporary;
        let key = self.members.push(child);
        let started = self.start_member(key).await;
        let keep = match &started {
            Ok(_) => true,
            Err(NotStarted::Ignored) => !temporary,
            Err(NotStarted::Failed(_)) => false,
        };
        if !keep {
            self.remove(key);
        }
        started.map_err(StartChildError::from)
    }

    pub(super) async fn terminate_child(&mut self, id: &str) -> Result<(), ChildError> {
        let key = self.members.find(id).ok_or(ChildError::NotFound)?;
        self.stop_member(key).await;
        if self.members[key].child.terms().restart == Restart::Temporary {
            self.remove(key);
        } else {
            self.members[key].child.stop_waiting();
        }
        Ok(())
    }

    /// The place of a child that neither runs nor is about to.
    fn stopped(&self, id: &str) -> Result<Key, ChildError> {
        let key = self.members.find(id).ok_or(ChildError::NotFound)?;
        match self.members[key].state {
            ChildState::Running(_) | ChildState::Starting(_) => Err(ChildError::Running),
            ChildState::Restarting => Err(ChildError::Restarting),
            ChildState::Stopped => Ok(key),
        }
    }

    pub(super) async fn restart_child(&mut self, id: &str) -> Result<Pid, ChildError> {
        let key = self.stopped(id)?;
        let started = self.start_member(key).await;
        if started.is_err() {
            self.members[key].child.stop_waiting();
        }
        started.map_err(|error| match error {
            NotStarted::Ignored => ChildError::Ignored,
            NotStarted::Failed(reason) => ChildError::Failed(reason),
        })
    }

    pub(super) fn delete_child(&mut self, id: &str) -> Result<(), ChildError> {
        let key = self.stopped(id)?;
        self.remove(key);
        Ok(())
    }

    pub(super) fn below(&self, id: &str) -> Result<Below, ChildError> {
        let key = self.members.find(id).ok_or(ChildError::NotFound)?;
        let below = self.members[key].child.below();
        below.ok_or(ChildError::NotSupervisor)
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
            let below = member.pid().and_then(|_| member.child.below());
            (member.info(), below)
        });
        Look {
            id: self.place.id(),
            strategy: self.strategy,
            pid: ctx.pid(),
            children: children.collect(),
        }
    }
}
