//! Watching a server over all its incarnations.

use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::exits::MonitorRef;
use crate::panics;
use crate::pid::Pid;
use crate::server_ref::ServerRef;
use crate::slot::{Inner, Phase, Slot};
use crate::sync::Arc;

/// What a watched server did; see [`Context::watch`](crate::Context::watch).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ServerChange {
    /// It runs, as this process.
    Up(Pid),
    /// The process that ran it has ended. The server may come back.
    Down(ExitReason),
    /// It will never run again; nothing more is reported.
    Closed,
}

/// A watch over a server, set by [`Context::watch`](crate::Context::watch).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WatchRef(pub(crate) u64);

/// Turns a change into a message of the process that watches.
pub(crate) type OnChange<M> = Box<dyn FnMut(ServerChange) -> M + Send>;

impl<M: Send + 'static> Context<M> {
    /// Has the comings and goings of a server reported as messages that `map` makes: that it is up,
    /// that its process has ended, that it is closed for good.
    ///
    /// Where a [`monitor`](Context::monitor) is for one process, this is for the server: it goes on over
    /// restarts. If the server runs, `Up` is handled right after the callback in hand. The watch does not
    /// keep the server running. `map` runs in this process, and its panic is this process's.
    pub fn watch<N: Send + 'static>(
        &mut self,
        server: &ServerRef<N>,
        map: impl FnMut(ServerChange) -> M + Send + 'static,
    ) -> WatchRef {
        let watch = WatchRef(MonitorRef::next().0);
        let slot = Arc::clone(&server.slot);
        let change = slot.watch(watch.0, &self.pid());
        let rare = self.rare();
        rare.first_changes
            .extend(change.map(|change| (watch.0, change)));
        rare.watches.insert(watch.0, (slot, Box::new(map)));
        watch
    }

    /// Ends a watch, and tells whether there was one. After it nothing of the watch arrives.
    pub fn unwatch(&mut self, watch: WatchRef) -> bool {
        let watches = self.rare.as_mut().map(|rare| &mut rare.watches);
        let Some((server, _map)) = watches.and_then(|watches| watches.remove(&watch.0)) else {
            return false;
        };
        server.unwatch(watch.0);
        true
    }
}

impl<M: Send + 'static> Slot<M> {
    /// Has the changes from now on told to `watcher`; returns the one that counts for now.
    fn watch(self: &Arc<Self>, watch: u64, watcher: &Pid) -> Option<ServerChange> {
        let mut inner = self.inner.lock();
        let change = match inner.phase {
            Phase::Closed(_) => return Some(ServerChange::Closed),
            Phase::Running => Some(ServerChange::Up(Pid::new(self.number(), self))),
            Phase::Waiting | Phase::Starting(_) | Phase::Stopped => None,
        };
        inner.extras().watchers.insert(watch, watcher.clone());
        change
    }

    pub(crate) fn unwatch(&self, watch: u64) {
        let mut inner = self.inner.lock();
        let extras = inner.extras.as_mut();
        let watcher = extras.and_then(|extras| extras.watchers.remove(&watch));
        drop(inner);
        drop(watcher);
    }
}

impl<M> Inner<M> {
    /// Those to tell of a change.
    pub(crate) fn watchers(&self) -> Vec<(u64, Pid)> {
        let watchers = self.extras.as_ref().map(|extras| &extras.watchers);
        let watchers = watchers.into_iter().flatten();
        watchers.map(|(watch, pid)| (*watch, pid.clone())).collect()
    }
}

/// Tells all watchers of a change.
pub(crate) fn tell_change(watchers: &[(u64, Pid)], change: &ServerChange) {
    for (watch, watcher) in watchers {
        // It may wake somebody, and a waker that panics must not keep the others from being told.
        let _ = panics::catch(|| watcher.tell_change(*watch, change.clone()));
    }
}
