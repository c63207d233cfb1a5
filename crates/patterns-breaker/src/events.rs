//! Changes of state, for one who receives them.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, Mutex};
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
pub struct Events {
    feed: Arc<Feed>,
}

/// Where the changes for one receiver stand.
#[derive(Debug)]
pub(crate) struct Feed {
    capacity: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    /// Those that wait, each with how many were lost before it.
    waiting: VecDeque<(u64, Transition)>,
    /// How many were lost since the last one that waits.
    lost: u64,
    closed: bool,
    receiver: Option<Waker>,
}

impl Feed {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                lost: 0,
                closed: false,
                receiver: None,
            }),
        })
    }

    /// Adds a change, or counts it as lost. Returns whom to wake.
    pub(crate) fn push(&self, transition: Transition) -> Option<Waker> {
        let mut queue = self.queue.lock();
        if queue.waiting.len() < self.capacity {
            let lost = std::mem::take(&mut queue.lost);
            queue.waiting.push_back((lost, transition));
        } else {
            queue.lost += 1;
        }
        queue.receiver.take()
    }

    /// There will be no more. Returns whom to wake.
    pub(crate) fn close(&self) -> Option<Waker> {
        let mut queue = self.queue.lock();
        queue.closed = true;
        queue.receiver.take()
    }
}

impl Queue {
    fn next(&mut self) -> Option<BreakerEvent> {
        let Some((lost, transition)) = self.waiting.front_mut() else {
            let lost = std::mem::take(&mut self.lost);
            return (lost > 0).then_some(BreakerEvent::Lost(lost));
        };
        if *lost > 0 {
            return Some(BreakerEvent::Lost(std::mem::take(lost)));
        }
        let transition = *transition;
        self.waiting.pop_front();
        Some(BreakerEvent::Changed(transition))
    }
}

impl Events {
    pub(crate) const fn new(feed: Arc<Feed>) -> Self {
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

    /// Receives the next change if it is there; `None` if there is none at the moment, or never will be.
    pub fn try_recv(&mut self) -> Option<BreakerEvent> {
        self.feed.queue.lock().next()
    }

    fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<Option<BreakerEvent>> {
        // A waker's clone and drop are code of its runtime: neither is done under the lock.
        let waker = cx.waker().clone();
        let mut queue = self.feed.queue.lock();
        if let Some(event) = queue.next() {
            return Poll::Ready(Some(event));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        let before = queue.receiver.replace(waker);
        drop(queue);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // Nobody puts another one there, and it is dropped outside the lock.
        let receiver = self.feed.queue.lock().receiver.take();
        drop(receiver);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.feed.queue.lock();
        f.debug_struct("Events")
            .field("waiting", &queue.waiting.len())
            .field("lost", &queue.lost)
            .finish()
    }
}
