//! The process of a dynamic supervisor.

use std::sync::OnceLock;

use tokio::time::Instant;

use super::super::any_child::{AnyChild, Below, NotStarted};
use super::super::error::{StartChildError, allowed};
use super::super::events::{Place, SupervisorEvent};
use super::super::info::{ChildCounts, ChildInfo, ChildKind};
use super::super::intensity::Window;
use super::super::terms::{AutoShutdown, Strategy};
use super::super::tree::Look;
use super::lineage::Lineage;
use super::members::{Member, Members, Phase};
use super::plan::DynamicSupervisor;
use super::request::{Asks, DynamicSupervisorMsg, Request};
use crate::bad_option::BadOption;
use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::exits::Exit;
use crate::gen_server::GenServer;
use crate::pid::Pid;
use crate::server_ref::WeakRef;
use crate::sync::Arc;

/// A running dynamic supervisor.
pub(crate) struct DynamicTree {
    max_children: usize,
    pub(super) at_once: bool,
    only_if: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    pub(super) window: Window,
    pub(super) members: Members,
    pub(super) place: Place,
    me: OnceLock<(Pid, WeakRef<DynamicSupervisorMsg>)>,
}

impl DynamicTree {
    pub(crate) fn new(plan: &DynamicSupervisor, place: Place) -> Self {
        Self {
            max_children: plan.max_children,
            at_once: plan.at_once,
            only_if: plan.only_if.clone(),
            window: Window::new(plan.intensity, plan.period),
            members: Members::default(),
            place,
            me: OnceLock::new(),
        }
    }

    /// Tells of a start, and gives what the child needs for it: whom to tell, and the number of this process.
    pub(super) fn lineage(
        &self,
        child: &dyn AnyChild,
        restarts: u64,
    ) -> Option<(Arc<Lineage>, u64)> {
        let (pid, supervisor) = self.me.get()?;
        let place = self.place.below(&child.terms().id);
        let kind = child.kind();
        place.emit(|path| SupervisorEvent::Starting { path, kind });
        let lineage = Lineage {
            supervisor: supervisor.clone(),
            place,
            restarts,
            at_once: self.at_once,
        };
        Some((Arc::new(lineage), pid.number()))
    }

    /// Makes one attempt at the start of a child, and waits for it.
    pub(super) async fn start(
        &mut self,
        child: &Arc<dyn AnyChild>,
        restarts: u64,
    ) -> Result<Pid, NotStarted> {
        let Some((lineage, me)) = self.lineage(&**child, restarts) else {
            return Err(NotStarted::Failed(ExitReason::NoProc));
        };
        let place = lineage.place.clone();
        let started = Arc::clone(child).start(lineage, me, place.clone()).await;
        if let Err(error) = &started {
            place.emit_not_started(error);
        }
        started
    }

    async fn start_child(
        &mut self,
        child: Arc<dyn AnyChild>,
        reply: Asks<Result<Pid, StartChildError>>,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) {
        if let Some(option) = child.terms().fault(AutoShutdown::Never) {
            let allowed = allowed(option);
            drop(child);
            return reply.send(Err(StartChildError::BadOption(BadOption {
                option,
                allowed,
            })));
        }
        if self.members.len() >= self.max_children {
            // First, so that who is told finds the address closed.
            drop(child);
            return reply.send(Err(StartChildError::MaxChildren));
        }
        if self.at_once {
            return self.begin(Member::new(child, Phase::Restarting), Some(reply), ctx);
        }
        let started = self.start(&child, 0).await;
        if let Ok(pid) = &started {
            let mut member = Member::new(child, Phase::Running(pid.clone()));
            member.note_start();
            self.members.insert(pid.number(), member);
        } else {
            drop(child);
        }
        reply.send(started.map_err(StartChildError::from));
    }

    /// Takes a child out; its address is closed.
    pub(super) fn forget(&mut self, number: u64) {
        if let Some(member) = self.members.take(number) {
            member.child.stop_waiting();
        }
    }

