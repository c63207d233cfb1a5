//! Who subscribes to what: topics in a table of their own, wildcard patterns in a tree.
//!
//! Invariants:
//! 1. A topic is in the table while it has subscribers or a [`Publisher`](crate::Publisher) of its own, and the route that it keeps is
//!    one of that time: every change takes it out, and counts the topic's version up.
//! 2. A route holds the wildcard subscriptions of one version of the tree, and is used only while the tree has that version.
//! 3. Of the locks here a shard's is taken first and the tree's second. No code of the program runs under either.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::list::List;
use crate::pattern::{is_topic, is_wild};
use crate::route::Route;
use crate::subscriber::Subscriber;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, RwLock};
use crate::trie::{Items, Trie};

pub(crate) struct Routes<M> {
    shards: Box<[RwLock<Shard<M>>]>,
    hasher: DefaultHashBuilder,
    wild: RwLock<Trie<List<M>>>,
    /// Counts the changes of the tree. Written under its lock.
    wild_version: AtomicU64,
    /// Whether the tree has anything in it. Written under its lock.
    has_wild: AtomicBool,
    closed: AtomicBool,
}

type Shard<M> = HashTable<Topic<M>>;

/// A topic that has subscribers or publishers of its own.
struct Topic<M> {
    cell: Arc<Cell>,
    list: List<M>,
    publishers: usize,
    route: Option<Arc<Route<M>>>,
}

/// What a publisher needs of its topic.
#[derive(Debug)]
pub(crate) struct Cell {
    name: Arc<str>,
    version: AtomicU64,
}

impl Cell {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// As of which changes a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    topic: u64,
    wild: u64,
}

/// A route that is none any more. The last one who has it drops closures of the program with it: under no lock.
pub(crate) type Before<M> = Option<Arc<Route<M>>>;

/// Why there is no route.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NoRoute {
    Closed,
    BadTopic,
}

impl<M> Routes<M> {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            shards: (0..shards.next_power_of_two())
                .map(|_| RwLock::new(HashTable::new()))
                .collect(),
            hasher: DefaultHashBuilder::default(),
            wild: RwLock::new(Trie::new()),
            wild_version: AtomicU64::new(0),
            has_wild: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Lets nobody in any more, and returns who is in.
    pub(crate) fn close(&self) -> Vec<Arc<Subscriber<M>>> {
        // Before the locks: whoever enters looks at it under one of them.
        self.closed.store(true, Ordering::SeqCst);
        self.all()
    }

    /// Who gets what is published to a topic now.
    #[inline]
    pub(crate) fn route(&self, topic: &str) -> Result<Arc<Route<M>>, NoRoute> {
        self.route_instead(topic, &mut None)
    }

    /// The same for one who holds a lock: what there was before is for the caller to drop.
    #[inline]
    pub(crate) fn route_instead(
        &self,
        topic: &str,
        before: &mut Before<M>,
    ) -> Result<Arc<Route<M>>, NoRoute> {
        if self.is_closed() {
            return Err(NoRoute::Closed);
        }
        let hash = self.hasher.hash_one(topic);
        let shard = self.shard(hash).read();
        if let Some(found) = shard.find(hash, |other| &*other.cell.name == topic) {
            if let Some(route) = self.current(found) {
                return Ok(Arc::clone(route));
            }
            drop(shard);
            let mut shard = self.shard(hash).write();
            if let Some(found) = shard.find_mut(hash, |other| &*other.cell.name == topic) {
                let route;
                (route, *before) = self.renew(found);
                return Ok(route);
            }
        } else {
            drop(shard);
        }
        self.wild_route(topic)
    }

    /// The route of a topic of its own, with the version that it has.
    pub(crate) fn pinned(&self, cell: &Arc<Cell>) -> Result<(Version, Arc<Route<M>>), NoRoute> {
        // Before the route: a change that comes in between makes the version older than the route, never newer.
        let topic = cell.version.load(Ordering::Acquire);
        let route = self.route(&cell.name)?;
        let wild = route.wild();
        Ok((Version { topic, wild }, route))
    }

