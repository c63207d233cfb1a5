//! What a pub/sub tells of its subscribers.

use otp_core::Pid;
use tokio::time::Instant;

use crate::sync::Arc;

/// A subscriber, as of the moment of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberInfo {
    /// A number that no other subscriber of the same pub/sub has, before or after.
    pub id: u64,
    /// What it has subscribed to.
    pub pattern: Arc<str>,
    /// Since when.
    pub since: Instant,
    /// The queue group that it belongs to.
    pub group: Option<Arc<str>>,
    /// What it is.
    pub kind: SubscriberKind,
    /// How many messages it has accepted from those who published.
    pub delivered: u64,
    /// How many messages are missing for it, because it was too slow.
    pub lost: u64,
}

impl SubscriberInfo {
    /// Returns the process, if it is a server that runs.
    #[must_use]
    pub const fn pid(&self) -> Option<&Pid> {
        match &self.kind {
            SubscriberKind::Server { pid, .. } => pid.as_ref(),
            SubscriberKind::Queue { .. } => None,
        }
    }
}

/// What a subscriber is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriberKind {
    /// A [`Subscription`](crate::Subscription) with a queue of its own.
    Queue {
        /// How many messages wait.
        waiting: usize,
    },
    /// A server.
    Server {
        /// The process that runs it at this moment, if one does.
        pid: Option<Pid>,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
    },
}

/// What there is in a pub/sub, as of the moment of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PubSubInfo {
    /// How many subscribers there are.
    pub subscribers: usize,
    /// What is subscribed to, topics and patterns, sorted, each with the number of its subscribers.
    pub topics: Vec<(Arc<str>, usize)>,
    /// How many topics have a retained message.
    pub retained: usize,
    /// How many topics have an entry of their own: those with subscribers to exactly this topic, or with a
    /// [`Publisher`](crate::Publisher).
    pub entries: usize,
    /// How many nodes the tree of wildcard patterns has: as many as there are different beginnings of such patterns, without a last `>`.
    pub nodes: usize,
    /// Whether it is closed.
    pub closed: bool,
}
