//! How a server is doing, without asking it.

use std::sync::Arc;

use tokio::time::Instant;

use crate::signals;
use crate::slot::{Extras, Phase, Slot};
use crate::sync::Ordering;

/// How a server is doing, as of the moment of asking.
///
/// It costs the server nothing: the counters are written when the server has worked off what it had
/// swapped out of its mailbox, and when a handler begins to wait. While a handler keeps its thread
/// busy they are as of its beginning or up to 64 messages before.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The name given in the options.
    pub name: Option<Arc<str>>,
    /// What the server is doing.
    pub state: ServerState,
    /// Messages accepted and not begun.
    pub mailbox_len: usize,
    /// Messages begun, and nearly all of them handled.
    pub handled: u64,
    /// Messages accepted that nobody handled, because the server ended first.
    pub dropped: usize,
    /// Processes that the server is linked with.
    pub links: usize,
    /// Monitors and watches that others have set on the server, and futures that wait for its end (those
    /// among them that were dropped may be counted for a while).
    pub monitors: usize,
    /// Since when the message in hand waits for something; `None` if none does.
    pub busy_since: Option<Instant>,
}

/// What a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerState {
    /// Not started yet, or its `init` runs.
    Starting,
    /// It waits for messages.
    Idle,
    /// It handles messages.
    Busy,
    /// Somebody suspended it.
    Suspended,
    /// It has ended; a supervisor may start it again when somebody asks for it.
    Ended,
}

impl<M> Slot<M> {
    pub(crate) fn info(&self) -> ServerInfo {
        let inner = self.inner.lock();
        let extras = inner.extras.as_deref();
        let state = match inner.phase {
            Phase::Waiting | Phase::Starting(_) => ServerState::Starting,
            Phase::Stopped | Phase::Closed(_) => ServerState::Ended,
            Phase::Running if self.signals.load(Ordering::Relaxed) & signals::SUSPEND != 0 => {
                ServerState::Suspended
            }
            Phase::Running if inner.parked => ServerState::Idle,
            Phase::Running => ServerState::Busy,
        };
        ServerInfo {
            name: self.name.clone(),
            state,
            mailbox_len: inner.queue.len() + self.in_hand.load(Ordering::Relaxed),
            handled: self.handled.load(Ordering::Relaxed),
            dropped: inner.dropped,
            links: extras.map_or(0, |extras| extras.relations.links.len()),
            monitors: extras.map_or(0, Extras::monitors),
            busy_since: extras.and_then(|extras| extras.busy_since),
        }
    }
}

impl<M> Extras<M> {
    fn monitors(&self) -> usize {
        self.relations.monitors.len() + self.watchers.len() + self.monitors.len()
    }
}
