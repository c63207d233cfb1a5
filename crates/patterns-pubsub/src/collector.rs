//! A subscriber that collects.

use std::fmt;

use crate::mailbox::Mailbox;
use crate::{Message, Subscription};

/// Collects what is published, for whoever looks at it from time to time: a test, a log of the last things that happened.
///
/// Made by [`PubSub::collect`](crate::PubSub::collect). It keeps the latest messages, as many as it was made for. It needs no process and
/// no task.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_pubsub::{PubSub, PubSubConfig};
///
/// let orders = PubSub::new(PubSubConfig::default())?;
/// let seen = orders.collect("orders.>", 100)?;
/// orders.publish("orders.created", 7)?;
/// orders.publish("orders.paid", 7)?;
///
/// let topics: Vec<_> = seen.messages().iter().map(|message| message.topic().to_owned()).collect();
/// assert_eq!(topics, ["orders.created", "orders.paid"]);
/// assert_eq!(seen.flush().len(), 2);
/// assert!(seen.messages().is_empty());
/// # Ok(()) }
/// ```
#[must_use = "a collector ends when it is dropped"]
pub struct Collector<M>(Subscription<M>);

impl<M> Collector<M> {
    pub(crate) const fn new(subscription: Subscription<M>) -> Self {
        Self(subscription)
    }

    /// Returns what it has collected, oldest first, and keeps it.
    #[must_use]
    pub fn messages(&self) -> Vec<Message<M>> {
        self.0.mailbox().map_or_else(Vec::new, Mailbox::messages)
    }

    /// Takes out what it has collected, oldest first.
    pub fn flush(&self) -> Vec<Message<M>> {
        self.0.mailbox().map_or_else(Vec::new, Mailbox::flush)
    }

    /// Returns how many messages it has collected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Says whether it has collected none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many messages had to make room for later ones so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost()
    }

    /// Returns its subscription, which has what was collected and goes on.
    pub fn into_subscription(self) -> Subscription<M> {
        self.0
    }
}

impl<M> fmt::Debug for Collector<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("pattern", &self.0.pattern())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
