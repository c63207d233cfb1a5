//! What happens in a tree, as a stream.

use std::fmt;
use std::sync::Arc;

use otp_core::{Inbox, SupervisorEvent};
use tokio::time::Instant;

use crate::path::relative;

/// Something that happened in a tree, and when.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TreeEvent {
    /// When it happened, by tokio's clock.
    pub at: Instant,
    /// What happened.
    pub event: SupervisorEvent,
}

impl From<SupervisorEvent> for TreeEvent {
    /// An event that happens now.
    fn from(event: SupervisorEvent) -> Self {
        Self {
            at: Instant::now(),
            event,
        }
    }
}

impl fmt::Display for TreeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event.fmt(f)
    }
}

/// The events of a tree from the moment on at which it was asked for; see
/// [`SupervisionTree::events`](crate::SupervisionTree::events).
///
/// What is not read waits here, without bound. Dropping it ends the reports.
#[derive(Debug)]
pub struct TreeEvents {
    pub(crate) inbox: Inbox<TreeEvent>,
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
            if self.concerns(&event) {
                return Some(event);
            }
        }
    }

    /// Returns the next event if there is one already.
    pub fn try_recv(&mut self) -> Option<TreeEvent> {
        loop {
            let event = self.inbox.try_recv()?;
            if self.concerns(&event) {
                return Some(event);
            }
        }
    }

    fn concerns(&self, TreeEvent { event, .. }: &TreeEvent) -> bool {
        // The root's own events have no ids below it.
        relative(event, &self.prefix).is_some()
    }
}
