//! A handle for one topic.

use std::fmt;

use crate::PublishError;
use crate::pubsub::Owner;
use crate::route::{Except, Route};
use crate::routes::{Cell, Version};
use crate::shared::refused;
use crate::sync::Arc;

/// Publishes to one topic, and remembers who subscribes to it.
///
/// Made by [`PubSub::publisher`](crate::PubSub::publisher). It finds its subscribers without looking its topic up, so that with few of them it
/// is a good deal faster than [`PubSub::publish`](crate::PubSub::publish). Clone it into every task that publishes: each has its own.
///
/// Like a [`PubSub`](crate::PubSub) it keeps the pub/sub open. It holds what it remembers until it next publishes, of a
/// subscription that is gone by then that is some hundred bytes.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_pubsub::{PubSub, PubSubConfig};
///
/// let ticks = PubSub::new(PubSubConfig::default())?;
/// let mut publisher = ticks.publisher("clock.tick")?;
/// let mut subscription = ticks.subscribe("clock.*")?;
/// for tick in 0..3 {
///     assert_eq!(publisher.publish(tick)?, 1);
/// }
/// assert_eq!(subscription.len(), 3);
/// # drop(subscription.try_recv());
/// # Ok(()) }
/// ```
pub struct Publisher<M> {
    owner: Arc<Owner<M>>,
    cell: Arc<Cell>,
    known: Option<(Version, Arc<Route<M>>)>,
}

impl<M> Publisher<M> {
    /// Makes one; the topic is pinned by the caller.
    pub(crate) const fn new(owner: Arc<Owner<M>>, cell: Arc<Cell>) -> Self {
        Self {
            owner,
            cell,
            known: None,
        }
    }

    /// Returns the topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.cell.name()
    }

    /// Publishes a payload; returns how many subscribers accepted it. Otherwise as [`PubSub::publish`](crate::PubSub::publish).
    ///
    /// # Errors
    ///
    /// [`PublishError::Closed`] if the pub/sub was stopped.
    #[inline]
    pub fn publish(&mut self, payload: M) -> Result<usize, PublishError<M>> {
        let shared = self.owner.shared();
        let routes = &shared.routes;
        if let Some((version, route)) = &self.known
            && routes.is_current(&self.cell, *version)
            && !routes.is_closed()
        {
            return Ok(shared.deliver(route, payload, &Except::Nobody));
        }
        match routes.pinned(&self.cell) {
            Ok((version, route)) => {
                let accepted = shared.deliver(&route, payload, &Except::Nobody);
                self.known = Some((version, route));
                Ok(accepted)
            }
            Err(why) => {
                let error = refused(why, self.cell.name(), payload);
                self.known = None;
                Err(error)
            }
        }
    }
}

impl<M> Clone for Publisher<M> {
    fn clone(&self) -> Self {
        let cell = self.owner.shared().routes.pin(self.cell.name());
        Self {
            owner: Arc::clone(&self.owner),
            cell,
            known: self.known.clone(),
        }
    }
}

impl<M> Drop for Publisher<M> {
    fn drop(&mut self) {
        self.owner.shared().routes.unpin(&self.cell);
    }
}

impl<M> fmt::Debug for Publisher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("topic", &self.topic())
            .finish_non_exhaustive()
    }
}
