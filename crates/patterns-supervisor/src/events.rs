//! What happens in a tree, as a stream.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

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
    pub(crate) finished: bool,
}

impl TreeEvents {
    /// Returns the next event; `None` when the whole tree has ended and all its events were returned.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub async fn recv(&mut self) -> Option<TreeEvent> {
        poll_fn(|cx| self.poll_recv(cx)).await
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

    /// Does what [`recv`](Self::recv) does, for futures and streams that are written by hand. Of several tasks that poll, the last one is woken.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<TreeEvent>> {
        loop {
            let next = pin!(self.inbox.recv()).poll(cx);
            let Some(event) = ready!(next) else {
                self.finished = true;
                return Poll::Ready(None);
            };
            if let Some(event) = self.told(event) {
                return Poll::Ready(Some(event));
            }
        }
    }

    /// Tells whether [`recv`](Self::recv) or [`poll_recv`](Self::poll_recv) has returned `None`: nothing comes any more.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// The event as it is told here; nothing if it happened elsewhere in the tree.
    fn told(&self, Stamped { at, event }: Stamped) -> Option<TreeEvent> {
        let path = relative(&event, &self.prefix)?.join("/");
        Some(TreeEvent { at, path, event })
    }
}
