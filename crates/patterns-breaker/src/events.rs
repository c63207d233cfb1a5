//! Changes of state, for one who receives them.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use otp_core::feed::{Feed, Received};

use crate::sync::Arc;
use crate::{BreakerEvent, Transition};

/// The changes of a breaker's state since [`Breaker::events`](crate::Breaker::events), to be received one after the other.
///
/// The last comes when all handles and permits of the breaker are gone and all before were received. What only time makes, from
/// open to half-open, is told when somebody next asks the breaker for something.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_breaker::{Breaker, BreakerConfig, BreakerEvent, State};
///
/// let breaker = Breaker::new(BreakerConfig::default())?;
/// let mut events = breaker.events(16);
/// breaker.trip();
/// drop(breaker);
///
/// let Some(BreakerEvent::Changed(change)) = events.recv().await else { panic!("none came") };
/// assert_eq!((change.from, change.to), (State::Closed, State::Open));
/// assert_eq!(events.recv().await, None);
/// # Ok(()) }
/// ```
#[must_use = "events are of use to one who receives them"]
pub struct BreakerEvents {
    feed: Arc<Feed<Transition>>,
}

impl BreakerEvents {
    pub(crate) const fn new(feed: Arc<Feed<Transition>>) -> Self {
        Self { feed }
    }

    /// Receives the next change; `None` when the breaker is gone and all were received.
    ///
    /// It needs no runtime in particular.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no change is lost.
    pub async fn recv(&mut self) -> Option<BreakerEvent> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Receives the next change if it is there; `None` if there is none at the moment, or never will be: see
    /// [`is_finished`](Self::is_finished).
    pub fn try_recv(&mut self) -> Option<BreakerEvent> {
        self.feed.try_recv().map(told)
    }

    /// Receives as [`recv`](Self::recv), for futures written by hand. Only the task that has polled last is woken.
    pub fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<Option<BreakerEvent>> {
        self.feed.poll_recv(cx).map(|received| received.map(told))
    }

    /// Says whether the breaker is gone and all changes were received.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.feed.is_finished()
    }
}

fn told(received: Received<Transition>) -> BreakerEvent {
    match received {
        Received::Item(transition) => BreakerEvent::Changed(transition),
        Received::Lost(count) => BreakerEvent::Lost(count),
    }
}

impl Drop for BreakerEvents {
    fn drop(&mut self) {
        // Nobody receives any more: what comes must not gather, nor wake anybody.
        self.feed.abandon();
    }
}

impl fmt::Debug for BreakerEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerEvents")
            .field("waiting", &self.feed.len())
            .field("capacity", &self.feed.capacity())
            .finish_non_exhaustive()
    }
}
