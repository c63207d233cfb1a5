//! A table itself: shards behind their locks, counts, and whether it is alive. All handles share it.
//!
//! Invariants:
//! 1. No thread ever holds two of the shards' locks, or those of two tables: see `inside.rs`.
//! 2. Under one, nothing of the program's is dropped and nobody is woken. What leaves goes into a [`Bin`],
//!    which is made before the lock is taken.
//! 3. `closed` is set once, before any row is taken out because of it, and is looked at under the lock. So
//!    an operation that begins after the table's death finds nothing, whatever it races with, and nothing is
//!    put into a shard that was emptied.

mod changing;
mod closing;
mod reading;
mod revising;
mod sweeping;

use std::fmt;
use std::thread;

use hashbrown::DefaultHashBuilder;
use otp_core::clock::Clock;

use crate::inside::{Held, Inside};
use crate::limit::{Limit, Places};
use crate::moment::Moment;
use crate::rows::Rows;
use crate::shard::Shard;
use crate::sync::{
    Arc, AtomicBool, AtomicU64, Mutex, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use crate::watch::{Watcher, Watchers};
use crate::{Access, TableConfig, TableError, TableStats, TableType};

pub(crate) use changing::When;
pub(crate) use sweeping::SweepAt;

/// More shards than this gain nothing, and an empty one takes some hundred bytes.
const MOST_SHARDS: usize = 256;

pub(crate) struct Shared<K, V, T: TableType<K, V>> {
    pub(crate) parts: Box<[Part<K, V, T::Rows>]>,
    pub(crate) hasher: DefaultHashBuilder,
    pub(crate) clock: Clock,
    pub(crate) limit: Option<Limit>,
    pub(crate) name: Arc<str>,
    pub(crate) access: Access,
    closed: AtomicBool,
    /// All who watch, to be told of the table's death.
    pub(crate) watchers: Mutex<Watchers<K, V>>,
}

/// A shard, its lock and its counts, in cache lines of its own: cores that work on different shards must
/// not take lines from each other.
#[repr(align(128))]
pub(crate) struct Part<K, V, R: Rows<K, V>> {
    shard: RwLock<Shard<K, V, R>>,
    pub(crate) counts: Counts,
}

/// Sums that order nothing and guard nothing, so all access to them is relaxed.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Counts {
    #[inline]
    pub(crate) fn count(&self, hit: bool) {
        let which = if hit { &self.hits } else { &self.misses };
        which.fetch_add(1, Ordering::Relaxed);
    }
}

type ReadGuard<'a, K, V, R> = Held<RwLockReadGuard<'a, Shard<K, V, R>>>;
type WriteGuard<'a, K, V, R> = Held<RwLockWriteGuard<'a, Shard<K, V, R>>>;

impl<K, V, T: TableType<K, V>> Shared<K, V, T> {
    pub(crate) fn new(config: TableConfig) -> Self {
        let part = |_| Part {
            shard: RwLock::new(Shard::new()),
            counts: Counts::default(),
        };
        let count = if T::SHARDED && config.write_concurrency {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            (8 * cores).next_power_of_two().min(MOST_SHARDS)
        } else {
            1
        };
        Self {
            parts: (0..count).map(part).collect(),
            hasher: DefaultHashBuilder::default(),
            clock: Clock::new(),
            limit: config.max_rows.map(Limit::new),
            name: config.name,
            access: config.access,
            closed: AtomicBool::new(false),
            watchers: Mutex::new(Vec::new()),
        }
    }

    #[inline]
    pub(crate) fn part(&self, hash: u64) -> &Part<K, V, T::Rows> {
        // The table inside a shard uses the lowest bits and the seven highest, so the shard is chosen by
        // others. The number of shards is a power of two.
        &self.parts[(hash >> 40) as usize & (self.parts.len() - 1)]
    }

    /// Takes a shard's lock for reading, if the table is alive.
    #[inline]
    pub(crate) fn read<'a>(
        &self,
        part: &'a Part<K, V, T::Rows>,
    ) -> Result<ReadGuard<'a, K, V, T::Rows>, TableError> {
        let inside = Inside::enter()?;
        let held = Held::new(part.shard.read(), inside);
        self.alive()?;
        Ok(held)
    }

    /// Takes a shard's lock for writing, if the table is alive.
    #[inline]
    pub(crate) fn write<'a>(
        &self,
        part: &'a Part<K, V, T::Rows>,
    ) -> Result<WriteGuard<'a, K, V, T::Rows>, TableError> {
        let inside = Inside::enter()?;
        let held = Held::new(part.shard.write(), inside);
        self.alive()?;
        Ok(held)
    }

    /// Whether the table is alive. Relaxed is enough: the flag is set once, and whoever has heard of that, from
    /// the one who set it, from another who saw it, or by the lock of an emptied shard, sees it set.
    #[inline]
    fn alive(&self) -> Result<(), TableError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(TableError::Closed);
        }
        Ok(())
    }

    /// Takes places for `count` new rows, if there are so many.
    #[inline]
    pub(crate) fn take_places(&self, count: usize) -> Option<Places<'_>> {
        match &self.limit {
            Some(limit) => limit.take(count),
            None => Some(Places::unbounded()),
        }
    }

    /// Sweeps out rows whose time is over, which do not count; the table is full if there are none.
    #[cold]
    pub(crate) fn make_room(&self) -> Result<(), TableError> {
        match self.sweep_all()? {
            0 => Err(TableError::Full),
            _ => Ok(()),
        }
    }

    pub(crate) fn size(&self) -> Result<usize, TableError> {
        let now = Moment::of(&self.clock);
        let mut size = 0;
        for part in &self.parts {
            size += self.read(part)?.count_live(&now);
        }
        Ok(size)
    }

    pub(crate) fn stats(&self) -> Result<TableStats, TableError> {
        let mut stats = TableStats {
            size: self.size()?,
            ..TableStats::default()
        };
        for Part { counts, .. } in &self.parts {
            stats.hits += counts.hits.load(Ordering::Relaxed);
            stats.misses += counts.misses.load(Ordering::Relaxed);
        }
        Ok(stats)
    }

    /// Has a watcher told of every change from now on. Each shard is handed to `join` before it is.
    pub(crate) fn add_watcher(
        &self,
        watcher: &Arc<dyn Watcher<K, V>>,
        mut join: impl FnMut(&Shard<K, V, T::Rows>),
    ) -> Result<(), TableError> {
        // First, so that a death in between is told: either the flag is seen below, or the watcher is in the list.
        self.watchers.lock().push(Arc::clone(watcher));
        for part in &self.parts {
            let mut shard = self.write(part)?;
            join(&shard);
            shard.watchers.push(Arc::clone(watcher));
        }
        Ok(())
    }

    /// Has a watcher told of nothing more.
    pub(crate) fn remove_watcher(&self, watcher: &Arc<dyn Watcher<K, V>>) {
        let is_it = |other: &mut Arc<dyn Watcher<K, V>>| Arc::ptr_eq(other, watcher);
        let mut gone: Watchers<K, V> = self.watchers.lock().extract_if(.., is_it).collect();
        for part in &self.parts {
            // A dead table, or a call from under a lock: then the watcher is told of nothing any more, or
            // of what nobody listens to.
            if let Ok(mut shard) = self.write(part) {
                gone.extend(shard.watchers.extract_if(.., is_it));
            }
        }
    }
}

impl<K, V, T: TableType<K, V>> fmt::Debug for Shared<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("type", &T::NAME)
            .field("access", &self.access)
            .field("alive", &self.alive().is_ok())
            .finish_non_exhaustive()
    }
}