    /// Tells whether a route is still the one of its topic.
    #[inline]
    pub(crate) fn is_current(&self, cell: &Cell, version: Version) -> bool {
        cell.version.load(Ordering::Acquire) == version.topic
            && self.wild_version.load(Ordering::Acquire) == version.wild
    }

    /// Has a topic in the table for a publisher of its own.
    pub(crate) fn pin(&self, topic: &str) -> Arc<Cell> {
        let hash = self.hasher.hash_one(topic);
        let mut shard = self.shard(hash).write();
        let found = self.find_or_add(&mut shard, hash, topic);
        found.publishers += 1;
        Arc::clone(&found.cell)
    }

    pub(crate) fn unpin(&self, cell: &Cell) {
        let hash = self.hasher.hash_one(&*cell.name);
        let mut shard = self.shard(hash).write();
        if let Ok(mut found) = shard.find_entry(hash, |other| other.cell.name == cell.name) {
            found.get_mut().publishers -= 1;
            let gone = found.get().is_unused().then(|| found.remove().0);
            drop(shard);
            drop(gone);
        }
    }

    /// Enters a subscriber, unless somebody has taken it out already; `None` if it is closed. What there was before is for the caller to drop.
    pub(crate) fn enter(&self, subscriber: &Arc<Subscriber<M>>) -> Option<Before<M>> {
        let pattern = subscriber.pattern();
        if is_wild(pattern) {
            let mut wild = self.wild.write();
            if self.is_closed() {
                return None;
            }
            // Whoever takes it out says so before the lock, so it is seen here or the subscriber is found there.
            if !subscriber.is_unlisted() && wild.entry(pattern).enter(subscriber) {
                self.wild_changed(&wild);
            }
            return Some(None);
        }
        let hash = self.hasher.hash_one(&**pattern);
        let mut shard = self.shard(hash).write();
        if self.is_closed() {
            return None;
        }
        if subscriber.is_unlisted() {
            return Some(None);
        }
        let topic = self.find_or_add(&mut shard, hash, pattern);
        let changed = topic.list.enter(subscriber);
        Some(changed.then(|| topic.changed()).flatten())
    }

    /// Takes a subscriber out that was entered; tells whether it was there still.
    pub(crate) fn leave(&self, subscriber: &Subscriber<M>) -> bool {
        if !subscriber.unlist() {
            return false;
        }
        let pattern = subscriber.pattern();
        if is_wild(pattern) {
            let mut wild = self.wild.write();
            let left = wild.change(pattern, |list| list.leave(subscriber));
            if left.as_ref().is_some_and(|left| left.changed) {
                self.wild_changed(&wild);
            }
            drop(wild);
            return true;
        }
        let hash = self.hasher.hash_one(&**pattern);
        let mut shard = self.shard(hash).write();
        let Ok(mut found) = shard.find_entry(hash, |other| *other.cell.name == **pattern) else {
            return true;
        };
        let topic = found.get_mut();
        let left = topic.list.leave(subscriber);
        let before = left.changed.then(|| topic.changed());
        let gone = found.get().is_unused().then(|| found.remove().0);
        // A table that was large and is not gives its memory back.
        if shard.capacity() > 64 && shard.len() < shard.capacity() / 4 {
            let len = shard.len() * 2;
            shard.shrink_to(len, |other| self.hasher.hash_one(&*other.cell.name));
        }
        drop(shard);
        drop((before, gone, left));
        true
    }

    /// Everybody whose pattern is exactly this one.
    pub(crate) fn at(&self, pattern: &str) -> Vec<Arc<Subscriber<M>>> {
        let mut found = Vec::new();
        self.with(pattern, |list| {
            list.for_each(|subscriber| found.push(Arc::clone(subscriber)));
        });
        found
    }

    /// Everybody who would get what is published to this topic.
    pub(crate) fn matching(&self, topic: &str) -> Vec<Arc<Subscriber<M>>> {
        let mut found = self.at(topic);
        self.wild.read().matching(topic, |list| {
            list.for_each(|subscriber| found.push(Arc::clone(subscriber)));
        });
        found
    }

    /// How many they are.
    pub(crate) fn count(&self, topic: &str) -> usize {
        let mut count = 0;
        self.with(topic, |list| count = list.len());
        self.wild.read().matching(topic, |list| count += list.len());
        count
    }

