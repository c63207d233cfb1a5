//! A bounded queue for one receiver that loses what has no room, and says where and how much.
//!
//! Whoever makes events must not wait for those who read them, nor keep them without end. So a feed keeps as many as it has room for; what comes
//! while it is full is counted, and the count is received at the place where the lost ones would have stood.
//!
//! # Examples
//!
//! ```
//! use otp_core::feed::{Feed, Received};
//!
//! let feed = Feed::new(1);
//! for n in 1..=3 {
//!     let pushed = feed.push(n);
//!     otp_core::contained::wake(pushed.waker);
//! }
//! assert_eq!(feed.try_recv(), Some(Received::Item(1)));
//! assert_eq!(feed.try_recv(), Some(Received::Lost(2)));
//! assert_eq!(feed.try_recv(), None);
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::contained::drop_contained;
use crate::sync::Mutex;

/// The queue. Those who push and the one who receives share it; it is for one receiver at a time.
pub struct Feed<T> {
    capacity: usize,
    queue: Mutex<Queue<T>>,
}

struct Queue<T> {
    /// Those that wait, each with how many were lost before it.
    waiting: VecDeque<(u64, T)>,
    /// How many were lost since the last one that waits.
    lost: u64,
    closed: bool,
    receiver: Option<Waker>,
}

/// What is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received<T> {
    /// The next item.
    Item(T),
    /// There was no room for so many, which stood here.
    Lost(u64),
}

/// What is left to do after a push, when no lock of the caller's is held.
#[derive(Debug)]
#[must_use = "the receiver is to be woken"]
pub struct Pushed<T> {
    /// Whoever waits for the item.
    pub waker: Option<Waker>,
    /// The item, if there was no room for it.
    pub refused: Option<T>,
}

impl<T> Feed<T> {
    /// Makes a feed with room for `capacity` items. With none, all are lost and counted.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                lost: 0,
                closed: false,
                receiver: None,
            }),
        }
    }

    /// Tells whether an item would be kept at the moment, so that one that would be lost need not be made; see [`lose`](Self::lose).
    #[must_use]
    pub fn has_room(&self) -> bool {
        let queue = self.queue.lock();
        queue.waiting.len() < self.capacity && !queue.closed
    }

    /// Adds an item, or counts it as lost and gives it back. It wakes nobody and drops nothing, and may be called under locks of the caller's.
    pub fn push(&self, item: T) -> Pushed<T> {
        let mut queue = self.queue.lock();
        let refused = if queue.waiting.len() < self.capacity && !queue.closed {
            let lost = mem::take(&mut queue.lost);
            queue.waiting.push_back((lost, item));
            None
        } else {
            queue.lost += 1;
            Some(item)
        };
        Pushed {
            waker: queue.receiver.take(),
            refused,
        }
    }

    /// Counts an item as lost that was not made. Returns whom to wake.
    #[must_use = "the receiver is to be woken"]
    pub fn lose(&self) -> Option<Waker> {
        let mut queue = self.queue.lock();
        queue.lost += 1;
        queue.receiver.take()
    }

    /// Ends the feed: what is there is received, and what is pushed from now on is lost and counted. Returns whom to wake.
    #[must_use = "the receiver is to be woken"]
    pub fn close(&self) -> Option<Waker> {
        let mut queue = self.queue.lock();
        queue.closed = true;
        queue.receiver.take()
    }

    /// Ends the feed for want of a receiver, and drops what waits. Panics of those drops are contained.
    pub fn abandon(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let (waiting, receiver) = (mem::take(&mut queue.waiting), queue.receiver.take());
        drop(queue);
        for (_, item) in waiting {
            drop_contained(item);
        }
        drop_contained(receiver);
    }

    /// Receives the next item, or how many were lost here; `None` if there is nothing at the moment, or never will be.
    pub fn try_recv(&self) -> Option<Received<T>> {
        self.queue.lock().next()
    }

    /// Receives as [`try_recv`](Self::try_recv), and waits; `None` when the feed has ended and all was received.
    ///
    /// Only the task that has polled last is woken.
    pub fn poll_recv(&self, cx: &Context<'_>) -> Poll<Option<Received<T>>> {
        // A waker's clone and drop are code of its runtime: neither is done under the lock.
        let waker = cx.waker().clone();
        let mut queue = self.queue.lock();
        if let Some(received) = queue.next() {
            drop(queue);
            return Poll::Ready(Some(received));
        }
        if queue.closed {
            drop(queue);
            return Poll::Ready(None);
        }
        let before = queue.receiver.replace(waker);
        drop(queue);
        drop(before);
        Poll::Pending
    }

    /// Tells whether the feed has ended and all was received.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let queue = self.queue.lock();
        queue.closed && queue.waiting.is_empty() && queue.lost == 0
    }

    /// Returns how many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.lock().waiting.len()
    }

    /// Tells whether no item waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns for how many items there is room.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<T> Queue<T> {
    fn next(&mut self) -> Option<Received<T>> {
        let Some((lost, _)) = self.waiting.front_mut() else {
            let lost = mem::take(&mut self.lost);
            return (lost > 0).then_some(Received::Lost(lost));
        };
        if *lost > 0 {
            return Some(Received::Lost(mem::take(lost)));
        }
        let (_, item) = self.waiting.pop_front()?;
        Some(Received::Item(item))
    }
}

impl<T> fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.queue.lock();
        f.debug_struct("Feed")
            .field("waiting", &queue.waiting.len())
            .field("lost", &queue.lost)
            .field("capacity", &self.capacity)
            .finish()
    }
}
