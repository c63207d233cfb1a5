//! How children are stopped.

use tokio::time::timeout;

use super::events::SupervisorEvent;
use super::info::ChildState;
use super::terms::Shutdown;
use super::tree::Tree;
use crate::pid::Pid;

impl Tree {
    /// Stops everybody, last started first.
    pub(super) async fn stop_all(&mut self) {
        for at in (0..self.members.len()).rev() {
            self.stop_member(at).await;
        }
    }

    /// Stops a child on its own terms, if it runs, and takes back what was to start it again. When this
    /// returns it has ended; what its end says is stale then.
    pub(super) async fn stop_member(&mut self, at: usize) {
        let member = &mut self.members[at];
        if let ChildState::Running(pid) = &member.state {
            let pid = pid.clone();
            // Running until it has ended: if this process is killed meanwhile, it is killed too.
            self.stop(at, &pid).await;
        }
        self.members[at].state = ChildState::Stopped;
    }

    async fn stop(&self, at: usize, pid: &Pid) {
        let member = &self.members[at];
        let end = pid.monitor();
        match member.child.terms().shutdown {
            Shutdown::BrutalKill => pid.kill(),
            Shutdown::Infinity => member.child.shut_down(pid),
            Shutdown::Timeout(limit) => {
                member.child.shut_down(pid);
                let mut end = std::pin::pin!(end);
                if timeout(limit, end.as_mut()).await.is_err() {
                    let (place, pid) = (self.place.below(member.id()), pid.clone());
                    tracing::warn!(
                        child = &**member.id(),
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
}
