//! Events told to processes: in order, outside of every lock, and by one teller at a time.
//!
//! Whoever keeps a table under a lock puts its events down there, so that they stand in the order of what they tell of, and tells them when the
//! lock is free: what turns an event into a message is the listener's code, and may use the table.
//!
//! # Examples
//!
//! ```
//! use otp_core::listeners::Listeners;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (log, mut lines) = otp_core::inbox::<String>();
//! let listeners = Listeners::<String>::new();
//! listeners.add(log.recipient());
//! listeners.note("opened".to_owned());
//! listeners.tell();
//! assert_eq!(lines.recv().await.as_deref(), Some("opened"));
//! # }
//! ```
//!
//! Invariants:
//! 1. Events are told in the order in which they were put down, each to all who listened when its turn came.
//! 2. Nobody is told under a lock, and nothing of the program's is dropped under one.
//! 3. What is put down before `tell` is told when that returns, or is being told by another thread, which goes on until nothing is left.

use std::collections::VecDeque;
use std::fmt;
use std::mem;

use crate::contained::{contain, drop_contained};
use crate::recipient::Recipient;
use crate::sync::{AtomicBool, Mutex, Ordering};

/// Those who listen, and what they are to be told yet.
pub struct Listeners<E> {
    any: AtomicBool,
    /// Whether anything waits. Changed under the lock of `waiting`, and read without it.
    noted: AtomicBool,
    all: Mutex<Vec<Recipient<E>>>,
    waiting: Mutex<VecDeque<E>>,
    /// Whether somebody is telling.
    telling: AtomicBool,
}

impl<E> Listeners<E> {
    /// Makes an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self {
            any: AtomicBool::new(false),
            noted: AtomicBool::new(false),
            all: Mutex::new(Vec::new()),
            waiting: Mutex::new(VecDeque::new()),
            telling: AtomicBool::new(false),
        }
    }

    /// Tells whether anybody has listened yet: if not, there is no event to be made.
    #[inline]
    pub fn are_there(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Puts an event down.
    pub fn note(&self, event: E) {
        let mut waiting = self.waiting.lock();
        waiting.push_back(event);
        self.noted.store(true, Ordering::Release);
    }

    /// Puts several events down, one behind the other.
    pub fn note_all(&self, events: impl IntoIterator<Item = E>) {
        let mut events = events.into_iter().peekable();
        if events.peek().is_some() {
            let mut waiting = self.waiting.lock();
            waiting.extend(events);
            self.noted.store(true, Ordering::Release);
        }
    }
}

impl<E: Clone + Send + 'static> Listeners<E> {
    /// Adds one who listens from the next event on. It is forgotten when its server has ended for good; one that its supervisor restarts hears
    /// of what happens meanwhile by its next incarnation.
    pub fn add(&self, listener: Recipient<E>) {
        self.all.lock().push(listener);
        self.any.store(true, Ordering::Release);
    }

    /// Tells what was put down, and drops what nobody listens to. If another thread is at it, that one goes on with it.
    ///
    /// One whose mailbox is full misses the event: nobody is waited for. A panic of the code that makes a message of it costs the others nothing.
    pub fn tell(&self) {
        // Not asked is whether anybody listens: what nobody hears must not gather.
        if !self.noted.load(Ordering::Acquire) {
            return;
        }
        while !self.waiting.lock().is_empty() {
            if self.telling.swap(true, Ordering::AcqRel) {
                return;
            }
            while let Some(event) = self.next() {
                // Now and not before: who listens since before the event is told of it.
                let all = self.all.lock().clone();
                tell_each(&all, event);
                drop_contained(all);
            }
            self.forget_closed();
            self.telling.store(false, Ordering::Release);
            // What was put down just now, by somebody who saw that one was telling, is told in the next round.
        }
    }

    // A function of its own: the lock must not be held while anybody is told.
    fn next(&self) -> Option<E> {
        let mut waiting = self.waiting.lock();
        let event = waiting.pop_front();
        self.noted.store(!waiting.is_empty(), Ordering::Release);
        event
    }

    fn forget_closed(&self) {
        let mut all = self.all.lock();
        if !all.iter().any(Recipient::is_closed) {
            return;
        }
        let (closed, open) = mem::take(&mut *all)
            .into_iter()
            .partition::<Vec<_>, _>(Recipient::is_closed);
        *all = open;
        drop(all);
        drop_contained(closed);
    }
}

fn tell_each<E: Clone + Send + 'static>(listeners: &[Recipient<E>], event: E) {
    let mut event = Some(event);
    for (at, listener) in listeners.iter().enumerate() {
        contain(|| {
            let last = at + 1 == listeners.len();
            let event = if last { event.take() } else { event.clone() };
            if let Some(event) = event {
                drop(listener.cast(event));
            }
        });
    }
    drop_contained(event);
}

impl<E> Default for Listeners<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Listeners<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("listeners", &self.all.lock().len())
            .field("waiting", &self.waiting.lock().len())
            .finish()
    }
}
