//! What happens in a registry, told to those who listen.

use std::collections::VecDeque;

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

    /// Puts an event down.
    pub(super) fn note(&self, event: impl FnOnce() -> RegistryEvent<K, V>) {
        if self.any.load(Ordering::Acquire) {
            self.waiting.lock().push_back(event());
        }
    }

    /// Tells what was put down. If somebody else is at it, that one goes on with it.
    pub(super) fn tell(&self) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        while !self.waiting.lock().is_empty() {
            if self.telling.swap(true, Ordering::AcqRel) {
                return;
            }
            let telling = Telling(&self.telling);
            let all = self.all.lock().clone();
            // Bound first: the lock must not be held while anybody is told.
            let mut next = self.waiting.lock().pop_front();
            while let Some(event) = next {
                for listener in &all {
                    // One whose mailbox is full misses this one: a registry waits for nobody.
                    let _ = listener.cast(event.clone());
                }
                next = self.waiting.lock().pop_front();
            }
            drop(telling);
            self.forget_dead();
            // What was put down just now, by somebody who saw that one was telling, is told in the next round.
        }
    }

    fn forget_dead(&self) {
        let mut all = self.all.lock();
        let (alive, gone) = std::mem::take(&mut *all)
            .into_iter()
            .partition::<Vec<_>, _>(Recipient::is_alive);
        *all = alive;
        drop(all);
        drop(gone);
    }
}

/// That somebody is telling, a panic in a recipient's code included.
struct Telling<'a>(&'a AtomicBool);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
