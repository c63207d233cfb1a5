//! Restarts: OTP's rules, attempt by attempt.

use tokio::time::Instant;

use super::any_child::NotStarted;
use super::events::SupervisorEvent;
use super::info::ChildState;
use super::terms::{Restart, Strategy};
use super::tree::{Request, SupervisorMsg, Tree};
use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::sync::Arc;

impl Tree {
    /// A child that is to be restarted has ended: at once, or after its back-off.
    pub(super) async fn restart_after_exit(
        &mut self,
        at: usize,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        let member = &mut self.members[at];
        let Some(backoff) = &member.child.terms().backoff else {
            return self.attempt(at, ctx).await;
        };
        let ran = member.started.map(|started| started.elapsed());
        if ran.is_some_and(|ran| ran >= backoff.healthy_after()) {
            member.attempts = 0;
        }
        self.retry_later(at, ctx);
        Ok(())
    }

    /// The next attempt is due, unless the child is gone or was stopped meanwhile.
    pub(super) async fn retry(
        &mut self,
        key: u64,
        retry: u64,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        match self.position(key) {
            Some(at)
                if self.members[at].state == ChildState::Restarting
                    && self.members[at].retry == retry =>
            {
                self.attempt(at, ctx).await
            }
            _ => Ok(()),
        }
    }

    /// Makes one attempt at a restart. Each counts, and with one too many the supervisor gives up.
    async fn attempt(
        &mut self,
        at: usize,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        if !self.window.allows(Instant::now()) {
            self.members[at].state = ChildState::Stopped;
            let child = Arc::clone(self.members[at].id());
            self.place
                .emit(|path| SupervisorEvent::GaveUp { path, child });
            return Err(ExitReason::Shutdown);
        }
        self.members[at].state = ChildState::Stopped;
        let key = self.members[at].key;
        let group = match self.strategy {
            Strategy::OneForOne => vec![key],
            Strategy::OneForAll => self.stop_group(0, key).await,
            Strategy::RestForOne => self.stop_group(at, key).await,
        };
        for key in group {
            let Some(at) = self.position(key) else {
                continue;
            };
            match self.start_member(at).await {
                Ok(_) => self.members[at].restarts += 1,
                Err(NotStarted::Ignored) => {
                    if self.members[at].child.terms().restart == Restart::Temporary {
                        self.remove(at);
                    }
                }
                Err(NotStarted::Failed(_)) => {
                    // The round ends. Those that were started in it go on; the rest waits for the retry.
                    self.retry_later(at, ctx);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Stops everybody from `from` on, last started first; temporary children go for good. Returns those
    /// that are to be started: all that are left, whether they ran or not.
    async fn stop_group(&mut self, from: usize, failed: u64) -> Vec<u64> {
        for at in (from..self.members.len()).rev() {
            self.stop_member(at).await;
            let member = &self.members[at];
            if member.child.terms().restart == Restart::Temporary && member.key != failed {
                self.remove(at);
            }
        }
        self.members[from..]
            .iter()
            .map(|member| member.key)
            .collect()
    }

    /// Queues the next attempt behind what waits already, or sets its timer.
    fn retry_later(&mut self, at: usize, ctx: &mut Context<SupervisorMsg>) {
        let member = &mut self.members[at];
        member.state = ChildState::Restarting;
        member.retry += 1;
        let retry = SupervisorMsg(Request::Retry(member.key, member.retry));
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
}
