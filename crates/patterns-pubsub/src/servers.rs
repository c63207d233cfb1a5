//! The servers that subscribe: which there are, and what each has subscribed to.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use otp_core::{Context, Pid, ServerChange, ServerRef, WatchRef, WeakRef};

use crate::server::{Msg, PubSubMsg};
use crate::subscriber::Subscriber;
use crate::sync::{Arc, Mutex};

/// A server whatever its messages are.
pub(crate) trait AnyServer: Send + Sync {
    /// A number that no other server has.
    fn number(&self) -> u64;
    fn key(&self) -> &Key;
    fn pid(&self) -> Option<Pid>;
    fn name(&self) -> Option<Arc<str>>;
    /// A strong handle, for a comparison. It may be the last one when it is dropped, and then wakes somebody.
    fn strong(&self) -> Option<Box<dyn Any>>;
    /// Has its comings and goings told to a process; `None` if it is gone.
    fn watch(&self, ctx: &mut Context<PubSubMsg>) -> Option<WatchRef>;
}

/// Where to look for a server. Equal keys are nearly always the same server; the same server always has the same key.
///
/// A server that can be restarted is a supervisor's child, and those have names; its name is one and the same text at the same place
/// in memory, which is held here. One without a name runs once, as one process.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Named(Arc<str>, TypeId),
    Unnamed(Pid),
}

impl Key {
    pub(crate) fn of<N: Send + 'static>(server: &ServerRef<N>) -> Option<Self> {
        match server.info().name {
            Some(name) => Some(Self::Named(name, TypeId::of::<N>())),
            None => server.pid().map(Self::Unnamed),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(name, kind), Self::Named(other_name, other_kind)) => {
                Arc::ptr_eq(name, other_name) && kind == other_kind
            }
            (Self::Unnamed(pid), Self::Unnamed(other)) => pid == other,
            _ => false,
        }
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Named(name, _) => Arc::as_ptr(name).cast::<u8>().hash(state),
            Self::Unnamed(pid) => pid.hash(state),
        }
    }
}

pub(crate) struct Address<N> {
    number: u64,
    key: Key,
    weak: WeakRef<N>,
}

impl<N: Send + 'static> AnyServer for Address<N> {
    fn number(&self) -> u64 {
        self.number
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn pid(&self) -> Option<Pid> {
        self.weak.upgrade().and_then(|server| server.pid())
    }

    fn name(&self) -> Option<Arc<str>> {
        match &self.key {
            Key::Named(name, _) => Some(Arc::clone(name)),
            Key::Unnamed(_) => None,
        }
    }

    fn strong(&self) -> Option<Box<dyn Any>> {
        let server = self.weak.upgrade()?;
        Some(Box::new(server))
    }

    fn watch(&self, ctx: &mut Context<PubSubMsg>) -> Option<WatchRef> {
        let server = self.weak.upgrade()?;
        let number = self.number;
        Some(ctx.watch(&server, move |change| {
            PubSubMsg(match change {
                ServerChange::Closed => Msg::Closed(number),
                _ => Msg::Nothing,
            })
        }))
    }
}

/// What one server has subscribed to.
struct Known<M> {
    server: Arc<dyn AnyServer>,
    subscribers: HashMap<Arc<str>, Arc<Subscriber<M>>>,
}

pub(crate) struct Servers<M>(Mutex<Table<M>>);

struct Table<M> {
    known: HashMap<u64, Known<M>>,
    by_key: HashMap<Key, Vec<u64>>,
    next: u64,
}

/// What came of entering a subscription.
pub(crate) enum Entered<M> {
    /// The server has it; if it is new here, it is to be watched.
    New(Arc<Subscriber<M>>, Option<Arc<dyn AnyServer>>),
    /// The server had it before.
    Before,
}

/// Handles made under the lock for comparisons, dropped after it.
type Compared = Vec<Box<dyn Any>>;

