//! The handle: what a program does with a pub/sub.

mod looking;

use std::fmt;

use crate::pattern::is_topic;
use crate::route::Except;
use crate::routes::NoRoute;
use crate::server::{PubSubMsg, Server};
use crate::shared::{Shared, Sharing, refused};
use crate::sync::Arc;
use crate::{
    BadOption, Child, Collector, Event, Message, Pid, PubSubConfig, PublishError, Publisher,
    ServerRef, StartError, StopError, SubscribeError, SubscribeOptions, SubscribeServerOptions,
    Subscription,
};

/// Hands what is published to a topic to all who have subscribed to it.
///
/// A handle is cheap to clone, and all clones are one pub/sub. `M` is the type of what is published; a program has one pub/sub for
/// each type of event. Publishing and subscribing are plain functions that work from any task or thread. When the last handle is
/// dropped, a [`Publisher`] being one too, the subscriptions end.
///
/// A topic is a text of levels with dots in between: `orders.eu.created`. A pattern is one too, in which `*` stands for any one level, and
/// a last `>` for one or more.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_pubsub::{Event, PubSub, PubSubConfig};
///
/// let orders = PubSub::start(PubSubConfig::default()).await?;
/// let mut created = orders.subscribe("orders.*.created")?;
/// let mut all = orders.subscribe("orders.>")?;
///
/// assert_eq!(orders.publish("orders.eu.created", 7)?, 2);
/// assert_eq!(orders.publish("orders.eu.paid", 7)?, 1);
///
/// let Some(Event::Message(message)) = created.recv().await else { panic!("it was published") };
/// assert_eq!((message.topic(), *message), ("orders.eu.created", 7));
/// assert_eq!(all.len(), 2);
/// # drop(all.try_recv());
/// # Ok(()) }
/// ```
#[must_use = "subscriptions end when the last handle is dropped"]
pub struct PubSub<M>(pub(crate) Arc<Owner<M>>);

/// What closes the pub/sub when the last handle goes.
pub(crate) struct Owner<M> {
    shared: Arc<Shared<M>>,
    server: Option<ServerRef<PubSubMsg>>,
}

impl<M> Owner<M> {
    pub(crate) fn close(&self) {
        self.shared.close();
    }

    pub(crate) fn shared(&self) -> &Shared<M> {
        &self.shared
    }
}

