//! The process of a supervisor: what it is asked, and what it hears of its children.

use std::sync::OnceLock;

use tokio::time::Instant;

use super::any_child::{AnyChild, NotStarted};
use super::error::{ChildError, FailedToStartChild, StartChildError, bad_start};
use super::events::{Place, SupervisorEvent};
use super::info::{ChildCounts, ChildInfo, ChildState};
use super::intensity::Window;
use super::plan::Supervisor;
use super::terms::{AutoShutdown, Restart, Strategy};
use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::exits::Exit;
use crate::gen_server::GenServer;
use crate::keeper::Parent;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::reply::ReplyTo;
use crate::server_ref::WeakRef;
use crate::sync::{Arc, GlobalAtomicU64, Ordering};

/// What a supervisor understands. Sent by [`SupervisorRef`](crate::SupervisorRef).
#[derive(Debug)]
pub struct SupervisorMsg(pub(super) Request);

pub(super) enum Request {
    /// The child with that key, which ran as that process, has ended.
    Ended(u64, Pid, ExitReason),
    /// To make the next attempt at the restart of the child with that key, if it is the one that it waits for.
    Retry(u64, u64),
    Start(Arc<dyn AnyChild>, ReplyTo<Result<Pid, StartChildError>>),
    Terminate(Arc<str>, ReplyTo<Result<(), ChildError>>),
    Restart(Arc<str>, ReplyTo<Result<Pid, ChildError>>),
    Delete(Arc<str>, ReplyTo<Result<(), ChildError>>),
    Which(ReplyTo<Vec<ChildInfo>>),
    Count(ReplyTo<ChildCounts>),
    Look(ReplyTo<Look>),
    ReportTo(Recipient<SupervisorEvent>, ReplyTo<()>),
}

/// What a snapshot takes from one supervisor.
pub(super) struct Look {
    pub(super) id: Arc<str>,
    pub(super) strategy: Strategy,
    pub(super) pid: Pid,
    pub(super) children: Vec<(ChildInfo, Option<super::handle::SupervisorRef>)>,
}

/// A running supervisor.
pub(crate) struct Tree {
    pub(super) strategy: Strategy,
    pub(super) auto_shutdown: AutoShutdown,
    /// What was wrong with the specification; nothing is started then.
    fault: Option<&'static str>,
    only_if: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    pub(super) window: Window,
    /// In the order of their start.
    pub(super) members: Vec<Member>,
    pub(super) place: Place,
    me: OnceLock<(Pid, WeakRef<SupervisorMsg>)>,
}

/// A child that the supervisor knows.
pub(super) struct Member {
    /// Never used for another one.
    pub(super) key: u64,
    pub(super) child: Arc<dyn AnyChild>,
    pub(super) state: ChildState,
    pub(super) restarts: u64,
    /// Attempts since it last ran for long enough, for the back-off.
    pub(super) attempts: u32,
    pub(super) started: Option<Instant>,
    /// The number of the retry that it waits for, or of the last one.
    pub(super) retry: u64,
}

impl Member {
    pub(super) fn new(child: Arc<dyn AnyChild>) -> Self {
        static NEXT: GlobalAtomicU64 = GlobalAtomicU64::new(1);
        Self {
            key: NEXT.fetch_add(1, Ordering::Relaxed),
            child,
            state: ChildState::Stopped,
            restarts: 0,
            attempts: 0,
            started: None,
            retry: 0,
        }
    }

    pub(super) fn id(&self) -> &Arc<str> {
        &self.child.terms().id
    }

    pub(super) fn pid(&self) -> Option<&Pid> {
        match &self.state {
            ChildState::Running(pid) => Some(pid),
            ChildState::Restarting | ChildState::Stopped => None,
        }
    }

    pub(super) fn info(&self) -> ChildInfo {
        let terms = self.child.terms();
        ChildInfo {
            id: Arc::clone(&terms.id),
            state: self.state.clone(),
            kind: self.child.kind(),
            restart: terms.restart,
            restarts: self.restarts,
            mailbox_len: self.child.mailbox_len(),
        }
    }
}

impl Tree {
    pub(super) fn new(plan: Supervisor, place: Place) -> Self {
        Self {
            strategy: plan.strategy,
            auto_shutdown: plan.auto_shutdown,
            fault: plan.fault(),
            window: Window::new(plan.intensity, plan.period),
            members: plan.children.into_iter().map(Member::new).collect(),
            only_if: plan.only_if,
            place,
            me: OnceLock::new(),
        }
    }

    pub(super) fn position(&self, key: u64) -> Option<usize> {
        self.members.iter().position(|member| member.key == key)
    }

    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.members.iter().position(|member| &**member.id() == id)
    }

    /// Makes one attempt at the start of a child.
    pub(super) async fn start_member(&mut self, at: usize) -> Result<Pid, NotStarted> {
        let member = &self.members[at];
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
        };
        let child = Arc::clone(&member.child);
        let started = child
            .start(Arc::new(lineage), pid.number(), place.clone())
            .await;
        let member = &mut self.members[at];
        match &started {
            Ok(pid) => {
                member.state = ChildState::Running(pid.clone());
                member.started = Some(Instant::now());
            }
            Err(NotStarted::Ignored) => {
                member.state = ChildState::Stopped;
                member.child.stop_waiting();
                place.emit(|path| SupervisorEvent::Ignored { path });
            }
            Err(NotStarted::Failed(reason)) => {
                let reason = reason.clone();
                place.emit(|path| SupervisorEvent::StartFailed { path, reason });
            }
        }
        started
    }

    /// Takes a child out of the supervisor's list; its specification goes, unless somebody else has it.
    pub(super) fn remove(&mut self, at: usize) {
        let member = self.members.remove(at);
        member.child.stop_waiting();
    }

    /// A child's process has ended.
    async fn ended(
        &mut self,
        key: u64,
        pid: &Pid,
        reason: &ExitReason,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        // Of another incarnation than the present one, it is stale: that one was stopped on purpose.
        let current = |at: &usize| self.members[*at].pid() == Some(pid);
        let Some(at) = self.position(key).filter(current) else {
            return Ok(());
        };
        let terms = self.members[at].child.terms();
        let restarts = match terms.restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_clean(),
            Restart::Temporary => false,
        };
        if restarts {
            return self.restart_after_exit(at, ctx).await;
        }
        let (significant, temporary) = (terms.significant, terms.restart == Restart::Temporary);
        if temporary {
            self.remove(at);
        } else {
            self.members[at].state = ChildState::Stopped;
            self.members[at].child.stop_waiting();
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
        let mut at = 0;
        while let Some(member) = self.members.get(at) {
            let (id, terms) = (Arc::clone(member.id()), member.child.terms());
            let temporary = terms.restart == Restart::Temporary;
            match self.start_member(at).await {
                Ok(_) => at += 1,
                Err(NotStarted::Ignored) if temporary => self.remove(at),
                Err(NotStarted::Ignored) => at += 1,
                Err(NotStarted::Failed(reason)) => {
                    self.stop_all().await;
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
            Request::Which(reply) => {
                reply.send(self.members.iter().rev().map(Member::info).collect());
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
        _: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        // Only a parent's counts, and that one does not come here.
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<SupervisorMsg>) {
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
    key: u64,
    supervisor: WeakRef<SupervisorMsg>,
    place: Place,
}

impl Parent for Lineage {
    fn child_started(&self, pid: &Pid) {
        let pid = pid.clone();
        self.place
            .emit(|path| SupervisorEvent::Started { path, pid });
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
