//! A subscription with a queue of its own.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_core::Stream;

use otp_core::contained::drop_contained;

use crate::info::SubscriberInfo;
use crate::mailbox::Mailbox;
use crate::ring::Found;
use crate::shared::{Begun, Shared};
use crate::subscriber::{Kind, Subscriber};
use crate::sync::Arc;
use crate::{Event, Message};

/// Receives what is published to the topics that match its pattern, from when it was made on.
///
/// Made by [`PubSub::subscribe`](crate::PubSub::subscribe). Messages wait in a queue of its own, which has room for as many as its options
/// say. Dropping it ends the subscription, in a time that does not depend on how many others there are: when the drop has
/// returned, nothing more is accepted here, and what still waited is thrown away.
///
/// It is a [`Stream`] of [`Event`]s too.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_pubsub::{Event, PubSub, PubSubConfig, SubscribeOptions};
///
/// let numbers = PubSub::new(PubSubConfig::default())?;
/// let options = SubscribeOptions { capacity: 2, ..SubscribeOptions::default() };
/// let mut subscription = numbers.subscribe_with("numbers", options)?;
/// for number in 1..=5 {
///     numbers.publish("numbers", number)?;
/// }
/// assert_eq!(subscription.try_recv(), Some(Event::Lost(3)));
/// assert_eq!(subscription.try_recv().and_then(Event::into_message).map(|message| *message), Some(4));
/// # Ok(()) }
/// ```
#[must_use = "a subscription ends when it is dropped"]
pub struct Subscription<M> {
    shared: Arc<Shared<M>>,
    subscriber: Arc<Subscriber<M>>,
    /// How many are missing before what is in the hand.
    lost: u64,
    /// What it has taken out of a shared queue and not handed out.
    hand: VecDeque<Message<M>>,
    /// How far it has seen everything there is in a shared queue.
    seen: u64,
    /// How many messages it has received, if it shares a queue.
    received: u64,
}

/// Why a subscription has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The pub/sub was stopped, or its last handle was dropped.
    Closed,
    /// Somebody has taken it out; see [`PubSub::unsubscribe`](crate::PubSub::unsubscribe).
    Removed,
    /// Its queue was full, as [`Overflow::Disconnect`](crate::Overflow::Disconnect) asks.
    Overflow,
}

impl<M> Subscription<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>, begun: Begun<M>) -> Self {
        Self {
            shared,
            subscriber: begun.subscriber,
            lost: begun.lost,
            hand: begun.hand,
            seen: 0,
            received: 0,
        }
    }

    /// Waits for the next event. `None` when the subscription has ended and everything that was accepted before has been received.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub async fn recv(&mut self) -> Option<Event<M>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Waits for the next message, for whoever does not care what is missing. [`lost`](Self::lost) counts it all the same.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no message.
    pub async fn recv_message(&mut self) -> Option<Message<M>> {
        loop {
            if let Event::Message(message) = self.recv().await? {
                return Some(message);
            }
        }
    }

    /// Returns the next event if there is one now. [`is_finished`](Self::is_finished) tells whether there may be another one later.
    #[inline]
    pub fn try_recv(&mut self) -> Option<Event<M>> {
        match self.try_next() {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    /// Blocks this thread until the next event. For threads outside any runtime: in async code use [`recv`](Self::recv).
    pub fn recv_blocking(&mut self) -> Option<Event<M>> {
        let waker = Waker::from(StdArc::new(Parked(thread::current())));
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(event) = self.poll_recv(&mut cx) {
                return event;
            }
            thread::park();
        }
    }

    /// Polls for the next event: [`recv`](Self::recv) for futures written by hand. Who polled last is woken.
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<M>>> {
        if let Poll::Ready(event) = self.try_next() {
            return Poll::Ready(event);
        }
        let waker = cx.waker().clone();
        match self.subscriber.kind() {
            Kind::Ring(seat) => {
                let found = seat.next_or_park(&mut self.hand, waker);
                self.found(found)
            }
            Kind::Queue(mailbox) => mailbox.next_or_park(waker),
            Kind::Server(_) => Poll::Ready(None),
        }
    }

    /// The next event if there is one; `Ready(None)` after the last.
    #[inline]
    fn try_next(&mut self) -> Poll<Option<Event<M>>> {
        match self.subscriber.kind() {
            Kind::Ring(seat) => {
                if self.lost > 0 {
                    return Poll::Ready(Some(Event::Lost(std::mem::take(&mut self.lost))));
                }
                let found = match self.hand.pop_front() {
                    Some(message) => Found::Message(message),
                    None => seat.next(&mut self.seen, &mut self.hand),
                };
                self.found(found)
            }
            Kind::Queue(mailbox) => mailbox.try_next(),
            Kind::Server(_) => Poll::Ready(None),
        }
    }

    #[inline]
    fn found(&mut self, found: Found<M>) -> Poll<Option<Event<M>>> {
        match found {
            Found::Message(message) => {
                self.received += 1;
                if let Kind::Ring(seat) = self.subscriber.kind() {
                    seat.count_received(self.received);
                }
                Poll::Ready(Some(Event::Message(message)))
            }
            Found::Lost(lost) => Poll::Ready(Some(Event::Lost(lost))),
            Found::Nothing => Poll::Pending,
            Found::End => Poll::Ready(None),
        }
    }

    /// Returns how many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.subscriber.tally().queued).unwrap_or(usize::MAX)
    }

    /// Says whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many messages are missing so far, those too that [`Event::Lost`] has not told of yet.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.subscriber.tally().lost()
    }

    /// Returns why it has ended, if it has. What was accepted before can still be received.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.subscriber.ended()
    }

    /// Says whether it has ended and everything was received: from now on there is only `None`.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let is_finished = match self.subscriber.kind() {
            Kind::Ring(seat) => seat.is_finished(),
            Kind::Queue(mailbox) => mailbox.is_finished(),
            Kind::Server(_) => true,
        };
        is_finished && self.lost == 0 && self.hand.is_empty()
    }

    /// Returns its number, which no other subscriber of the same pub/sub has.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.subscriber.id()
    }

    /// Returns its pattern.
    #[must_use]
    pub fn pattern(&self) -> &str {
        self.subscriber.pattern()
    }

    /// Returns what others see of it.
    #[must_use]
    pub fn info(&self) -> SubscriberInfo {
        self.subscriber.info()
    }

    /// Ends the subscription, as its drop does. What waited is thrown away.
    pub fn unsubscribe(self) {
        drop(self);
    }

    pub(crate) fn is_of(&self, shared: &Arc<Shared<M>>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    pub(crate) fn subscriber(&self) -> &Subscriber<M> {
        &self.subscriber
    }

    pub(crate) fn mailbox(&self) -> Option<&Mailbox<M>> {
        self.subscriber.mailbox()
    }
}

impl<M> Stream for Subscription<M> {
    type Item = Event<M>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event<M>>> {
        self.get_mut().poll_recv(cx)
    }
}

impl<M> Drop for Subscription<M> {
    fn drop(&mut self) {
        self.shared.leave_for_good(&self.subscriber);
        self.hand.drain(..).for_each(drop_contained);
    }
}

impl<M> fmt::Debug for Subscription<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id())
            .field("pattern", &self.pattern())
            .finish_non_exhaustive()
    }
}

/// A thread that waits for an event.
struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: StdArc<Self>) {
        self.0.unpark();
    }
}