impl<M> Drop for Owner<M> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<M: Send + Sync + 'static> PubSub<M> {
    /// Starts a pub/sub, and the process that takes out servers that have ended.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if an option is out of its range, and why its process did not start, above all
    /// [`StartError::NoRuntime`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no pub/sub, and its process ends.
    pub async fn start(config: PubSubConfig) -> Result<Self, StartError> {
        config.check()?;
        let shared = Arc::new(Shared::new(&config));
        let server = Server::new(Arc::downgrade(&shared));
        let options = otp_core::ServerOptions::default().name(config.name);
        let server = otp_core::start_with(server, options).await?;
        Ok(Self::with_process(shared, server))
    }

    /// Makes a pub/sub without a process: for sync code, and where no server subscribes.
    ///
    /// All that is missing is that a server that has ended is taken out at once. Here that happens when the next message is for it, if no
    /// handle of it is left by then.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_pubsub::{Event, PubSub, PubSubConfig};
    ///
    /// let words = PubSub::new(PubSubConfig::default())?;
    /// let mut subscription = words.subscribe("words")?;
    /// let reads = std::thread::spawn(move || subscription.recv_blocking());
    /// words.publish("words", "tea")?;
    /// assert!(matches!(reads.join(), Ok(Some(Event::Message(message))) if *message == "tea"));
    /// # Ok(()) }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "as `start` takes it")]
    pub fn new(config: PubSubConfig) -> Result<Self, BadOption> {
        config.check()?;
        Ok(Self(Arc::new(Owner {
            shared: Arc::new(Shared::new(&config)),
            server: None,
        })))
    }

    /// Makes a pub/sub whose process is a child of a supervisor.
    ///
    /// It can be used at once. Subscriptions are in the handles and not in the process, so a restart of that loses none, and it goes on
    /// when the supervisor has stopped.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_pubsub::{Strategy, Supervisor};
    /// use patterns_pubsub::{PubSub, PubSubConfig};
    ///
    /// let (child, orders) = PubSub::child("orders", PubSubConfig::default())?;
    /// let tree = Supervisor::new(Strategy::OneForOne).child(child).start().await?;
    /// let subscription = orders.subscribe("orders.>")?;
    /// assert_eq!(orders.publish("orders.created", 7)?, 1);
    /// # drop(subscription);
    /// tree.stop().await?;
    /// # Ok(()) }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "as `start` takes it")]
    pub fn child(
        id: impl Into<Arc<str>>,
        config: PubSubConfig,
    ) -> Result<(Child<PubSubMsg>, Self), BadOption> {
        config.check()?;
        let shared = Arc::new(Shared::new(&config));
        let weak = Arc::downgrade(&shared);
        let child = Child::server(id, move || Server::new(weak.clone()));
        let server = child.server_ref();
        Ok((child, Self::with_process(shared, server)))
    }

    fn with_process(shared: Arc<Shared<M>>, server: ServerRef<PubSubMsg>) -> Self {
        shared.set_process(server.downgrade());
        let server = Some(server);
        Self(Arc::new(Owner { shared, server }))
    }

    /// Subscribes to all topics that match a pattern, with the default options: 1,024 messages wait at most, and the oldest make room.
    ///
    /// Every publish that begins when this has returned is received. Retained messages that match come first. Two subscriptions to the
    /// same pattern are two, and each gets everything.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::BadPattern`], [`SubscribeError::Closed`].
    pub fn subscribe(&self, pattern: &str) -> Result<Subscription<M>, SubscribeError> {
        self.subscribe_with(pattern, SubscribeOptions::default())
    }

    /// Subscribes with options; otherwise as [`subscribe`](Self::subscribe).
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe), and [`SubscribeError::BadOption`].
    pub fn subscribe_with(
        &self,
        pattern: &str,
        options: SubscribeOptions<M>,
    ) -> Result<Subscription<M>, SubscribeError> {
        self.begin(pattern, options, Sharing::Allowed)
    }

    /// Collects what is published to all topics that match a pattern: the latest `capacity` messages.
    ///
    /// # Errors
    ///
    /// As [`subscribe_with`](Self::subscribe_with).
    pub fn collect(&self, pattern: &str, capacity: usize) -> Result<Collector<M>, SubscribeError> {
        let options = SubscribeOptions {
            capacity,
            ..SubscribeOptions::default()
        };
        self.begin(pattern, options, Sharing::Refused)
            .map(Collector::new)
    }

    fn begin(
        &self,
        pattern: &str,
        options: SubscribeOptions<M>,
        sharing: Sharing,
    ) -> Result<Subscription<M>, SubscribeError> {
        let shared = &self.0.shared;
        let begun = shared.subscribe(pattern, options, sharing)?;
        Ok(Subscription::new(Arc::clone(shared), begun))
    }

    /// Has everything that is published to the topics that match a pattern cast to a server, as messages that `map` makes.
    /// Returns whether this is new: a server that has subscribed to that very pattern already stays as it is.
    ///
    /// The subscription is the server's, not the process's: it goes on over restarts, and ends when the server will not run again.
    /// It does not keep the server running. If the server's mailbox is bounded and full, the message is missing there, and counted;
    /// nobody waits. Two patterns that match the same topic deliver it twice.
    ///
    /// `map` runs in the publisher, outside all locks. If it panics, the message is missing for this server, and counted.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe), and [`SubscribeError::ServerEnded`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_pubsub::{Context, ExitReason, GenServer, ReplyTo};
    /// use patterns_pubsub::{Message, PubSub, PubSubConfig};
    ///
    /// struct Total(u64);
    /// enum Msg { Order(Message<u64>), Total(ReplyTo<u64>) }
    ///
    /// impl GenServer for Total {
    ///     type Msg = Msg;
    ///
    ///     async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
    ///         match msg {
    ///             Msg::Order(amount) => self.0 += *amount,
    ///             Msg::Total(reply) => reply.send(self.0),
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let orders = PubSub::start(PubSubConfig::default()).await?;
    /// let total = otp_core::start(Total(0)).await?;
    /// assert!(orders.subscribe_server("orders.*", &total, Msg::Order)?);
    /// assert!(!orders.subscribe_server("orders.*", &total, Msg::Order)?);
    ///
    /// orders.publish("orders.eu", 40)?;
    /// orders.publish("orders.us", 2)?;
    /// assert_eq!(total.call(Msg::Total).await?, 42);
    /// # Ok(()) }
    /// ```
    pub fn subscribe_server<N: Send + 'static>(
        &self,
        pattern: &str,
        server: &ServerRef<N>,
        map: impl Fn(Message<M>) -> N + Send + Sync + 'static,
    ) -> Result<bool, SubscribeError> {
        let map = move |event| match event {
            Event::Message(message) => Some(map(message)),
            Event::Lost(_) | Event::Disconnected => None,
        };
        let options = SubscribeServerOptions::default();
        let shared = &self.0.shared;
        shared.subscribe_server(pattern, server, &options, false, map)
    }

    /// Subscribes a server with options, and tells it what is missing; otherwise as [`subscribe_server`](Self::subscribe_server).
    ///
    /// When a message is cast after others had found no room, [`Event::Lost`] is cast before it. With several publishers at the same
    /// time it may come a message later.
    ///
    /// # Errors
    ///
    /// As [`subscribe_server`](Self::subscribe_server), and [`SubscribeError::BadOption`].
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_pubsub::inbox;
    /// use patterns_pubsub::{Event, PubSub, PubSubConfig, SubscribeServerOptions};
    ///
    /// let jobs = PubSub::new(PubSubConfig::default())?;
    /// let workers = [inbox::<Event<u32>>(), inbox::<Event<u32>>()];
    /// for (worker, _) in &workers {
    ///     let options = SubscribeServerOptions { group: Some("workers".to_owned()), ..SubscribeServerOptions::default() };
    ///     jobs.subscribe_server_with("jobs", worker, options, |event| event)?;
    /// }
    /// assert_eq!(jobs.publish("jobs", 1)?, 1); // one of the two has it
    /// # Ok(()) }
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as `subscribe_with` takes them"
    )]
    pub fn subscribe_server_with<N: Send + 'static>(
        &self,
        pattern: &str,
        server: &ServerRef<N>,
        options: SubscribeServerOptions,
        map: impl Fn(Event<M>) -> N + Send + Sync + 'static,
    ) -> Result<bool, SubscribeError> {
        let map = move |event| Some(map(event));
        let shared = &self.0.shared;
        shared.subscribe_server(pattern, server, &options, true, map)
    }

    /// Publishes a payload to a topic; returns how many subscribers accepted it, which is 0 if there are none.
    ///
    /// It is there for all of them when this returns. Nobody is waited for: who is slow loses something, and is told. What one
    /// publisher publishes arrives in order at each subscriber.
    ///
    /// # Errors
    ///
    /// [`PublishError::BadTopic`] and [`PublishError::Closed`] give the payload back.
    #[inline]
    pub fn publish(&self, topic: &str, payload: M) -> Result<usize, PublishError<M>> {
        self.0.shared.publish(topic, payload, &Except::Nobody)
    }

    /// Publishes to all but one: whoever publishes what it listens to itself.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_pubsub::{PubSub, PubSubConfig};
    /// let chat = PubSub::new(PubSubConfig::default())?;
    /// let (ada, joe) = (chat.subscribe("room.1")?, chat.subscribe("room.1")?);
    /// assert_eq!(chat.publish_from(&ada, "room.1", "hello")?, 1);
    /// assert_eq!((ada.len(), joe.len()), (0, 1));
    /// # Ok(()) }
    /// ```
    pub fn publish_from(
        &self,
        sender: &Subscription<M>,
        topic: &str,
        payload: M,
    ) -> Result<usize, PublishError<M>> {
        // Numbers are those of one pub/sub.
        let except = match sender.is_of(&self.0.shared) {
            true => Except::Subscriber(sender.subscriber()),
            false => Except::Nobody,
        };
        self.0.shared.publish(topic, payload, &except)
    }

    /// Publishes to all but one server, whatever it has subscribed to.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub fn publish_from_server<N: Send + 'static>(
        &self,
        sender: &ServerRef<N>,
        topic: &str,
        payload: M,
    ) -> Result<usize, PublishError<M>> {
        let shared = &self.0.shared;
        let number = shared.servers.number(sender);
        let except = number.map_or(Except::Nobody, Except::Server);
        shared.publish(topic, payload, &except)
    }

    /// Publishes a payload and keeps it as the topic's last one, in place of the one before: whoever subscribes later gets it first.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and [`PublishError::RetainedFull`] if there are retained messages of as many other topics as
    /// [`PubSubConfig::max_retained`] allows: then nobody gets it, and it comes back.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_pubsub::{PubSub, PubSubConfig};
    /// let states = PubSub::new(PubSubConfig::default())?;
    /// states.publish_retained("lamp.kitchen", "on")?;
    /// states.publish_retained("lamp.kitchen", "off")?;
    ///
    /// let lamps = states.collect("lamp.*", 10)?;
    /// assert_eq!(*lamps.messages()[0], "off");
    /// assert_eq!(states.clear_retained("lamp.kitchen").map(|message| *message), Some("off"));
    /// # Ok(()) }
    /// ```
    pub fn publish_retained(&self, topic: &str, payload: M) -> Result<usize, PublishError<M>> {
        self.0.shared.publish_retained(topic, payload)
    }

    /// Makes a handle for one topic, which publishes faster.
    ///
    /// # Errors
    ///
    /// [`PublishError::BadTopic`].
    pub fn publisher(&self, topic: &str) -> Result<Publisher<M>, PublishError<()>> {
        if !is_topic(topic) {
            let why = NoRoute::BadTopic;
            return Err(refused(why, topic, ()));
        }
        let cell = self.0.shared.routes.pin(topic);
        Ok(Publisher::new(Arc::clone(&self.0), cell))
    }

    /// Closes the pub/sub, for every handle, and waits for the end of its process.
    ///
    /// Whoever publishes gets [`PublishError::Closed`]. Subscriptions hand out what they have accepted, and end; servers get nothing
    /// more; what was retained is dropped. That is so whatever this returns.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`]; [`StopError::NoProc`] if its process has ended already. One [without a process](Self::new) is always `Ok`.
    ///
    /// # Cancel safety
    ///
    /// It is closed after the first poll. If the future is dropped then, the process still ends.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.0.close();
        match &self.0.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    /// Returns the process, if there is one and it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.0.server.as_ref()?.pid()
    }
}

impl<M> Clone for PubSub<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> fmt::Debug for PubSub<M> {
    /// Shows no subscribers, and takes no lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSub")
            .field("closed", &self.0.shared.routes.is_closed())
            .finish_non_exhaustive()
    }
}
