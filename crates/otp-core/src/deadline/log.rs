//! Where calls in flight are written down: a few shards, one for each thread as far as they reach.

use std::cell::Cell;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use crate::current::Settle;
use crate::sync::{AtomicUsize, Mutex, Ordering, Weak};

const SHARDS: usize = 8;

/// A shard sweeps out the calls that are over when it holds this many, then whenever it has
/// doubled.
const FIRST_SWEEP: usize = 64;

/// One call in flight.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) call: Weak<dyn Settle>,
    pub(super) timeout: Duration,
    /// When it was armed, if the clock was read.
    pub(super) armed: Option<Instant>,
}

impl Entry {
    /// Tells whether anybody but this entry still holds the call's reply cell.
    pub(super) fn in_flight(&self) -> bool {
        self.call.strong_count() > 0
    }
}

#[derive(Debug)]
pub(super) struct Log {
    shards: [Shard; SHARDS],
}

// Neighbouring shards belong to different threads and must not share a cache line (two, for the
// prefetcher's sake).
#[derive(Debug)]
#[repr(align(128))]
struct Shard(Mutex<Entries>);

#[derive(Debug)]
struct Entries {
    entries: Vec<Entry>,
    sweep_at: usize,
}

impl Log {
    pub(super) fn new() -> Self {
        let shard = || {
            Shard(Mutex::new(Entries {
                entries: Vec::new(),
                sweep_at: FIRST_SWEEP,
            }))
        };
        Self {
            shards: std::array::from_fn(|_| shard()),
        }
    }

    #[inline]
    pub(super) fn push(&self, call: Weak<dyn Settle>, timeout: Duration, armed: Option<Instant>) {
        let mut shard = self.shards[shard_of_thread()].0.lock();
        shard.entries.push(Entry {
            call,
            timeout,
            armed,
        });
        if shard.entries.len() >= shard.sweep_at {
            shard.sweep();
        }
    }

    /// Moves all entries that are still in flight into `into`; tells whether there was any entry at
    /// all.
    pub(super) fn drain_into(&self, into: &mut Vec<Entry>) -> bool {
        let mut any = false;
        let mut entries = Vec::new();
        for shard in &self.shards {
            {
                let mut shard = shard.0.lock();
                if shard.entries.is_empty() {
                    continue;
                }
                // The emptied vector of the shard before goes here: the capacity wanders, nothing
                // is allocated.
                mem::swap(&mut shard.entries, &mut entries);
                shard.sweep_at = FIRST_SWEEP;
            }
            any = true;
            into.extend(entries.drain(..).filter(Entry::in_flight));
        }
        any
    }
}

impl Log {
    pub(super) fn is_empty(&self) -> bool {
        self.shards
            .iter()
            .all(|shard| shard.0.lock().entries.is_empty())
    }
}

impl Entries {
    #[cold]
    fn sweep(&mut self) {
        // The cells are dropped already. What goes here is their plain memory.
        self.entries.retain(Entry::in_flight);
        self.sweep_at = (self.entries.len() * 2).max(FIRST_SWEEP);
    }
}

fn shard_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    SHARD
        .try_with(|shard| {
            if shard.get() == usize::MAX {
                shard.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
            }
            shard.get()
        })
        .unwrap_or(0)
}
