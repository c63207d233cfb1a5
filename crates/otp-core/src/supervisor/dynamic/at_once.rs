//! Starts and stops that the supervisor does not wait for: what becomes of them comes as a message.

use std::time::Duration;

use super::super::any_child::NotStarted;
use super::super::error::{ChildError, StartChildError};
use super::super::events::SupervisorEvent;
use super::super::terms::Shutdown;
use super::members::{Member, Phase};
use super::process::DynamicTree;
use super::request::{Asks, DynamicSupervisorMsg, Request};
use crate::context::Context;
use crate::error::StartError;
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::sync::Arc;
use crate::timers::TimerRef;

impl DynamicTree {
    /// Begins the start of a child; for a restart without anybody who asked.
    pub(super) fn begin(
        &mut self,
        mut member: Member,
        asked: Option<Asks<Result<Pid, StartChildError>>>,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) {
        let restarts = match asked {
            Some(_) => 0,
            None => member.restarts + 1,
        };
        let Some((lineage, me)) = self.lineage(&*member.child, restarts) else {
            return;
        };
        let place = lineage.place.clone();
        let pid = Arc::clone(&member.child).begin(lineage, me, place);
        let limit = member.child.start_timeout();
        if limit < Duration::MAX {
            let over = Request::TimeIsOver(pid.number(), pid.clone());
            member.timer = Some(ctx.send_after(limit, DynamicSupervisorMsg(over)));
        }
        member.phase = Phase::Starting(pid.clone(), asked);
        self.members.insert(pid.number(), member);
    }

    /// What became of a start.
    pub(super) fn begun(
        &mut self,
        pid: &Pid,
        outcome: Result<(), NotStarted>,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) {
        let number = pid.number();
        let Some(member) = self.members.get_mut(number) else {
            return;
        };
        if let Err(error) = &outcome
            && member.child.is_ending()
        {
            // It is about to tell others of its end, which takes a moment.
            member.ended = Some(Err(error.clone()));
            return;
        }
        let Phase::Starting(_, asked) = &mut member.phase else {
            if outcome.is_err() {
                // Stopped before it had started.
                self.has_stopped(number, ctx);
            }
            return;
        };
        let asked = asked.take();
        cancel(member.timer.take(), ctx);
        match (outcome, asked) {
            (Ok(()), asked) => {
                let Some(mut member) = self.members.take(number) else {
                    return;
                };
                member.phase = Phase::Running(pid.clone());
                member.ran = number;
                member.note_start();
                if asked.is_none() {
                    member.restarts += 1;
                }
                self.members.insert(number, member);
                if let Some(asked) = asked {
                    asked.send(Ok(pid.clone()));
                }
            }
            (Err(error), Some(asked)) => {
                self.forget(number);
                asked.send(Err(StartChildError::from(error)));
            }
            (Err(NotStarted::Ignored), None) => self.forget(number),
            (Err(NotStarted::Failed(_)), None) => self.retry_later(number, ctx),
        }
    }

    /// Begins the stop of a child. One that waits for a restart is forgotten at once.
    pub(super) fn begin_stop(
        &mut self,
        number: u64,
        asks: Asks<Result<(), ChildError>>,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) {
        let number = self.members.find(number);
        let Some(member) = self.members.get_mut(number) else {
            return asks.send(Err(ChildError::NotFound));
        };
        if let Phase::Stopping(_, asked) = &mut member.phase {
            return asked.push(asks);
        }
        let before = std::mem::replace(&mut member.phase, Phase::Restarting);
        let (pid, starter) = match before {
            Phase::Starting(pid, starter) => (pid, starter),
            Phase::Running(pid) | Phase::Stopping(pid, _) => (pid, None),
            Phase::Restarting => {
                self.forget(number);
                return asks.send(Ok(()));
            }
        };
        member.phase = Phase::Stopping(pid.clone(), vec![asks]);
        // The time to start is not the time to end.
        cancel(member.timer.take(), ctx);
        if let Some(starter) = starter {
            starter.send(Err(StartChildError::Failed(ExitReason::Shutdown)));
        }
        let place = self.place.below(&member.child.terms().id);
        let stopping = pid.clone();
        place.emit(|path| SupervisorEvent::Stopping {
            path,
            pid: stopping,
        });
        match member.child.terms().shutdown {
            Shutdown::BrutalKill => pid.kill(),
            Shutdown::Infinity => member.child.shut_down(&pid),
            Shutdown::Timeout(limit) => {
                member.child.shut_down(&pid);
                let over = Request::TimeIsOver(number, pid);
                member.timer = Some(ctx.send_after(limit, DynamicSupervisorMsg(over)));
            }
        }
    }

    /// A child that was asked to end has ended.
    pub(super) fn has_stopped(&mut self, number: u64, ctx: &mut Context<DynamicSupervisorMsg>) {
        let Some(member) = self.members.take(number) else {
            return;
        };
        cancel(member.timer, ctx);
        member.child.stop_waiting();
        if let Phase::Stopping(_, asked) = member.phase {
            // After the address is closed: who hears of the end finds nobody there.
            drop(member.child);
            for asks in asked {
                asks.send(Ok(()));
            }
        }
    }

    /// A child that still starts, or still stops, is killed.
    pub(super) fn time_is_over(&mut self, number: u64, pid: &Pid) {
        let Some(member) = self.members.get_mut(number) else {
            return;
        };
        match &mut member.phase {
            Phase::Starting(_, asked) => {
                let error = ExitReason::from(StartError::Timeout);
                if let Some(asked) = asked.take() {
                    asked.send(Err(StartChildError::Failed(error)));
                    // Forgotten when it has ended: nobody waits for that.
                    member.phase = Phase::Stopping(pid.clone(), Vec::new());
                }
                pid.kill();
            }
            Phase::Stopping(..) => {
                pid.kill();
                if let Shutdown::Timeout(after) = member.child.terms().shutdown {
                    let place = self.place.below(&member.child.terms().id);
                    let pid = pid.clone();
                    place.emit(|path| SupervisorEvent::SlowShutdown { path, pid, after });
                }
            }
            Phase::Running(_) | Phase::Restarting => {}
        }
    }
}

/// Takes a timer back, and with it what it holds of a child.
fn cancel(timer: Option<TimerRef>, ctx: &mut Context<DynamicSupervisorMsg>) {
    if let Some(timer) = timer {
        ctx.cancel(timer);
    }
}
