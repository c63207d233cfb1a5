//! What a subscriber can choose.

use std::fmt;

use crate::sync::Arc;
use crate::{BadOption, Message, SubscribeError};

/// The options of a [`Subscription`](crate::Subscription).
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_pubsub::{Event, Overflow, PubSub, PubSubConfig, SubscribeOptions};
///
/// struct Price { symbol: &'static str, cents: u64 }
///
/// let prices: PubSub<Price> = PubSub::new(PubSubConfig::default())?;
/// let options = SubscribeOptions {
///     capacity: 100,
///     overflow: Overflow::<Price>::keep_latest(|price| price.symbol),
///     ..SubscribeOptions::default()
/// };
/// let mut subscription = prices.subscribe_with("prices.>", options)?;
/// for cents in [100, 120, 90] {
///     prices.publish("prices.tea", Price { symbol: "TEA", cents })?;
/// }
/// assert!(matches!(subscription.try_recv(), Some(Event::Lost(2))));
/// assert!(matches!(subscription.try_recv(), Some(Event::Message(price)) if price.cents == 90));
/// # Ok(()) }
/// ```
pub struct SubscribeOptions<M> {
    /// How many messages wait at most, 1 or more. Default: 1,024.
    ///
    /// Nothing is set aside for them. [`Overflow::Unbounded`] takes no notice of it.
    pub capacity: usize,

    /// What becomes of a message for which there is no room. Default: [`Overflow::DropOldest`].
    pub overflow: Overflow<M>,

    /// The queue group that it belongs to, by name. Default: `None`.
    ///
    /// Of all members of a group that match a topic, whatever their patterns are, one gets the message: each in turn, and one
    /// that is full is passed over while another has room.
    pub group: Option<String>,

    /// Whether the retained messages that match come first. Default: `true`.
    pub retained: bool,
}

impl<M> SubscribeOptions<M> {
    pub(crate) fn check(&self) -> Result<(), SubscribeError> {
        if self.capacity == 0 {
            return Err(SubscribeError::BadOption(BadOption {
                option: "capacity",
                allowed: "1 or more",
            }));
        }
        check_group(self.group.as_deref())
    }
}

/// The options of a server that subscribes.
///
/// # Examples
///
/// See [`PubSub::subscribe_server_with`](crate::PubSub::subscribe_server_with).
#[derive(Debug, Clone)]
pub struct SubscribeServerOptions {
    /// The queue group that it belongs to, by name. Default: `None`. See [`SubscribeOptions::group`].
    pub group: Option<String>,

    /// Whether the retained messages that match come first. Default: `true`.
    pub retained: bool,
}

impl SubscribeServerOptions {
    pub(crate) fn check(&self) -> Result<(), SubscribeError> {
        check_group(self.group.as_deref())
    }
}

impl Default for SubscribeServerOptions {
    fn default() -> Self {
        Self {
            group: None,
            retained: true,
        }
    }
}

fn check_group(group: Option<&str>) -> Result<(), SubscribeError> {
    if group == Some("") {
        return Err(SubscribeError::BadOption(BadOption {
            option: "group",
            allowed: "a name that is not empty, or `None` for no group",
        }));
    }
    Ok(())
}

impl<M> Default for SubscribeOptions<M> {
    fn default() -> Self {
        Self {
            capacity: 1_024,
            overflow: Overflow::default(),
            group: None,
            retained: true,
        }
    }
}

impl<M> Clone for SubscribeOptions<M> {
    fn clone(&self) -> Self {
        Self {
            capacity: self.capacity,
            overflow: self.overflow.clone(),
            group: self.group.clone(),
            retained: self.retained,
        }
    }
}

impl<M> fmt::Debug for SubscribeOptions<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscribeOptions")
            .field("capacity", &self.capacity)
            .field("overflow", &self.overflow)
            .field("group", &self.group)
            .field("retained", &self.retained)
            .finish()
    }
}

/// What becomes of a message for which a subscription has no room.
///
/// Whatever it is, the publisher does not wait, no other subscriber notices, and this one is told how many are missing and where.
#[non_exhaustive]
pub enum Overflow<M> {
    /// The oldest that waits goes. For what only matters while it is new.
    DropOldest,
    /// The new one goes. For what belongs together from the beginning.
    DropNewest,
    /// At most one waits for each key, the latest, at its place in the order; of more keys than there is room for, the oldest
    /// goes. For states that replace each other. Made by [`Overflow::keep_latest`].
    KeepLatest(KeyOf<M>),
    /// The subscription ends: it hands out what waits and then says so. For whoever would rather begin anew than miss something.
    Disconnect,
    /// There is always room, and memory grows with whoever is slow.
    Unbounded,
}

impl<M> Overflow<M> {
    /// Makes a policy that keeps the latest message for each key.
    ///
    /// `key` runs in the publisher, once for each message, outside all locks. If it panics, the message is missing for this
    /// subscriber, and counted. It is given the [`Message`], which derefs to the payload, whose type has to be named:
    ///
    /// ```
    /// use patterns_pubsub::Overflow;
    ///
    /// struct Tick { symbol: &'static str }
    /// let policy = Overflow::<Tick>::keep_latest(|tick| tick.symbol);
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn keep_latest<K: Into<LatestKey>>(
        key: impl Fn(&Message<M>) -> K + Send + Sync + 'static,
    ) -> Self {
        Self::KeepLatest(KeyOf(Arc::new(move |message| key(message).into())))
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the derive would ask for `M: Default`"
)]
impl<M> Default for Overflow<M> {
    fn default() -> Self {
        Self::DropOldest
    }
}

impl<M> Clone for Overflow<M> {
    fn clone(&self) -> Self {
        match self {
            Self::DropOldest => Self::DropOldest,
            Self::DropNewest => Self::DropNewest,
            Self::KeepLatest(key) => Self::KeepLatest(key.clone()),
            Self::Disconnect => Self::Disconnect,
            Self::Unbounded => Self::Unbounded,
        }
    }
}

impl<M> fmt::Debug for Overflow<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DropOldest => "DropOldest",
            Self::DropNewest => "DropNewest",
            Self::KeepLatest(_) => "KeepLatest(..)",
            Self::Disconnect => "Disconnect",
            Self::Unbounded => "Unbounded",
        })
    }
}

/// How the key of a message is found; see [`Overflow::keep_latest`].
pub struct KeyOf<M>(KeyFn<M>);

type KeyFn<M> = Arc<dyn Fn(&Message<M>) -> LatestKey + Send + Sync>;

impl<M> KeyOf<M> {
    pub(crate) fn of(&self, message: &Message<M>) -> LatestKey {
        (self.0)(message)
    }
}

impl<M> Clone for KeyOf<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> fmt::Debug for KeyOf<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyOf(..)")
    }
}

/// A key by which messages replace each other: a number or a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LatestKey {
    /// A number.
    Number(u64),
    /// A text.
    Text(Arc<str>),
}

impl From<u64> for LatestKey {
    fn from(key: u64) -> Self {
        Self::Number(key)
    }
}

impl From<u32> for LatestKey {
    fn from(key: u32) -> Self {
        Self::Number(key.into())
    }
}

impl From<&str> for LatestKey {
    fn from(key: &str) -> Self {
        Self::Text(key.into())
    }
}

impl From<String> for LatestKey {
    fn from(key: String) -> Self {
        Self::Text(key.into())
    }
}

impl From<Arc<str>> for LatestKey {
    fn from(key: Arc<str>) -> Self {
        Self::Text(key)
    }
}
