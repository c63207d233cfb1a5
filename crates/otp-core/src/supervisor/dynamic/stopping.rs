//! How the children of a dynamic supervisor are stopped: one, or all at the same time.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::super::error::ChildError;
use super::super::events::SupervisorEvent;
use super::super::stopping::stop;
use super::super::terms::Shutdown;
use super::members::{Member, Phase};
use super::process::DynamicTree;
use super::request::{Asks, DynamicSupervisorMsg};
use crate::context::Context;
use crate::pid::{Monitor, Pid};
use crate::timers::after;

impl DynamicTree {
    pub(super) async fn terminate_child(
        &mut self,
        number: u64,
        reply: Asks<Result<(), ChildError>>,
        ctx: &mut Context<DynamicSupervisorMsg>,
    ) {
        if self.at_once {
            return self.begin_stop(number, reply, ctx);
        }
        let Some(member) = self.members.get_mut(number) else {
            return reply.send(Err(ChildError::NotFound));
        };
        if let Phase::Running(pid) = &member.phase {
            let place = self.place.below(&member.child.terms().id);
            stop(&*member.child, pid, &place).await;
        }
        self.forget(number);
        reply.send(Ok(()));
    }

    /// Stops all children at the same time: each is asked at once, and killed when its own time is over.
    pub(super) async fn stop_all(&mut self) {
        let begun = Instant::now();
        let mut ends: Vec<End> = Vec::new();
        for member in self.members.iter() {
            let Some(pid) = member.phase.pid() else {
                continue;
            };
            ends.push(self.ask_to_end(member, pid));
        }
        // One timer for all who have the same time, the shortest first.
        ends.sort_by_key(|end| end.limit);
        let mut ends = ends.into_iter().peekable();
        let mut killed = Vec::new();
        let finite = |end: &End| end.limit < Duration::MAX;
        while let Some(limit) = ends.peek().filter(|end| finite(end)).map(|end| end.limit) {
            let mut time = pin!(sleep_until(after(begun, limit)));
            while let Some(mut end) = ends.next_if(|end| end.limit == limit) {
                let in_time = poll_fn(|cx| match Pin::new(&mut end.end).poll(cx) {
                    Poll::Ready(_) => Poll::Ready(true),
                    Poll::Pending => time.as_mut().poll(cx).map(|()| false),
                })
                .await;
                if !in_time {
                    // Waited for only when all have had their time: its code may not await for long.
                    end.pid.kill();
                    killed.push(end);
                }
            }
        }
        for End {
            pid,
            end,
            id,
            limit,
        } in killed
        {
            end.await;
            tracing::warn!(
                child = &*id,
                pid = pid.number(),
                ?limit,
                "killed, for it did not end in time"
            );
            let place = self.place.below(&id);
            place.emit(|path| SupervisorEvent::SlowShutdown {
                path,
                pid,
                after: limit,
            });
        }
        for End { end, .. } in ends {
            end.await;
        }
        for member in self.members.take_all() {
            member.child.stop_waiting();
            if let Phase::Stopping(_, asked) = member.phase {
                for asks in asked {
                    asks.send(Ok(()));
                }
            }
        }
    }

    fn ask_to_end(&self, member: &Member, pid: &Pid) -> End {
        let terms = member.child.terms();
        let end = pid.monitor();
        if !matches!(member.phase, Phase::Stopping(..)) {
            let place = self.place.below(&terms.id);
            let stopping = pid.clone();
            place.emit(|path| SupervisorEvent::Stopping {
                path,
                pid: stopping,
            });
        }
        let limit = match terms.shutdown {
            Shutdown::BrutalKill => {
                pid.kill();
                Duration::MAX
            }
            Shutdown::Timeout(limit) => {
                member.child.shut_down(pid);
                limit
            }
            Shutdown::Infinity => {
                member.child.shut_down(pid);
                Duration::MAX
            }
        };
        End {
            pid: pid.clone(),
            end,
            id: std::sync::Arc::clone(&terms.id),
            limit,
        }
    }
}

/// The end of a child that is waited for.
struct End {
    pid: Pid,
    end: Monitor,
    id: std::sync::Arc<str>,
    /// The time that the child has for it; `Duration::MAX` for no limit.
    limit: Duration,
}
