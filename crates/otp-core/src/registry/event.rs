//! What happens in a registry, told to those who listen.

use std::collections::VecDeque;

use crate::panics;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::sync::{AtomicBool, Mutex, Ordering};

/// Something that happened in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryEvent<K, V> {
    /// A process was registered.
    Registered {
        /// Under which key.
        key: K,
        /// The process.
        pid: Pid,
        /// The value of the entry.
        value: V,
    },
    /// An entry is gone: it was taken out, or its process has ended.
    Unregistered {
        /// Under which key.
        key: K,
        /// The process.
        pid: Pid,
    },
}

/// Those who listen, and what they are to be told yet.
///
/// Events are put down under the lock of the table's shard, so that those of one key stand in order, and told outside of
/// every lock but the teller's own: a recipient's code may use the registry.
pub(super) struct Listeners<K, V> {
    any: AtomicBool,
    all: Mutex<Vec<Recipient<RegistryEvent<K, V>>>>,
    waiting: Mutex<VecDeque<RegistryEvent<K, V>>>,
    /// Whether somebody is telling.
    telling: AtomicBool,
}

impl<K, V> Default for Listeners<K, V> {
    fn default() -> Self {
        Self {
            any: AtomicBool::new(false),
            all: Mutex::new(Vec::new()),
            waiting: Mutex::new(VecDeque::new()),
            telling: AtomicBool::new(false),
        }
    }
}

impl<K, V> Listeners<K, V>
where
    K: Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    pub(super) fn add(&self, listener: Recipient<RegistryEvent<K, V>>) {
        let mut all = self.all.lock();
        all.push(listener);
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn are_there(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Puts events down.
    pub(super) fn note(&self, events: impl IntoIterator<Item = RegistryEvent<K, V>>) {
        let mut events = events.into_iter().peekable();
        if events.peek().is_some() {
            self.waiting.lock().extend(events);
        }
    }

    /// Tells what was put down. If somebody else is at it, that one goes on with it.
    pub(super) fn tell(&self) {
        if !self.are_there() {
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
            }
            self.telling.store(false, Ordering::Release);
            self.forget_dead();
            // What was put down just now, by somebody who saw that one was telling, is told in the next round.
        }
    }

    // A function of its own: the lock must not be held while anybody is told.
    fn next(&self) -> Option<RegistryEvent<K, V>> {
        self.waiting.lock().pop_front()
    }

    fn forget_dead(&self) {
        let mut all = self.all.lock();
        // A supervisor's child between two incarnations hears of it by the next.
        let (closed, open) = std::mem::take(&mut *all)
            .into_iter()
            .partition::<Vec<_>, _>(Recipient::is_closed);
        *all = open;
        drop(all);
        drop(closed);
    }
}

fn tell_each<K, V>(listeners: &[Recipient<RegistryEvent<K, V>>], event: RegistryEvent<K, V>)
where
    K: Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    let mut event = Some(event);
    for (at, listener) in listeners.iter().enumerate() {
        // The program's code turns it into a message. A panic there is neither the registering process's, nor does it cost the
        // other listeners anything.
        let _ = panics::catch(|| {
            let last = at + 1 == listeners.len();
            let event = if last { event.take() } else { event.clone() };
            // One whose mailbox is full misses this one: a registry waits for nobody.
            event.map(|event| listener.cast(event))
        });
    }
}
