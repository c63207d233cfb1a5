//! The children that a supervisor knows, in the order of their start.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Index, IndexMut, RangeFrom};

use tokio::time::Instant;

use super::any_child::AnyChild;
use super::info::{ChildInfo, ChildState};
use crate::pid::Pid;
use crate::sync::{Arc, GlobalAtomicU64, Ordering};

/// What names a child within the program. Never used for another one, and greater than those of all that
/// were added before.
pub(super) type Key = u64;

/// A child that the supervisor knows.
pub(super) struct Member {
    pub(super) key: Key,
    pub(super) child: Arc<dyn AnyChild>,
    pub(super) state: ChildState,
    pub(super) restarts: u64,
    /// Attempts since it last ran for long enough, for the back-off.
    pub(super) attempts: u32,
    pub(super) started: Option<Instant>,
    /// The number of the retry that it waits for, or of the last one.
    pub(super) retry: u64,
}

impl Member {
    pub(super) fn id(&self) -> &Arc<str> {
        &self.child.terms().id
    }

    pub(super) fn pid(&self) -> Option<&Pid> {
        match &self.state {
            ChildState::Running(pid) | ChildState::Starting(pid) => Some(pid),
            ChildState::Restarting | ChildState::Stopped => None,
        }
    }

    pub(super) fn info(&self) -> ChildInfo {
        let terms = self.child.terms();
        ChildInfo {
            id: Arc::clone(&terms.id),
            state: self.state.clone(),
            kind: self.child.kind(),
            restart: terms.restart,
            restarts: self.restarts,
            mailbox_len: self.child.mailbox_len(),
        }
    }
}

/// A supervisor's children: by key, which is the order of their start, and by id.
///
/// Neither an end nor a request costs more for their number than one more step in a search.
pub(super) struct Members {
    by_key: BTreeMap<Key, Member>,
    by_id: HashMap<Arc<str>, Key>,
}

impl Members {
    pub(super) fn new(children: Vec<Arc<dyn AnyChild>>) -> Self {
        let mut members = Self {
            by_key: BTreeMap::new(),
            by_id: HashMap::with_capacity(children.len()),
        };
        for child in children {
            members.push(child);
        }
        members
    }

    /// Adds one as the last.
    pub(super) fn push(&mut self, child: Arc<dyn AnyChild>) -> Key {
        static NEXT: GlobalAtomicU64 = GlobalAtomicU64::new(1);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        let member = Member {
            key,
            child,
            state: ChildState::Stopped,
            restarts: 0,
            attempts: 0,
            started: None,
            retry: 0,
        };
        self.by_id.insert(Arc::clone(member.id()), key);
        self.by_key.insert(key, member);
        key
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Member> {
        let member = self.by_key.remove(&key)?;
        self.by_id.remove(member.id());
        Some(member)
    }

    pub(super) fn find(&self, id: &str) -> Option<Key> {
        self.by_id.get(id).copied()
    }

    pub(super) fn get(&self, key: Key) -> Option<&Member> {
        self.by_key.get(&key)
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// In the order of their start.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Member> {
        self.by_key.values()
    }

    /// The keys of all, in the order of their start.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.by_key.keys().copied().collect()
    }

    /// The keys of one and of those that were started after it.
    pub(super) fn keys_from(&self, range: RangeFrom<Key>) -> Vec<Key> {
        self.by_key.range(range).map(|(key, _)| *key).collect()
    }
}

/// For keys that are known to be there: a supervisor's children change only by its own hand.
impl Index<Key> for Members {
    type Output = Member;

    fn index(&self, key: Key) -> &Member {
        &self.by_key[&key]
    }
}

impl IndexMut<Key> for Members {
    fn index_mut(&mut self, key: Key) -> &mut Member {
        self.by_key
            .get_mut(&key)
            .expect("a key is asked for while its child is there")
    }
}
