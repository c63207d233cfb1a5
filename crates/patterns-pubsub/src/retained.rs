//! The last message of each topic that was published to be retained.
//!
//! The lock of this table orders retained messages and new subscribers: whoever subscribes either finds such a message here, or is
//! among those to whom it is published, never both and never neither.

use hashbrown::HashMap;

use crate::Message;
use crate::pattern::{is_wild, matches};
use crate::sync::{Arc, Mutex, MutexGuard};

pub(crate) struct Retained<M> {
    by_topic: Mutex<HashMap<Arc<str>, Message<M>>>,
    capacity: usize,
}

impl<M> Retained<M> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            by_topic: Mutex::new(HashMap::new()),
            capacity,
        }
    }

    pub(crate) fn lock(&self) -> RetainedGuard<'_, M> {
        RetainedGuard {
            by_topic: self.by_topic.lock(),
            capacity: self.capacity,
        }
    }

    pub(crate) fn get(&self, topic: &str) -> Option<Message<M>> {
        self.by_topic.lock().get(topic).cloned()
    }

    pub(crate) fn remove(&self, topic: &str) -> Option<Message<M>> {
        self.by_topic.lock().remove(topic)
    }

    /// Takes all out, to be dropped by the caller.
    pub(crate) fn clear(&self) -> HashMap<Arc<str>, Message<M>> {
        std::mem::take(&mut *self.by_topic.lock())
    }

    pub(crate) fn len(&self) -> usize {
        self.by_topic.lock().len()
    }
}

/// Keeps new subscribers and other retained messages out.
pub(crate) struct RetainedGuard<'a, M> {
    by_topic: MutexGuard<'a, HashMap<Arc<str>, Message<M>>>,
    capacity: usize,
}

impl<M> RetainedGuard<'_, M> {
    /// Tells whether there is room for a message of this topic.
    pub(crate) fn has_room(&self, topic: &str) -> bool {
        self.by_topic.len() < self.capacity || self.by_topic.contains_key(topic)
    }

    /// Retains a message; returns the one before for its drop.
    pub(crate) fn put(&mut self, message: Message<M>) -> Option<Message<M>> {
        self.by_topic.insert(message.shared_topic(), message)
    }

    /// The messages that match a pattern, in the order of their topics.
    pub(crate) fn matching(&self, pattern: &str) -> Vec<Message<M>> {
        if !is_wild(pattern) {
            return self.by_topic.get(pattern).cloned().into_iter().collect();
        }
        let all = self.by_topic.values();
        let mut found: Vec<_> = all
            .filter(|message| matches(pattern, message.topic()))
            .cloned()
            .collect();
        found.sort_unstable_by(|one, other| one.topic().cmp(other.topic()));
        found
    }
}
