//! Those who listen, and what they are to be told yet.
//!
//! Events are put down under the lock of the table's shard, so that those of one key stand in order. They are told outside of every
//! lock: a recipient's code may use the registry.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use otp_core::Recipient;
use otp_core::contained::{contain, drop_contained};
use parking_lot::Mutex;

use crate::WorkerEvent;

pub(crate) struct Listeners<K> {
    any: AtomicBool,
    all: Mutex<Vec<Recipient<WorkerEvent<K>>>>,
    waiting: Mutex<VecDeque<WorkerEvent<K>>>,
    /// Whether somebody is telling.
    telling: AtomicBool,
}

impl<K> Default for Listeners<K> {
    fn default() -> Self {
        Self {
            any: AtomicBool::new(false),
            all: Mutex::new(Vec::new()),
            waiting: Mutex::new(VecDeque::new()),
            telling: AtomicBool::new(false),
        }
    }
}

impl<K> Listeners<K> {
    /// Whether it is worth making an event.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Puts an event down.
    pub(crate) fn note(&self, event: WorkerEvent<K>) {
        self.waiting.lock().push_back(event);
    }
}

impl<K: Clone + Send + 'static> Listeners<K> {
    pub(crate) fn add(&self, listener: Recipient<WorkerEvent<K>>) {
        self.all.lock().push(listener);
        self.any.store(true, Ordering::Release);
    }

    /// Tells what was put down. If somebody else is at it, that one goes on with it.
    pub(crate) fn tell(&self) {
        while self.any() && !self.waiting.lock().is_empty() {
            if self.telling.swap(true, Ordering::AcqRel) {
                return;
            }
            let all = self.all.lock().clone();
            // Bound first: the lock must not be held while anybody is told.
            let mut next = self.waiting.lock().pop_front();
            while let Some(event) = next {
                for listener in &all {
                    // One whose mailbox is full misses this one: a registry waits for nobody.
                    contain(|| drop(listener.cast(event.clone())));
                }
                drop_contained(event);
                next = self.waiting.lock().pop_front();
            }
            self.forget_dead();
            drop_contained(all);
            self.telling.store(false, Ordering::Release);
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
        drop_contained(gone);
    }
}
