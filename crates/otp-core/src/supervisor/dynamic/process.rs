//! The process of a dynamic supervisor.

use std::future::poll_fn;
use std::sync::OnceLock;

use tokio::time::Instant;

use super::super::any_child::{AnyChild, Below, NotStarted};
use super::super::error::{ChildError, StartChildError, allowed};
use super::super::events::{Place, SupervisorEvent};
use super::super::info::{ChildCounts, ChildInfo, ChildKind};
use super::super::intensity::Window;
use super::super::terms::{AutoShutdown, Restart, Strategy};
use super::super::tree::Look;
use super::members::{Member, Members, Phase};
use super::plan::DynamicSupervisor;
use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::exits::Exit;
use crate::gen_server::GenServer;
use crate::keeper::Parent;
use crate::panics;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::reply::ReplyTo;
use crate::server_ref::WeakRef;
use crate::sync::Arc;

/// What a dynamic supervisor understands. Sent by [`DynamicSupervisorRef`](crate::DynamicSupervisorRef).
#[derive(Debug)]
pub struct DynamicSupervisorMsg(pub(super) Request);

pub(super) enum Request {
    /// The child that ran as that process has ended.
    Ended(Pid, ExitReason),
    /// What became of a start that nobody waits for.
    Begun(Pid, Result<(), NotStarted>),
    /// The child with that number has had its time to start, or to end.
    TimeIsOver(u64, Pid),
    /// To make the next attempt at the restart of the child with that number, if it is the one that it waits for.
    Retry(u64, u64),
    Start(Arc<dyn AnyChild>, Asks<Result<Pid, StartChildError>>),
    Terminate(LastNumber, Asks<Result<(), ChildError>>),
    Which(ReplyTo<Vec<ChildInfo>>),
    Count(ReplyTo<ChildCounts>),
    Look(ReplyTo<Look>),
    ReportTo(Recipient<SupervisorEvent>, ReplyTo<()>),
}

/// Gives the number of a child's last process, as it is when the request is handled.
pub(super) type LastNumber = Box<dyn Fn() -> u64 + Send>;

/// One who asked, and is told the outcome.
pub(super) enum Asks<T: Send + 'static> {
    /// Waits for the reply.
    Reply(ReplyTo<T>),
    /// Has something done with the outcome, in the supervisor's process.
    Then(Box<dyn FnOnce(T) + Send>),
}

impl<T: Send + 'static> Asks<T> {
    pub(super) fn send(self, outcome: T) {
        match self {
            Self::Reply(reply) => reply.send(outcome),
            Self::Then(then) => {
                // It is the program's code, and its panic must not be that of the supervisor.
                if let Err(panic) = panics::catch(|| then(outcome)) {
                    tracing::error!(%panic, "what was to be done after a request to a supervisor panicked");
                }
            }
        }
    }
}

