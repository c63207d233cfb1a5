//! The process of a supervisor: what it is asked, and what it hears of its children.

use std::sync::OnceLock;

use tokio::time::Instant;

use super::any_child::{AnyChild, Below, NotStarted};
use super::error::{ChildError, FailedToStartChild, StartChildError, bad_start};
use super::events::{Place, SupervisorEvent};
use super::info::{ChildCounts, ChildInfo, ChildState, TreeSnapshot};
use super::intensity::Window;
use super::members::{Key, Member, Members};
use super::plan::Supervisor;
use super::terms::{AutoShutdown, Restart, Strategy};
use crate::context::Context;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::exits::Exit;
use crate::gen_server::GenServer;
use crate::keeper::Parent;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::reply::ReplyTo;
use crate::server_ref::WeakRef;
use crate::sync::Arc;

/// What a supervisor understands. Sent by [`SupervisorRef`](crate::SupervisorRef).
#[derive(Debug)]
pub struct SupervisorMsg(pub(super) Request);

pub(super) enum Request {
    /// The child with that key, which ran as that process, has ended.
    Ended(Key, Pid, ExitReason),
    /// To make the next attempt at the restart of the child with that key, if it is the one that it waits for.
    Retry(Key, u64),
    Start(Arc<dyn AnyChild>, ReplyTo<Result<Pid, StartChildError>>),
    Terminate(Arc<str>, ReplyTo<Result<(), ChildError>>),
    Restart(Arc<str>, ReplyTo<Result<Pid, ChildError>>),
    Delete(Arc<str>, ReplyTo<Result<(), ChildError>>),
    Below(Arc<str>, ReplyTo<Result<Below, ChildError>>),
    Which(ReplyTo<Vec<ChildInfo>>),
    Strategy(ReplyTo<Strategy>),
    Count(ReplyTo<ChildCounts>),
    Look(ReplyTo<Look>),
    ReportTo(Recipient<SupervisorEvent>, ReplyTo<()>),
}

/// What a snapshot takes from one supervisor.
pub(super) struct Look {
    pub(super) id: Arc<str>,
    pub(super) strategy: Strategy,
    pub(super) pid: Pid,
    pub(super) children: Vec<(ChildInfo, Option<Below>)>,
}

impl Look {
    /// Looks at what is below.
    pub(super) async fn below(self) -> Result<TreeSnapshot, CallError> {
        let mut children = Vec::with_capacity(self.children.len());
        for (child, below) in self.children {
            // Boxed, for a tree is as deep as it is.
            let below = match below {
                Some(Below::Supervisor(below)) => Box::pin(below.snapshot()).await.ok(),
                Some(Below::Dynamic(below)) => Box::pin(below.snapshot()).await.ok(),
                None => None,
            };
            children.push((child, below));
        }
        Ok(TreeSnapshot {
            id: self.id,
            strategy: self.strategy,
            pid: self.pid,
            children,
        })
    }
}

/// A running supervisor.
pub(crate) struct Tree {
    pub(super) strategy: Strategy,
    pub(super) auto_shutdown: AutoShutdown,
    /// What was wrong with the specification; nothing is started then.
    fault: Option<&'static str>,
    only_if: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    pub(super) window: Window,
    pub(super) members: Members,
    pub(super) place: Place,
    me: OnceLock<(Pid, WeakRef<SupervisorMsg>)>,
}

impl Tree {
    /// `fault` is what is wrong with the plan.
    pub(super) fn new(plan: Supervisor, fault: Option<&'static str>, place: Place) -> Self {
        Self {
            strategy: plan.strategy,
            auto_shutdown: plan.auto_shutdown,
            fault,
            window: Window::new(plan.intensity, plan.period),
            members: Members::new(plan.children),
            only_if: plan.only_if,
            place,
            me: OnceLock::new(),
        }
    }

    /// Makes one attempt at the start of a child that is no restart.
    pub(super) async fn start_member(&mut self, key: Key) -> Result<Pid, NotStarted> {
        let restarts = self.members[key].restarts;
        self.start_attempt(key, restarts).await
    }

    /// Makes one attempt at the start of a child, which with it will have been restarted so often.
    pub(super) async fn start_attempt(
        &mut self,
        key: Key,
        restarts: u64,
    ) -> Result<Pid, NotStarted> {
        let member = &self.members[key];
        let place = self.place.below(member.id());
        let kind = member.child.kind();
        place.emit(|path| SupervisorEvent::Starting { path, kind });
        let Some((pid, address)) = self.me.get() else {
            return Err(NotStarted::Failed(ExitReason::NoProc));
        };
        let lineage = Lineage {
            key: member.key,
            supervisor: address.clone(),
            place: place.clone(),
            restarts,
        };
        let child = Arc::clone(&member.child);
        let started = child
            .start(Arc::new(lineage), pid.number(), place.clone())
            .await;
        let member = &mut self.members[key];
        match &started {
            Ok(pid) => {
                member.state = ChildState::Running(pid.clone());
                member.started = Some(Instant::now());
                member.restarts = restarts;
            }
            Err(error) => {
                if let NotStarted::Ignored = error {
                    member.state = ChildState::Stopped;
                    member.child.stop_waiting();
                }
                place.emit_not_started(error);
            }
        }
        started
    }

