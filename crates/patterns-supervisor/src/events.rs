//! What happens in a tree, as a stream.

use std::fmt;
use std::sync::Arc;

use otp_core::{Inbox, SupervisorEvent};
use tokio::time::Instant;

use crate::path::relative;

/// Something that happened in a tree, when and where.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TreeEvent {
    /// When it happened, by tokio's clock.
    pub at: Instant,
    /// The path of the child that it happened to, from the supervisor on whose events these are; empty for that supervisor
    /// itself.
    pub path: String,
    /// What happened. Its own path begins at the root of all.
    pub event: SupervisorEvent,
}

/// An event as it is sent: with the time of its sending.
#[derive(Debug)]
pub(crate) struct Stamped {
    at: Instant,
    event: SupervisorEvent,
}

impl From<SupervisorEvent> for Stamped {
    fn from(event: SupervisorEvent) -> Self {
        Self {
            at: Instant::now(),
            event,
        }
    }
}

impl fmt::Display for TreeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, place) = (self.event.to_string(), self.event.path().join("/"));
        // The place stands first. It is told from the supervisor on whose events these are.
        let what = text.strip_prefix(&place).unwrap_or(&text);
        match (&*self.path, self.event.path().last()) {
            ("", Some(id)) => write!(f, "{id}{what}"),
            (path, _) => write!(f, "{path}{what}"),
        }
    }
}

/// The events of a tree from the moment on at which it was asked for; see
/// [`SupervisionTree::events`](crate::SupervisionTree::events).
///
/// What is not read waits here, without bound. Dropping it ends the reports.
#[derive(Debug)]
pub struct TreeEvents {
    pub(crate) inbox: Inbox<Stamped>,
    pub(crate) prefix: Arc<[Arc<str>]>,
}

impl TreeEvents {
    /// Returns the next event; `None` when the whole tree has ended and all its events were returned.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub async fn recv(&mut self) -> Option<TreeEvent> {
        loop {
            let event = self.inbox.recv().await?;
            if let Some(event) = self.told(event) {
                return Some(event);
            }
        }
    }

    /// Returns the next event if there is one already.
    pub fn try_recv(&mut self) -> Option<TreeEvent> {
        loop {
            let event = self.inbox.try_recv()?;
            if let Some(event) = self.told(event) {
                return Some(event);
            }
        }
    }

    /// The event as it is told here; nothing if it happened elsewhere in the tree.
    fn told(&self, Stamped { at, event }: Stamped) -> Option<TreeEvent> {
        let path = relative(&event, &self.prefix)?.join("/");
        Some(TreeEvent { at, path, event })
    }
}
