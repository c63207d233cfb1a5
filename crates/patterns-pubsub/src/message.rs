//! What subscribers get.

use std::fmt;
use std::ops::Deref;

use crate::sync::Arc;

/// A published payload and the topic it was published to.
///
/// All subscribers share one, so a clone costs the same whatever the payload is, and the payload need not be
/// [`Clone`]. It is dropped with the last of them. It derefs to the payload.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_pubsub::{Event, PubSub, PubSubConfig};
///
/// let words = PubSub::new(PubSubConfig::default())?;
/// let mut subscription = words.subscribe("words.*")?;
/// words.publish("words.short", "tea".to_owned())?;
///
/// let message = subscription.try_recv().and_then(Event::into_message).expect("it is there");
/// assert_eq!((message.topic(), message.len()), ("words.short", 3));
/// assert_eq!(message.into_payload(), "tea");
/// # Ok(()) }
/// ```
pub struct Message<M>(Arc<Sent<M>>);

struct Sent<M> {
    topic: Arc<str>,
    payload: M,
}

impl<M> Message<M> {
    pub(crate) fn new(topic: Arc<str>, payload: M) -> Self {
        Self(Arc::new(Sent { topic, payload }))
    }

    pub(crate) fn shared_topic(&self) -> Arc<str> {
        Arc::clone(&self.0.topic)
    }

    /// Returns the topic it was published to.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// Returns the payload.
    #[must_use]
    pub fn payload(&self) -> &M {
        &self.0.payload
    }

    /// Returns the payload for good. It is cloned only if somebody else has this message too.
    #[must_use]
    pub fn into_payload(self) -> M
    where
        M: Clone,
    {
        self.try_into_payload()
            .unwrap_or_else(|shared| shared.payload().clone())
    }

    /// Returns the payload for good, without a clone.
    ///
    /// # Errors
    ///
    /// Gives the message back if somebody else has it too.
    pub fn try_into_payload(self) -> Result<M, Self> {
        Arc::try_unwrap(self.0)
            .map(|sent| sent.payload)
            .map_err(Self)
    }
}

impl<M> Deref for Message<M> {
    type Target = M;

    fn deref(&self) -> &M {
        self.payload()
    }
}

impl<M> Clone for Message<M> {
    #[inline]
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Two messages are equal if their topics and their payloads are.
impl<M: PartialEq> PartialEq for Message<M> {
    fn eq(&self, other: &Self) -> bool {
        self.topic() == other.topic() && self.payload() == other.payload()
    }
}

impl<M: Eq> Eq for Message<M> {}

impl<M: fmt::Debug> fmt::Debug for Message<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic())
            .field("payload", self.payload())
            .finish()
    }
}

/// What a subscriber is told, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<M> {
    /// A message.
    Message(Message<M>),
    /// So many messages are missing at this place, because this subscriber was too slow for its queue.
    Lost(u64),
    /// The subscription has ended because its queue was full, as [`Overflow::Disconnect`](crate::Overflow::Disconnect)
    /// asks. Nothing comes after it.
    Disconnected,
}

impl<M> Event<M> {
    /// Returns the message, if it is one.
    #[must_use]
    pub fn into_message(self) -> Option<Message<M>> {
        match self {
            Self::Message(message) => Some(message),
            Self::Lost(_) | Self::Disconnected => None,
        }
    }
}
