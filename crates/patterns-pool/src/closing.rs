//! The ways out of the pool's own hands: closing a member, and bringing one back that the pool has looked at.

use std::time::Duration;

use otp_core::contained::contain;

use crate::Manager;
use crate::ledger::Key;
use crate::limited::within;
use crate::shared::{Shared, now};
use crate::sync::Arc;

impl<M: Manager> Shared<M> {
    /// Closes a member in a task of its own.
    pub(crate) fn close(self: &Arc<Self>, member: M::Member) {
        let closing = Closing(Arc::clone(self));
        let work = async move {
            let Shared {
                manager, config, ..
            } = &*closing.0;
            close(manager, config.close_timeout, member).await;
        };
        // On a runtime that was dropped the work is dropped here and now, and the member with it.
        contain(|| match self.runtime() {
            Some(runtime) => drop(runtime.spawn(work)),
            None => drop(work),
        });
    }
}

async fn close<M: Manager>(manager: &M, limit: Duration, member: M::Member) {
    within(limit, || None, async { manager.close(member).await }).await;
}

/// Counts a member as gone, whatever became of its closing.
struct Closing<M: Manager>(Arc<Shared<M>>);

impl<M: Manager> Drop for Closing<M> {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// A member that the pool itself has. Unless it is brought back, it is closed.
pub(crate) struct Away<M: Manager> {
    shared: Arc<Shared<M>>,
    key: Key,
    member: Option<M::Member>,
}

impl<M: Manager> Away<M> {
    pub(crate) fn new(shared: &Arc<Shared<M>>, key: Key, member: M::Member) -> Self {
        Self {
            shared: Arc::clone(shared),
            key,
            member: Some(member),
        }
    }

    pub(crate) const fn member(&mut self) -> Option<&mut M::Member> {
        self.member.as_mut()
    }

    pub(crate) fn back(mut self, keep: bool) {
        self.bring(keep);
    }

    fn bring(&mut self, keep: bool) {
        if let Some(member) = self.member.take() {
            let (key, now) = (self.key, now());
            self.shared
                .with(|ledger| ledger.bring_back(key, member, keep, now));
        }
    }

    /// Checks the member, within its time.
    pub(crate) async fn check(mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(member) = &mut self.member else {
            return;
        };
        let well = shared.is_well(member).await;
        self.back(well);
    }
}

impl<M: Manager> Drop for Away<M> {
    fn drop(&mut self) {
        self.bring(false);
    }
}