/// A running dynamic supervisor.
pub(crate) struct DynamicTree {
    max_children: usize,
    pub(super) at_once: bool,
    only_if: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    window: Window,
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
    async fn start(&mut self, child: &Arc<dyn AnyChild>, restarts: u64) -> Result<Pid, NotStarted> {
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
            return reply.send(Err(StartChildError::BadOption { option, allowed }));
        }
        if self.members.len() >= self.max_children {
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
        }
        reply.send(started.map_err(StartChildError::from));
    }

    /// A child's process has ended.
    async fn ended(
        &mut self,
        pid: &Pid,
        reason: &ExitReason,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) -> Result<(), ExitReason> {
        let number = pid.number();
        let Some(member) = self.members.get_mut(number) else {
            return Ok(());
        };
        // It has told its supervisor and is about to tell others, which takes a moment.
        if self.at_once && member.child.is_ending() {
            let again = Request::Ended(pid.clone(), reason.clone());
            let _ = ctx.weak_ref().tell(DynamicSupervisorMsg(again));
            return Ok(());
        }
        poll_fn(|cx| member.child.poll_over(cx)).await;
        if let Phase::Stopping(..) = member.phase {
            self.has_stopped(number);
            return Ok(());
        }
        let restarts = match member.child.terms().restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_clean(),
            Restart::Temporary => false,
        };
        if !restarts {
            self.forget(number);
            return Ok(());
        }
        let Some(backoff) = &member.child.terms().backoff else {
            return self.attempt(number, ctx).await;
        };
        let ran = member.started.map(|started| started.elapsed());
        if ran.is_some_and(|ran| ran >= backoff.healthy_after()) {
            member.attempts = 0;
        }
        self.retry_later(number, ctx);
        Ok(())
    }

    async fn retry(
        &mut self,
        number: u64,
        retry: u64,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) -> Result<(), ExitReason> {
        match self.members.get_mut(number) {
            Some(member) if matches!(member.phase, Phase::Restarting) && member.retry == retry => {
                self.attempt(number, ctx).await
            }
            _ => Ok(()),
        }
    }

    /// Makes one attempt at a restart. Each counts: to the child, if it has a limit of its own, otherwise to the supervisor.
    async fn attempt(
        &mut self,
        number: u64,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) -> Result<(), ExitReason> {
        let now = Instant::now();
        let Some(member) = self.members.get_mut(number) else {
            return Ok(());
        };
        if ctx.weak_ref().upgrade().is_none() {
            // The last handle is gone, and all is stopped as soon as nothing waits. An attempt may leave something that
            // does, and the next one too, without end.
            member.phase = Phase::Restarting;
            return Ok(());
        }
        if let Some(window) = &mut member.window {
            if !window.allows(now) {
                let place = self.place.below(&member.child.terms().id);
                place.emit(|path| SupervisorEvent::Abandoned { path });
                self.forget(number);
                return Ok(());
            }
        } else if !self.window.allows(now) {
            let child = Arc::clone(&member.child.terms().id);
            member.phase = Phase::Restarting;
            self.place
                .emit(|path| SupervisorEvent::GaveUp { path, child });
            return Err(ExitReason::Shutdown);
        }
        if self.at_once {
            if let Some(member) = self.members.take(number) {
                self.begin(member, None, ctx);
            }
            return Ok(());
        }
        let (child, restarts) = (Arc::clone(&member.child), member.restarts + 1);
        member.phase = Phase::Restarting;
        match self.start(&child, restarts).await {
            Ok(pid) => {
                if let Some(mut member) = self.members.take(number) {
                    member.phase = Phase::Running(pid.clone());
                    member.restarts = restarts;
                    member.note_start();
                    self.members.insert(pid.number(), member);
                }
            }
            Err(NotStarted::Ignored) => self.forget(number),
            Err(NotStarted::Failed(_)) => self.retry_later(number, ctx),
        }
        Ok(())
    }

    /// Queues the next attempt behind what waits already, or sets its timer.
    pub(super) fn retry_later(&mut self, number: u64, ctx: &mut Context<DynamicSupervisorMsg>) {
        let Some(member) = self.members.get_mut(number) else {
            return;
        };
        member.phase = Phase::Restarting;
        member.retry += 1;
        let retry = DynamicSupervisorMsg(Request::Retry(number, member.retry));
        match &member.child.terms().backoff {
            Some(backoff) => {
                let delay = backoff.delay(member.attempts);
                member.attempts = member.attempts.saturating_add(1);
                ctx.send_after(delay, retry);
            }
            None => {
                // The process runs, so its mailbox takes it.
                let _ = ctx.weak_ref().tell(retry);
            }
        }
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
        for pid in self.members.iter().filter_map(|member| member.phase.pid()) {
            pid.exit(ExitReason::Killed);
        }
    }
}

/// Where a child comes from: whom to tell of it.
pub(super) struct Lineage {
    supervisor: WeakRef<DynamicSupervisorMsg>,
    pub(super) place: Place,
    restarts: u64,
    at_once: bool,
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

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request(..)")
    }
}
