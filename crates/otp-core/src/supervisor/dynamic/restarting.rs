//! Restarts of a dynamic supervisor's children.

use std::future::poll_fn;

use tokio::time::Instant;

use super::super::any_child::NotStarted;
use super::super::events::SupervisorEvent;
use super::super::terms::Restart;
use super::members::Phase;
use super::process::DynamicTree;
use super::request::{DynamicSupervisorMsg, Request};
use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::sync::Arc;

impl DynamicTree {
    /// A child's process has ended.
    pub(super) async fn ended(
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
            member.ended = Some(Ok(reason.clone()));
            return Ok(());
        }
        poll_fn(|cx| member.child.poll_over(cx)).await;
        if let Phase::Stopping(..) = member.phase {
            self.has_stopped(number, ctx);
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

    /// All that a process had to do at its end is done.
    pub(super) async fn over(
        &mut self,
        pid: &Pid,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) -> Result<(), ExitReason> {
        let member = self.members.get_mut(pid.number());
        match member.and_then(|member| member.ended.take()) {
            Some(Ok(reason)) => return self.ended(pid, &reason, ctx).await,
            Some(Err(error)) => self.begun(pid, Err(error), ctx),
            None => {}
        }
        Ok(())
    }

    pub(super) async fn retry(
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
                    member.ran = pid.number();
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
}