    fn count(&self) -> ChildCounts {
        let of = |kind| {
            let members = self.members.iter();
            members.filter(|member| member.child.kind() == kind).count()
        };
        // As in OTP: one that has just ended counts until the supervisor has heard of it.
        let active = self.members.iter().filter(|member| match &member.phase {
            Phase::Running(_) | Phase::Stopping(..) => true,
            Phase::Starting(..) | Phase::Restarting => false,
        });
        ChildCounts {
            specs: self.members.len(),
            active: active.count(),
            supervisors: of(ChildKind::Supervisor),
            workers: of(ChildKind::Worker),
        }
    }

    fn look(&self, ctx: &Context<DynamicSupervisorMsg>) -> Look {
        let children = self.members.iter().map(|member| {
            let below = match &member.phase {
                Phase::Running(_) => member.child.below(),
                _ => None,
            };
            (member.info(), below)
        });
        Look {
            id: self.place.id(),
            strategy: Strategy::OneForOne,
            pid: ctx.pid(),
            children: children.collect::<Vec<(ChildInfo, Option<Below>)>>(),
        }
    }
}

impl Member {
    /// It runs from now on. Only the back-off asks since when.
    pub(super) fn note_start(&mut self) {
        if self.child.terms().backoff.is_some() {
            self.started = Some(Instant::now());
        }
    }
}

impl GenServer for DynamicTree {
    type Msg = DynamicSupervisorMsg;

    async fn init(&mut self, ctx: &mut Context<DynamicSupervisorMsg>) -> Result<(), ExitReason> {
        ctx.trap_exit();
        if let Some(condition) = &self.only_if
            && !condition()
        {
            ctx.ignore();
            return Ok(());
        }
        let _ = self.me.set((ctx.pid(), ctx.weak_ref()));
        Ok(())
    }

    async fn handle(
        &mut self,
        DynamicSupervisorMsg(request): DynamicSupervisorMsg,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) -> Result<(), ExitReason> {
        match request {
            Request::Ended(pid, reason) => return self.ended(&pid, &reason, ctx).await,
            Request::Retry(number, retry) => return self.retry(number, retry, ctx).await,
            Request::Over(pid) => return self.over(&pid, ctx).await,
            Request::Begun(pid, outcome) => self.begun(&pid, outcome, ctx),
            Request::TimeIsOver(number, pid) => self.time_is_over(number, &pid),
            Request::Start(child, reply) => self.start_child(child, reply, ctx).await,
            Request::Terminate(child, reply) => self.terminate_child(child(), reply, ctx).await,
            Request::Which(reply) => {
                reply.send(self.members.iter().map(Member::info).collect());
            }
            Request::Count(reply) => reply.send(self.count()),
            Request::Look(reply) => reply.send(self.look(ctx)),
            Request::ReportTo(listener, reply) => {
                self.place.hub.add(listener);
                reply.send(());
            }
        }
        Ok(())
    }

    async fn handle_exit(
        &mut self,
        _: Exit,
        _: &mut Context<DynamicSupervisorMsg>,
    ) -> Result<(), ExitReason> {
        // Only a parent's counts, and that one does not come here.
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, ctx: &mut Context<DynamicSupervisorMsg>) {
        self.place.emit_root_stopping(ctx.pid());
        self.stop_all().await;
    }
}

impl Drop for DynamicTree {
    fn drop(&mut self) {
        // There are children left only where `terminate` did not run: the supervisor was killed, or its
        // runtime dropped. They must not live on without it.
        for member in self.members.iter() {
            match &member.phase {
                // One that traps exits would hear of it after its `init`, which may never end.
                Phase::Starting(pid, _) => pid.kill(),
                Phase::Running(pid) | Phase::Stopping(pid, _) => pid.exit(ExitReason::Killed),
                Phase::Restarting => {}
            }
        }
    }
}
