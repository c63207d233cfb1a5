//! How children are stopped.

use std::future::poll_fn;

use tokio::time::timeout;

use super::any_child::AnyChild;
use super::events::{Place, SupervisorEvent};
use super::info::ChildState;
use super::members::Key;
use super::terms::Shutdown;
use super::tree::Tree;
use crate::pid::Pid;
use crate::sync::Arc;

impl Tree {
    /// Stops everybody, last started first.
    pub(super) async fn stop_all(&mut self) {
        for key in self.members.keys().into_iter().rev() {
            self.stop_member(key).await;
        }
    }

    /// Stops a child on its own terms, if it runs, and takes back what was to start it again. When this
    /// returns it has ended; what its end says is stale then.
    pub(super) async fn stop_member(&mut self, key: Key) {
        let member = &mut self.members[key];
        if let ChildState::Running(pid) = &member.state {
            let pid = pid.clone();
            // Running until it has ended: if this process is killed meanwhile, it is killed too.
            let place = self.place.below(member.id());
            let child = Arc::clone(&member.child);
            stop(&*child, &pid, &place).await;
        }
        self.members[key].state = ChildState::Stopped;
    }

    /// Waits until everybody is told of an end that the supervisor knows of already.
    pub(super) async fn end_is_over(&self, key: Key) {
        let child = &self.members[key].child;
        poll_fn(|cx| child.poll_over(cx)).await;
    }
}

/// Stops a child on its own terms, and waits for its end.
pub(super) async fn stop(child: &dyn AnyChild, pid: &Pid, place: &Place) {
    let asked = pid.clone();
    place.emit(|path| SupervisorEvent::Stopping { path, pid: asked });
    ask_to_end(child, pid, place).await;
    poll_fn(|cx| child.poll_over(cx)).await;
}

async fn ask_to_end(child: &dyn AnyChild, pid: &Pid, place: &Place) {
    let end = pid.monitor();
    match child.terms().shutdown {
        Shutdown::BrutalKill => pid.kill(),
        Shutdown::Infinity => child.shut_down(pid),
        Shutdown::Timeout(limit) => {
            child.shut_down(pid);
            let mut end = std::pin::pin!(end);
            if timeout(limit, end.as_mut()).await.is_err() {
                let pid = pid.clone();
                tracing::warn!(
                    child = &*child.terms().id,
                    pid = pid.number(),
                    ?limit,
                    "killed, for it did not end in time"
                );
                pid.kill();
                end.await;
                place.emit(|path| SupervisorEvent::SlowShutdown {
                    path,
                    pid,
                    after: limit,
                });
            }
            return;
        }
    }
    end.await;
}