    /// Takes a child out of the supervisor's list; its specification goes, unless somebody else has it.
    pub(super) fn remove(&mut self, key: Key) {
        if let Some(member) = self.members.remove(key) {
            member.child.stop_waiting();
        }
    }

    /// A child's process has ended.
    async fn ended(
        &mut self,
        key: Key,
        pid: &Pid,
        reason: &ExitReason,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        // Of another incarnation than the present one, it is stale: that one was stopped on purpose.
        let Some(member) = self.members.get(key) else {
            return Ok(());
        };
        if member.pid() != Some(pid) {
            return Ok(());
        }
        self.end_is_over(key).await;
        let terms = self.members[key].child.terms();
        let restarts = match terms.restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_clean(),
            Restart::Temporary => false,
        };
        if restarts {
            return self.restart_after_exit(key, ctx).await;
        }
        let (significant, temporary) = (terms.significant, terms.restart == Restart::Temporary);
        if temporary {
            self.remove(key);
        } else {
            self.members[key].state = ChildState::Stopped;
            self.members[key].child.stop_waiting();
        }
        if significant && self.shuts_down() {
            return Err(ExitReason::Shutdown);
        }
        Ok(())
    }

    /// Whether the end of a significant child is the supervisor's.
    fn shuts_down(&self) -> bool {
        match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => self.members.iter().all(|member| {
                !member.child.terms().significant || member.state == ChildState::Stopped
            }),
        }
    }
}

impl GenServer for Tree {
    type Msg = SupervisorMsg;

    async fn init(&mut self, ctx: &mut Context<SupervisorMsg>) -> Result<(), ExitReason> {
        ctx.trap_exit();
        if let Some(condition) = &self.only_if
            && !condition()
        {
            ctx.ignore();
            return Ok(());
        }
        if let Some(option) = self.fault {
            return Err(ExitReason::from(bad_start(option)));
        }
        let _ = self.me.set((ctx.pid(), ctx.weak_ref()));
        for key in self.members.keys() {
            let terms = self.members[key].child.terms();
            let temporary = terms.restart == Restart::Temporary;
            match self.start_member(key).await {
                Err(NotStarted::Ignored) if temporary => self.remove(key),
                Ok(_) | Err(NotStarted::Ignored) => {}
                Err(NotStarted::Failed(reason)) => {
                    self.stop_all().await;
                    let id = Arc::clone(self.members[key].id());
                    let failed = FailedToStartChild { id, reason };
                    return Err(ExitReason::shutdown_with(failed));
                }
            }
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        SupervisorMsg(request): SupervisorMsg,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        match request {
            Request::Ended(key, pid, reason) => return self.ended(key, &pid, &reason, ctx).await,
            Request::Retry(key, retry) => return self.retry(key, retry, ctx).await,
            Request::Start(child, reply) => reply.send(self.start_child(child).await),
            Request::Terminate(id, reply) => reply.send(self.terminate_child(&id).await),
            Request::Restart(id, reply) => reply.send(self.restart_child(&id).await),
            Request::Delete(id, reply) => reply.send(self.delete_child(&id)),
            Request::Below(id, reply) => reply.send(self.below(&id)),
            Request::Which(reply) => {
                reply.send(self.members.iter().rev().map(Member::info).collect());
            }
            Request::Strategy(reply) => reply.send(self.strategy),
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
        _: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        // Only a parent's counts, and that one does not come here.
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, ctx: &mut Context<SupervisorMsg>) {
        self.place.emit_root_stopping(ctx.pid());
        self.stop_all().await;
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // There are children left only where `terminate` did not run: the supervisor was killed, or its
        // runtime dropped. They must not live on without it.
        for pid in self.members.iter().filter_map(Member::pid) {
            pid.exit(ExitReason::Killed);
        }
    }
}

/// Where a child comes from: whom to tell of it.
struct Lineage {
    key: Key,
    supervisor: WeakRef<SupervisorMsg>,
    place: Place,
    restarts: u64,
}

impl Parent for Lineage {
    fn child_started(&self, pid: &Pid) {
        let (pid, restarts) = (pid.clone(), self.restarts);
        self.place.emit(|path| SupervisorEvent::Started {
            path,
            pid,
            restarts,
        });
    }

    fn child_ended(&self, pid: &Pid, reason: &ExitReason) {
        let ended = pid.clone();
        self.place.emit(|path| SupervisorEvent::Exited {
            path,
            pid: ended,
            reason: reason.clone(),
        });
        // Refused only by a supervisor that has ended for good.
        let _ = self.supervisor.tell(SupervisorMsg(Request::Ended(
            self.key,
            pid.clone(),
            reason.clone(),
        )));
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request(..)")
    }
}
