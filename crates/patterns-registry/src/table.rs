//! Keys and their workers, in shards behind locks.
//!
//! Invariants:
//! 1. No thread ever holds two of these locks, and none is held across an `.await`.
//! 2. Under one, nothing of the program's is dropped, and nothing called but `Eq` and `Clone` of keys. Nothing is sent to a process, and nobody woken.
//! 3. A row goes when its worker's specification and the state of its last process are gone, and never sooner: see `place`.
//! 4. A row is `Running` from when the worker's `init` has returned until its state is dropped, or it is certain that it will be.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use hashbrown::{DefaultHashBuilder, HashTable};
use otp_core::listeners::Listeners;
use otp_core::{Pid, ServerRef};
use parking_lot::{RwLock, RwLockWriteGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::WorkerEvent;
use crate::flight::{Flight, Lease};
use crate::row::{About, Key, Phase, Row, Up};

pub(crate) struct Table<K, M, V> {
    shards: Box<[Shard<K, M, V>]>,
    hasher: DefaultHashBuilder,
    /// Whether workers stop when they are idle, so that uses of them must be known.
    leases: bool,
    ids: AtomicU64,
    started: AtomicU64,
    restarted: AtomicU64,
    closed: AtomicBool,
    pub(crate) listeners: Listeners<WorkerEvent<K>>,
}

/// In cache lines of its own: cores that work on different shards must not take lines from each other.
#[repr(align(128))]
struct Shard<K, M, V> {
    rows: RwLock<Rows<K, M, V>>,
    /// Told of each worker that comes up here.
    arrivals: Notify,
}

struct Rows<K, M, V> {
    rows: HashTable<Row<K, M, V>>,
    /// How many there are in each phase.
    counts: [usize; 4],
}

/// What stands under a key.
pub(crate) enum Found<M> {
    /// A worker that runs.
    Running(ServerRef<M>, Option<Lease>),
    /// One that will run, or whose key will be free.
    Pending {
        server: ServerRef<M>,
        phase: Phase,
        lease: Lease,
        /// How often it had come up.
        ups: u64,
    },
    /// Nothing.
    Vacant,
}

impl<K, M, V> Table<K, M, V> {
    pub(crate) fn new(leases: bool) -> Arc<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shard = |_| Shard {
            rows: RwLock::new(Rows {
                rows: HashTable::new(),
                counts: [0; 4],
            }),
            arrivals: Notify::new(),
        };
        Arc::new(Self {
            shards: (0..(cores * 4).next_power_of_two()).map(shard).collect(),
            hasher: DefaultHashBuilder::default(),
            leases,
            ids: AtomicU64::new(0),
            started: AtomicU64::new(0),
            restarted: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            listeners: Listeners::new(),
        })
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// No worker will come any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for shard in &self.shards {
            shard.arrivals.notify_waiters();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard<K, M, V> {
        // The table in the shard uses the lowest bits and the seven highest.
        let at = (hash >> 40) as usize & (self.shards.len() - 1);
        &self.shards[at]
    }

    /// Told of each worker that comes up under this key, and of some others.
    pub(crate) fn arrivals(&self, hash: u64) -> &Notify {
        &self.shard(hash).arrivals
    }

    /// How many workers are in a phase.
    pub(crate) fn count(&self, phase: Phase) -> usize {
        let of = |shard: &Shard<K, M, V>| shard.rows.read().counts[phase as usize];
        self.shards.iter().map(of).sum()
    }

    /// How many workers were started, and restarted.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        (count(&self.started), count(&self.restarted))
    }

    /// What `pick` makes of the rows of workers that run; it must not call the program's code but `Clone` of the key.
    pub(crate) fn running<T>(&self, mut pick: impl FnMut(&Row<K, M, V>) -> T) -> Vec<T> {
        // Before any lock, so that it goes after it if a `Clone` panics.
        let mut picked = Vec::new();
        for shard in &self.shards {
            let rows = shard.rows.read();
            picked.reserve(rows.counts[Phase::Running as usize]);
            let running = rows.rows.iter().filter(|row| row.running.is_some());
            running.for_each(|row| picked.push(pick(row)));
        }
        picked
    }

    /// Runs `change` on the row of worker `id`. Such a change calls none of the program's code.
    fn change<R>(
        &self,
        hash: u64,
        id: u64,
        change: impl FnOnce(&mut Row<K, M, V>) -> R,
    ) -> Option<R> {
        let mut rows = self.shard(hash).rows.write();
        let Rows { rows, counts } = &mut *rows;
        let row = rows.find_mut(hash, |row| row.about.id == id)?;
        let before = row.about.phase;
        let changed = change(row);
        counts[before as usize] -= 1;
        counts[row.about.phase as usize] += 1;
        let about = &row.about;
        // The address that is taken out is not the last one: nothing ends here.
        row.running = (about.phase == Phase::Running).then(|| about.server.clone());
        Some(changed)
    }

    /// The worker's state is about to be dropped, or will be restarted; nothing if it is known to end.
    pub(crate) fn goes_down(&self, hash: u64, id: u64) {
        self.change(hash, id, |row| {
            if row.about.phase == Phase::Running {
                row.about.phase = Phase::Restarting;
            }
        });
    }

    /// The worker ends, and is not to be started again.
    pub(crate) fn ends(&self, hash: u64, id: u64) {
        self.change(hash, id, |row| row.about.phase = Phase::Stopping);
    }

    /// The worker ends if nobody is about to use it; `false` if somebody is.
    pub(crate) fn ends_if_unused(&self, hash: u64, id: u64) -> bool {
        let ends = self.change(hash, id, |row| {
            let ends = !row.about.flight.is_leased();
            if ends {
                row.about.phase = Phase::Stopping;
            }
            ends
        });
        ends.unwrap_or(true)
    }

    /// Puts `new` in the place of the value that was `seen`; returns the one that is there if it is another.
    pub(crate) fn replace_value(
        &self,
        hash: u64,
        id: u64,
        seen: &Arc<V>,
        new: &Arc<V>,
    ) -> Option<Option<Arc<V>>> {
        self.change(hash, id, |row| {
            let value = &mut row.about.value;
            if Arc::ptr_eq(value, seen) {
                // Not dropped here: whoever has seen it holds it.
                *value = Arc::clone(new);
                None
            } else {
                Some(Arc::clone(value))
            }
        })
    }

    /// Takes the row of worker `id` out.
    pub(crate) fn remove(&self, hash: u64, id: u64) -> Option<Row<K, M, V>> {
        let mut rows = self.shard(hash).rows.write();
        let found = rows.rows.find_entry(hash, |row| row.about.id == id).ok()?;
        let row = found.remove().0;
        rows.counts[row.about.phase as usize] -= 1;
        Some(row)
    }
}

