//! Restarts: OTP's rules, attempt by attempt.

use tokio::time::Instant;

use super::any_child::NotStarted;
use super::events::SupervisorEvent;
use super::info::ChildState;
use super::members::Key;
use super::terms::{Restart, Strategy};
use super::tree::{Request, SupervisorMsg, Tree};
use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::sync::Arc;

impl Tree {
    /// A child that is to be restarted has ended: at once, or after its back-off.
    pub(super) async fn restart_after_exit(
        &mut self,
        key: Key,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        let member = &mut self.members[key];
        let Some(backoff) = &member.child.terms().backoff else {
            return self.attempt(key, ctx).await;
        };
        let ran = member.started.map(|started| started.elapsed());
        if ran.is_some_and(|ran| ran >= backoff.healthy_after()) {
            member.attempts = 0;
        }
        self.retry_later(key, ctx);
        Ok(())
    }

    /// The next attempt is due, unless the child is gone or was stopped meanwhile.
    pub(super) async fn retry(
        &mut self,
        key: Key,
        retry: u64,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        match self.members.get(key) {
            Some(member) if member.state == ChildState::Restarting && member.retry == retry => {
                self.attempt(key, ctx).await
            }
            _ => Ok(()),
        }
    }

    /// Makes one attempt at a restart. Each counts, and with one too many the supervisor gives up.
    async fn attempt(
        &mut self,
        key: Key,
        ctx: &mut Context<SupervisorMsg>,
    ) -> Result<(), ExitReason> {
        if ctx.weak_ref().upgrade().is_none() {
            // The last handle is gone, and the tree stops as soon as nothing waits. An attempt may leave
            // something that does, and the next one too, without end.
            self.members[key].state = ChildState::Stopped;
            return Ok(());
        }
        if !self.window.allows(Instant::now()) {
            self.members[key].state = ChildState::Stopped;
            let child = Arc::clone(self.members[key].id());
            self.place
                .emit(|path| SupervisorEvent::GaveUp { path, child });
            return Err(ExitReason::Shutdown);
        }
        self.members[key].state = ChildState::Stopped;
        let group = match self.strategy {
            Strategy::OneForOne => vec![key],
            Strategy::OneForAll => self.stop_group(self.members.keys()).await,
            Strategy::RestForOne => {
                let from = self.members.keys_from(key..);
                self.stop_group(from).await
            }
        };
        for key in group {
            let restarts = self.members[key].restarts + 1;
            match self.start_attempt(key, restarts).await {
                Ok(_) => {}
                // Kept without a process: temporary ones are not started anew.
                Err(NotStarted::Ignored) => {}
                Err(NotStarted::Failed(_)) => {
                    // The round ends. Those that were started in it go on; the rest waits for the retry.
                    self.retry_later(key, ctx);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Stops them, last started first; temporary children go for good. Returns those that are to be
    /// started: all that are left, whether they ran or not.
    async fn stop_group(&mut self, mut group: Vec<Key>) -> Vec<Key> {
        for key in group.iter().rev() {
            self.stop_member(*key).await;
            let terms = self.members[*key].child.terms();
            if terms.restart == Restart::Temporary {
                self.remove(*key);
            }
        }
        group.retain(|key| self.members.get(*key).is_some());
        group
    }

    /// Queues the next attempt behind what waits already, or sets its timer.
    fn retry_later(&mut self, key: Key, ctx: &mut Context<SupervisorMsg>) {
        let member = &mut self.members[key];
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
