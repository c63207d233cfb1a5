//! Who subscribes to what, what is retained, what is counted; and taking others out.

use std::collections::BTreeMap;

use otp_core::ServerRef;

use super::PubSub;
use crate::info::{PubSubInfo, SubscriberInfo};
use crate::subscriber::Subscriber;
use crate::sync::Arc;
use crate::{Message, PubSubStats};

impl<M> PubSub<M> {
    /// Returns all who get what is published to a topic, by whatever pattern, in the order in which they have subscribed.
    #[must_use]
    pub fn subscribers(&self, topic: &str) -> Vec<SubscriberInfo> {
        infos(&self.0.shared.routes.matching(topic))
    }

    /// Returns all who have subscribed to exactly this topic or pattern, in the order in which they have subscribed.
    #[must_use]
    pub fn subscribers_of(&self, pattern: &str) -> Vec<SubscriberInfo> {
        infos(&self.0.shared.routes.at(pattern))
    }

    /// Returns how many get what is published to a topic. Of a queue group all count, though one of them gets it.
    #[must_use]
    pub fn subscriber_count(&self, topic: &str) -> usize {
        self.0.shared.routes.count(topic)
    }

    /// Returns what is subscribed to at this moment, topics and patterns, sorted.
    #[must_use]
    pub fn topics(&self) -> Vec<Arc<str>> {
        let topics = self.info().topics.into_iter();
        topics.map(|(topic, _)| topic).collect()
    }

    /// Returns what there is. It looks at every subscriber.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_pubsub::{PubSub, PubSubConfig};
    /// let orders: PubSub<u64> = PubSub::new(PubSubConfig::default())?;
    /// let _first = orders.subscribe("orders.eu")?;
    /// let _second = orders.subscribe("orders.eu")?;
    /// let _third = orders.subscribe("orders.>")?;
    ///
    /// let info = orders.info();
    /// assert_eq!(info.topics, [("orders.>".into(), 1), ("orders.eu".into(), 2)]);
    /// assert_eq!(info.subscribers, 3);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn info(&self) -> PubSubInfo {
        let shared = &self.0.shared;
        let all = shared.routes.all();
        let mut topics: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for subscriber in &all {
            *topics.entry(subscriber.pattern()).or_default() += 1;
        }
        let topics = topics.into_iter();
        PubSubInfo {
            subscribers: all.len(),
            topics: topics
                .map(|(topic, count)| (Arc::clone(topic), count))
                .collect(),
            retained: shared.retained.len(),
            entries: shared.routes.entries(),
            nodes: shared.routes.nodes(),
            closed: shared.routes.is_closed(),
        }
    }

    /// Returns what it has counted. It looks at every subscriber.
    #[must_use]
    pub fn stats(&self) -> PubSubStats {
        self.0.shared.stats()
    }

    /// Tells whether it is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.shared.routes.is_closed()
    }

    /// Returns the message that a topic retains.
    #[must_use]
    pub fn retained(&self, topic: &str) -> Option<Message<M>> {
        self.0.shared.retained.get(topic)
    }

    /// Takes out the message that a topic retains.
    pub fn clear_retained(&self, topic: &str) -> Option<Message<M>> {
        self.0.shared.retained.remove(topic)
    }

    /// Ends a subscription of anybody, found by [`subscribers`](Self::subscribers). `false` if it had ended already.
    ///
    /// When this has returned it accepts nothing more. A [`Subscription`](crate::Subscription) can still receive what it has accepted before.
    pub fn unsubscribe(&self, subscriber: &SubscriberInfo) -> bool {
        let shared = &self.0.shared;
        let found = shared.routes.at(&subscriber.pattern);
        found
            .iter()
            .find(|other| other.id() == subscriber.id)
            .is_some_and(|found| shared.leave(found))
    }

    /// Ends a server's subscription to a pattern: one's own or another's. `false` if it had none.
    ///
    /// When this has returned nothing more is cast. What was cast before is in the server's mailbox.
    pub fn unsubscribe_server<N: Send + 'static>(
        &self,
        pattern: &str,
        server: &ServerRef<N>,
    ) -> bool {
        let shared = &self.0.shared;
        let number = shared.servers.number(server);
        let found = number.and_then(|number| shared.servers.get(number, pattern));
        found.is_some_and(|found| shared.leave(&found))
    }

    /// Ends all subscriptions of a server; returns how many it had.
    pub fn unsubscribe_server_from_all<N: Send + 'static>(&self, server: &ServerRef<N>) -> usize {
        let shared = &self.0.shared;
        let number = shared.servers.number(server);
        number.map_or(0, |number| shared.leave_all(number))
    }
}

fn infos<M>(found: &[Arc<Subscriber<M>>]) -> Vec<SubscriberInfo> {
    let mut infos: Vec<_> = found.iter().map(|subscriber| subscriber.info()).collect();
    infos.sort_unstable_by_key(|info| info.id);
    infos
}