impl<K: Key, M, V> Table<K, M, V> {
    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64
    where
        K: Borrow<Q>,
    {
        self.hasher.hash_one(key)
    }

    /// Runs `look` on the row under a key; it must not call the program's code.
    #[inline]
    pub(crate) fn with<Q, R>(
        &self,
        hash: u64,
        key: &Q,
        look: impl FnOnce(&Row<K, M, V>) -> R,
    ) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let rows = self.shard(hash).rows.read();
        let row = rows.rows.find(hash, |row| row.key.borrow() == key)?;
        Some(look(row))
    }

    /// Returns the address of the worker that runs under a key.
    #[inline]
    pub(crate) fn server<Q>(&self, hash: u64, key: &Q) -> Option<ServerRef<M>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.with(hash, key, |row| row.running.clone()).flatten()
    }

    /// Returns what stands under a key, with a lease of it.
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Found<M>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let found = self.with(hash, key, |row| {
            let (server, flight) = (row.about.server.clone(), &row.about.flight);
            match row.about.phase {
                Phase::Running => {
                    let lease = self.leases.then(|| Lease::of(flight));
                    Found::Running(server, lease)
                }
                phase => Found::Pending {
                    server,
                    phase,
                    lease: Lease::of(flight),
                    ups: flight.ups(),
                },
            }
        });
        found.unwrap_or(Found::Vacant)
    }

    /// Puts a worker in that is about to be started; `false` if the key has one.
    pub(crate) fn insert(&self, key: K, about: Box<About<M, V>>) -> bool {
        let (hash, phase) = (about.hash, about.phase);
        let row = Row {
            key,
            running: None,
            about,
        };
        // After the row, so that it goes before it: if the row is not put in, it is dropped outside of the lock.
        let mut rows: RwLockWriteGuard<'_, Rows<K, M, V>> = self.shard(hash).rows.write();
        if rows.rows.find(hash, |other| other.key == row.key).is_some() {
            return false;
        }
        rows.rows.insert_unique(hash, row, |row| row.about.hash);
        rows.counts[phase as usize] += 1;
        true
    }

    /// The worker is to be stopped. Returns what tells of its end, and whether the stop can be sent to the supervisor now.
    pub(crate) fn begin_stop(&self, hash: u64, id: u64) -> Option<(Arc<Flight>, bool)> {
        self.change(hash, id, |row| {
            row.about.phase = Phase::Stopping;
            // Before the lock is let go: a worker that comes up next must see it.
            let can_be_sent = row.about.flight.ask_for_stop();
            (Arc::clone(&row.about.flight), can_be_sent)
        })
    }

    /// The worker has come up as `pid`. If it is to be stopped all the same, nobody is to find it.
    pub(crate) fn comes_up(&self, hash: u64, id: u64, pid: Pid) {
        let now = Instant::now();
        let came = self.change(hash, id, |row| {
            let restarts = row.about.up.as_ref().map_or(0, |up| up.restarts + 1);
            if row.about.flight.is_called_off() {
                return None;
            }
            if self.listeners.are_there() {
                // First: if the key's `Clone` panics nothing has changed.
                let (key, pid) = (row.key.clone(), pid.clone());
                self.listeners.note(if restarts == 0 {
                    WorkerEvent::Registered { key, pid }
                } else {
                    WorkerEvent::Restarted { key, pid, restarts }
                });
            }
            row.about.phase = Phase::Running;
            row.about.flight.came_up();
            let up = Up {
                pid,
                since: now,
                restarts,
            };
            let before = row.about.up.replace(up);
            Some((restarts, Arc::clone(&row.about.flight), before))
        });
        let Some((restarts, flight, _before)) = came.flatten() else {
            return;
        };
        let count = if restarts == 0 {
            &self.started
        } else {
            &self.restarted
        };
        count.fetch_add(1, Ordering::Relaxed);
        flight.tell();
        self.arrivals(hash).notify_waiters();
        self.listeners.tell();
    }
}