    pub(crate) fn all(&self) -> Vec<Arc<Subscriber<M>>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            for topic in shard.read().iter() {
                topic
                    .list
                    .for_each(|subscriber| all.push(Arc::clone(subscriber)));
            }
        }
        self.wild.read().for_each(|list| {
            list.for_each(|subscriber| all.push(Arc::clone(subscriber)));
        });
        all
    }

    /// Runs `look` on the list of exactly this pattern, if there is one, under its lock.
    fn with(&self, pattern: &str, look: impl FnOnce(&List<M>)) {
        if is_wild(pattern) {
            if let Some(list) = self.wild.read().at(pattern) {
                look(list);
            }
            return;
        }
        let hash = self.hasher.hash_one(pattern);
        let shard = self.shard(hash).read();
        let found = shard.find(hash, |other| &*other.cell.name == pattern);
        if let Some(topic) = found {
            look(&topic.list);
        }
    }

    /// How many nodes the tree of wildcard patterns has.
    pub(crate) fn nodes(&self) -> usize {
        self.wild.read().nodes()
    }

    /// How many topics are in the table.
    pub(crate) fn entries(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard<M>> {
        // The table itself uses the lowest and the highest bits.
        let place = usize::try_from(hash >> 32 & 0x00ff_ffff).unwrap_or(0);
        &self.shards[place & (self.shards.len() - 1)]
    }

    fn find_or_add<'s>(&self, shard: &'s mut Shard<M>, hash: u64, topic: &str) -> &'s mut Topic<M> {
        shard
            .entry(
                hash,
                |other| &*other.cell.name == topic,
                |other| self.hasher.hash_one(&*other.cell.name),
            )
            .or_insert_with(|| Topic {
                cell: Arc::new(Cell {
                    name: topic.into(),
                    version: AtomicU64::new(0),
                }),
                list: List::default(),
                publishers: 0,
                route: None,
            })
            .into_mut()
    }

    fn wild_changed(&self, wild: &Trie<List<M>>) {
        self.has_wild.store(!wild.is_empty(), Ordering::Release);
        self.wild_version.fetch_add(1, Ordering::AcqRel);
    }

    #[inline]
    fn current<'t>(&self, topic: &'t Topic<M>) -> Option<&'t Arc<Route<M>>> {
        let version = self.wild_version.load(Ordering::Acquire);
        topic.route.as_ref().filter(|route| route.wild() == version)
    }

    /// Makes a topic's route anew; the one before is to be dropped after the lock.
    fn renew(&self, topic: &mut Topic<M>) -> (Arc<Route<M>>, Option<Arc<Route<M>>>) {
        if let Some(route) = self.current(topic) {
            return (Arc::clone(route), None);
        }
        let mut route = Route::new(Arc::clone(&topic.cell.name));
        route.add(&topic.list);
        self.add_wild(&mut route);
        let route = Arc::new(route);
        let before = topic.route.replace(Arc::clone(&route));
        (route, before)
    }

    /// The route of a topic that has nobody of its own.
    fn wild_route(&self, topic: &str) -> Result<Arc<Route<M>>, NoRoute> {
        if !is_topic(topic) {
            return Err(NoRoute::BadTopic);
        }
        let mut route = Route::new(topic.into());
        if self.has_wild.load(Ordering::Acquire) {
            self.add_wild(&mut route);
        }
        Ok(Arc::new(route))
    }

    fn add_wild(&self, route: &mut Route<M>) {
        let wild = self.wild.read();
        // Under the lock under which it is written.
        route.set_wild(self.wild_version.load(Ordering::Acquire));
        let topic = Arc::clone(route.topic());
        wild.matching(&topic, |list| route.add(list));
    }
}

impl<M> Topic<M> {
    /// Notes a change. The route that it had is to be dropped after the lock.
    fn changed(&mut self) -> Option<Arc<Route<M>>> {
        self.cell.version.fetch_add(1, Ordering::AcqRel);
        self.route.take()
    }

    fn is_unused(&self) -> bool {
        self.list.is_empty() && self.publishers == 0
    }
}