impl<M> Servers<M> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Table {
            known: HashMap::new(),
            by_key: HashMap::new(),
            next: 0,
        }))
    }

    /// Enters a subscription of a server, which `make` makes, unless the server has one to that pattern.
    pub(crate) fn enter<N: Send + 'static>(
        &self,
        server: &ServerRef<N>,
        key: Key,
        pattern: &str,
        make: impl FnOnce(Arc<dyn AnyServer>) -> Subscriber<M>,
    ) -> Entered<M> {
        let mut compared = Compared::new();
        let mut table = self.0.lock();
        let (known, is_new) = table.find_or_add(server, key, &mut compared);
        if known.subscribers.contains_key(pattern) {
            drop(table);
            return Entered::Before;
        }
        let subscriber = Arc::new(make(Arc::clone(&known.server)));
        let watched = is_new.then(|| Arc::clone(&known.server));
        let pattern = Arc::clone(subscriber.pattern());
        known.subscribers.insert(pattern, Arc::clone(&subscriber));
        drop(table);
        Entered::New(subscriber, watched)
    }

    /// The number of a server that has subscribed.
    pub(crate) fn number<N: Send + 'static>(&self, server: &ServerRef<N>) -> Option<u64> {
        let key = Key::of(server)?;
        let mut compared = Compared::new();
        let table = self.0.lock();
        let number = table.find(server, &key, &mut compared);
        drop(table);
        number
    }

    /// Takes out one subscription of a server; tells whether the server was taken out with it, for it was the last one.
    pub(crate) fn take(&self, number: u64, pattern: &str) -> bool {
        let mut table = self.0.lock();
        let Some(known) = table.known.get_mut(&number) else {
            return false;
        };
        let taken = known.subscribers.remove(pattern);
        let is_last = taken.is_some() && known.subscribers.is_empty();
        let gone = is_last.then(|| table.remove(number));
        drop(table);
        drop((taken, gone));
        is_last
    }

    /// The subscription of a server to a pattern.
    pub(crate) fn get(&self, number: u64, pattern: &str) -> Option<Arc<Subscriber<M>>> {
        let table = self.0.lock();
        table.known.get(&number)?.subscribers.get(pattern).cloned()
    }

    /// All subscriptions of a server.
    pub(crate) fn all_of(&self, number: u64) -> Vec<Arc<Subscriber<M>>> {
        let table = self.0.lock();
        let known = table.known.get(&number);
        known
            .map(|known| known.subscribers.values().cloned().collect())
            .unwrap_or_default()
    }

    /// All servers, for whoever begins to watch them.
    pub(crate) fn all(&self) -> Vec<Arc<dyn AnyServer>> {
        let table = self.0.lock();
        let servers = table.known.values().map(|known| &known.server);
        servers.cloned().collect()
    }

    pub(crate) fn is_known(&self, number: u64) -> bool {
        self.0.lock().known.contains_key(&number)
    }
}

impl<M> Table<M> {
    fn find<N: Send + 'static>(
        &self,
        server: &ServerRef<N>,
        key: &Key,
        compared: &mut Compared,
    ) -> Option<u64> {
        let numbers = self.by_key.get(key)?;
        numbers.iter().copied().find(|number| {
            let strong = self
                .known
                .get(number)
                .and_then(|known| known.server.strong());
            let same = strong
                .as_ref()
                .and_then(|other| other.downcast_ref::<ServerRef<N>>())
                .is_some_and(|other| other == server);
            compared.extend(strong);
            same
        })
    }

    fn find_or_add<N: Send + 'static>(
        &mut self,
        server: &ServerRef<N>,
        key: Key,
        compared: &mut Compared,
    ) -> (&mut Known<M>, bool) {
        let found = self.find(server, &key, compared);
        let number = found.unwrap_or_else(|| {
            self.next += 1;
            self.by_key.entry(key.clone()).or_default().push(self.next);
            self.next
        });
        let known = self.known.entry(number).or_insert_with(|| Known {
            server: Arc::new(Address {
                number,
                key,
                weak: server.downgrade(),
            }),
            subscribers: HashMap::new(),
        });
        (known, found.is_none())
    }

    fn remove(&mut self, number: u64) -> Option<Known<M>> {
        let known = self.known.remove(&number)?;
        if let Entry::Occupied(mut numbers) = self.by_key.entry(known.server.key().clone()) {
            numbers.get_mut().retain(|other| *other != number);
            if numbers.get().is_empty() {
                numbers.remove();
            }
        }
        Some(known)
    }
}

impl<M> fmt::Debug for Servers<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}
