//! The process that keeps a pool in order: it makes members, watches those that are servers, and does what is due at a certain time.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;

use otp_core::{Context, Exit, ExitReason, GenServer, Pid, TimerRef};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::closing::Away;
use crate::ledger::{Key, Ledger, Phase, Start, Work};
use crate::making::Made;
use crate::shared::{Shared, now};
use crate::sync::Arc;
use crate::{CreateError, Leak, Manager, PoolEvent, WarmUp};

/// The messages of a pool's process, which only the pool itself sends: the type of [`Pool::child`](crate::Pool::child).
pub struct PoolMsg(pub(crate) Job);

#[derive(Debug)]
pub(crate) enum Job {
    /// Looks what is due.
    Attend,
    Made(Made),
    Failed(Start, CreateError),
    /// A borrower keeps this process for good.
    Forget(Pid),
}

pub(crate) struct Keeper<M: Manager> {
    shared: Arc<Shared<M>>,
    /// The members that are processes. One that was closed stays here until its end is told.
    linked: HashMap<Pid, Key>,
    alarm: Option<TimerRef>,
}

impl<M: Manager> Keeper<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>) -> Self {
        Self {
            shared,
            linked: HashMap::new(),
            alarm: None,
        }
    }
}

impl<M: Manager> GenServer for Keeper<M> {
    type Msg = PoolMsg;

    async fn init(&mut self, ctx: &mut Context<PoolMsg>) -> Result<(), ExitReason> {
        ctx.trap_exit();
        self.shared.move_in(Handle::current(), ctx.weak_ref());
        // What borrowers of an earlier incarnation still have.
        for (key, pid) in self.shared.with(|ledger| ledger.open(Phase::Warming)) {
            self.link(key, pid, ctx);
        }
        if self.shared.config.warm_up == WarmUp::Wait {
            self.warm_up(ctx).await?;
        }
        self.shared.with(Ledger::lend_from_now);
        self.attend(ctx);
        Ok(())
    }

    async fn handle(
        &mut self,
        PoolMsg(job): PoolMsg,
        ctx: &mut Context<PoolMsg>,
    ) -> Result<(), ExitReason> {
        match job {
            Job::Attend => {}
            Job::Made(made) => self.made(made, ctx),
            Job::Failed(start, cause) => self.failed(start, cause),
            Job::Forget(pid) => {
                self.linked.remove(&pid);
                ctx.unlink(&pid);
                return Ok(());
            }
        }
        self.attend(ctx);
        Ok(())
    }

    async fn handle_exit(
        &mut self,
        exit: Exit,
        ctx: &mut Context<PoolMsg>,
    ) -> Result<(), ExitReason> {
        let Exit { from, reason, .. } = exit;
        let Some(key) = from.and_then(|pid| self.linked.remove(&pid)) else {
            return if reason.is_normal() {
                Ok(())
            } else {
                Err(reason)
            };
        };
        let now = now();
        if self.shared.with(|ledger| ledger.died(key, &reason, now)) {
            let pool = self.shared.config.name.as_str();
            tracing::warn!(pool, member = key.id, %reason, "a member of the pool has ended");
            self.shared.tell(&PoolEvent::Crashed { id: key.id, reason });
        }
        self.attend(ctx);
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, ctx: &mut Context<PoolMsg>) {
        // What borrowers have is theirs until they give it back.
        for (pid, _) in self.linked.drain() {
            ctx.unlink(&pid);
        }
        self.shared.with(Ledger::shut);
        poll_fn(|cx| self.shared.poll_emptied(cx)).await;
    }
}

impl<M: Manager> Keeper<M> {
    /// Makes the first members, and fails if one cannot be made.
    async fn warm_up(&mut self, ctx: &mut Context<PoolMsg>) -> Result<(), ExitReason> {
        let mut making = JoinSet::new();
        loop {
            let now = now();
            for start in self.shared.with(|ledger| ledger.begin_starts(now)) {
                making.spawn(Arc::clone(&self.shared).make(start));
            }
            match making.join_next().await {
                None => return Ok(()),
                Some(Ok(made)) => self.made(made?, ctx),
                // It contains its panics, and nobody aborts it.
                Some(Err(ended)) => return Err(ended.into()),
            }
        }
    }

    fn made(&mut self, made: Made, ctx: &mut Context<PoolMsg>) {
        if let Some((key, pid)) = made.process
            // A borrower may have been given it and taken it for good, faster than this was told.
            && self.shared.with(|ledger| ledger.awaits_end(key))
        {
            self.link(key, pid, ctx);
        }
        self.shared.tell(&PoolEvent::Created { id: made.id });
    }

    fn link(&mut self, key: Key, pid: Pid, ctx: &mut Context<PoolMsg>) {
        // As this process traps exits, a member that has ended already is told of as any other.
        if ctx.link(&pid).is_ok() {
            self.linked.insert(pid, key);
        }
    }

    fn failed(&self, start: Start, cause: CreateError) {
        let (id, now, shared) = (start.id, now(), &self.shared);
        let retry_in = shared.with(|ledger| {
            ledger.start_failed(start, cause.clone(), now);
            ledger.rest(now).unwrap_or_default()
        });
        let pool = shared.config.name.as_str();
        tracing::warn!(pool, member = id, %cause, ?retry_in, "a member of the pool could not be made");
        shared.tell(&PoolEvent::CreateFailed {
            id,
            cause,
            retry_in,
        });
    }

    /// Does what is due, and sets the alarm for what is due next.
    fn attend(&mut self, ctx: &mut Context<PoolMsg>) {
        let now = now();
        let Work {
            starts,
            checks,
            leaks,
            next,
        } = self.shared.with(|ledger| ledger.attend(now));
        for start in starts {
            let work = Arc::clone(&self.shared).make(start);
            ctx.spawn_task(work, move |made| {
                PoolMsg(match made {
                    Ok(Ok(made)) => Job::Made(made),
                    Ok(Err(cause)) => Job::Failed(start, cause),
                    Err(reason) => Job::Failed(start, CreateError::Ended(reason)),
                })
            });
        }
        for (key, member) in checks {
            let away = Away::new(&self.shared, key, member);
            ctx.spawn_task(away.check(), |_| PoolMsg(Job::Attend));
        }
        for leak in leaks {
            self.report(leak);
        }
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel(alarm);
        }
        let rest = next.map(|at| at.saturating_duration_since(now));
        self.alarm = rest.map(|rest| ctx.send_after(rest, PoolMsg(Job::Attend)));
    }

    fn report(&self, leak: Leak) {
        tracing::warn!(
            pool = self.shared.config.name.as_str(),
            member = leak.id,
            taken_at = %leak.taken_at,
            held = ?leak.held,
            "a member of the pool was not given back for long"
        );
        self.shared.tell(&PoolEvent::Leaked(leak));
    }
}

impl<M: Manager> Drop for Keeper<M> {
    /// Where `terminate` did not run: a keeper that was killed, or whose runtime was dropped.
    fn drop(&mut self) {
        self.shared.with(Ledger::shut);
    }
}

impl<M: Manager> fmt::Debug for Keeper<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("linked", &self.linked.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PoolMsg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
