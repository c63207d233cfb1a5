//! Which entry goes when the cache is full: S3-FIFO.
//!
//! From J. Yang, Y. Zhang, Z. Qiu, Y. Yue, R. Vinayak: *FIFO queues are all you need for cache
//! eviction*, SOSP 2023. New entries enter a *small* queue, a tenth of the capacity. What was read
//! more than once by the time it gets to that queue's end moves to the *main* queue; the rest
//! leaves, and only its hash is remembered by a *ghost* queue, from which a second `put` goes to
//! main straight away. At the end of main, an entry that was read since goes round again. So a scan
//! of keys that are wanted once passes through the small queue and leaves main alone.
//!
//! Invariants:
//! 1. `links` has one element for each entry of the shard, at the entry's own index.
//! 2. Each index is in exactly one of the two queues, and `small.len + main.len == links.len()`.
//! 3. `links.len() <= capacity`, and the ghost holds at most as many hashes as main has places.

use std::sync::atomic::{AtomicU8, Ordering};

use hashbrown::HashTable;

/// The end of a queue.
const NIL: u32 = u32::MAX;

/// How many entries one eviction passes over at most. It bounds the time that a `put` holds its
/// shard's lock when nearly everything was read since it was last looked at.
const MAX_PASSED_OVER: usize = 1_000;

/// How often an entry was read since the policy last looked at it, 0 to 3.
#[derive(Debug, Default)]
pub(crate) struct Uses(AtomicU8);

impl Uses {
    const MAX: u8 = 3;

    /// Counts one read. Readers race here under a shared lock and may lose a count, which costs the
    /// policy nothing; an entry that is read all the time is not written to any more, so that it
    /// stays in every core's cache.
    pub(crate) fn count(&self) {
        let uses = self.0.load(Ordering::Relaxed);
        if uses < Self::MAX {
            self.0.store(uses + 1, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, uses: u8) {
        self.0.store(uses, Ordering::Relaxed);
    }
}

/// What the policy has to know of an entry that it may evict.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) hash: u64,
    pub(crate) uses: &'a Uses,
    pub(crate) expired: bool,
}

/// The two queues and the ghost of one shard. It knows entries by their index in the shard.
#[derive(Debug)]
pub(crate) struct S3Fifo {
    links: Vec<Link>,
    small: Queue,
    main: Queue,
    ghost: Ghost,
    capacity: usize,
    small_places: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    newer: u32,
    older: u32,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Small,
    Main,
}

#[derive(Debug)]
struct Queue {
    newest: u32,
    oldest: u32,
    len: usize,
}

impl S3Fifo {
    pub(crate) fn new(capacity: usize) -> Self {
        let small_places = (capacity / 10).max(1);
        Self {
            links: Vec::new(),
            small: Queue::EMPTY,
            main: Queue::EMPTY,
            ghost: Ghost::new(capacity - small_places),
            capacity,
            small_places,
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn is_full(&self) -> bool {
        self.links.len() >= self.capacity
    }

    /// Takes in a new entry, whose index is the next free one. There must be room.
    pub(crate) fn push(&mut self, hash: u64) {
        debug_assert!(!self.is_full());
        let place = self.place_for(hash);
        let index = to_index(self.links.len());
        self.links.push(Link {
            newer: NIL,
            older: NIL,
            place,
        });
        self.link(index, place);
    }

    /// Chooses an entry to evict and takes in a new one at its index. The queues must be full.
    /// Returns the index, and whether the one evicted had expired.
    pub(crate) fn replace<'a>(
        &mut self,
        hash: u64,
        look: impl Fn(u32) -> Candidate<'a>,
    ) -> (u32, bool) {
        debug_assert!(self.is_full());
        // Asked before the victim is remembered, which may push this very hash out of the ghost.
        let place = self.place_for(hash);
        let (index, expired) = self.evict(look);
        self.link(index, place);
        (index, expired)
    }

    /// Forgets the entry at `index`; the last one moves there, as in `Vec::swap_remove`.
    pub(crate) fn swap_remove(&mut self, index: u32) {
        self.unlink(index);
        let last = to_index(self.links.len() - 1);
        if index != last {
            let Link {
                newer,
                older,
                place,
            } = self.links[last as usize];
            if newer == NIL {
                self.queue(place).newest = index;
            } else {
                self.links[newer as usize].older = index;
            }
            if older == NIL {
                self.queue(place).oldest = index;
            } else {
                self.links[older as usize].newer = index;
            }
        }
        self.links.swap_remove(index as usize);
    }

    /// The links, for their memory to be taken in.
    pub(crate) fn links(&mut self) -> &mut Vec<Link> {
        &mut self.links
    }

    fn place_for(&mut self, hash: u64) -> Place {
        if self.ghost.recall(hash) {
            Place::Main
        } else {
            Place::Small
        }
    }

    /// Unlinks an entry that has to go. Each turn of the loop takes the oldest of the queue that
    /// holds more than its share, and either returns it or links it anew at main's newest end.
    fn evict<'a>(&mut self, look: impl Fn(u32) -> Candidate<'a>) -> (u32, bool) {
        let mut passed_over = 0;
        loop {
            let from_small = self.small.len >= self.small_places;
            let index = if from_small {
                self.small.oldest
            } else {
                self.main.oldest
            };
            let Candidate {
                hash,
                uses,
                expired,
            } = look(index);
            self.unlink(index);
            if expired {
                return (index, true);
            }
            let used = uses.get();
            let stays = if from_small { used > 1 } else { used > 0 };
            if !stays || passed_over == MAX_PASSED_OVER {
                if from_small {
                    self.ghost.remember(hash);
                }
                return (index, false);
            }
            uses.set(if from_small { 0 } else { used - 1 });
            self.link(index, Place::Main);
            passed_over += 1;
        }
    }

    fn queue(&mut self, place: Place) -> &mut Queue {
        match place {
            Place::Small => &mut self.small,
            Place::Main => &mut self.main,
        }
    }

    /// Puts `index` at the newest end of a queue.
    fn link(&mut self, index: u32, place: Place) {
        let queue = self.queue(place);
        let older = queue.newest;
        queue.newest = index;
        queue.len += 1;
        if older == NIL {
            queue.oldest = index;
        } else {
            self.links[older as usize].newer = index;
        }
        self.links[index as usize] = Link {
            newer: NIL,
            older,
            place,
        };
    }

    fn unlink(&mut self, index: u32) {
        let Link {
            newer,
            older,
            place,
        } = self.links[index as usize];
        self.queue(place).len -= 1;
        if newer == NIL {
            self.queue(place).newest = older;
        } else {
            self.links[newer as usize].older = older;
        }
        if older == NIL {
            self.queue(place).oldest = newer;
        } else {
            self.links[older as usize].newer = newer;
        }
    }
}

impl Queue {
    const EMPTY: Self = Self {
        newest: NIL,
        oldest: NIL,
        len: 0,
    };
}

/// The hashes of the last entries that left the small queue unread: a ring, and a table to find a
/// hash in it.
#[derive(Debug)]
struct Ghost {
    ring: Vec<u64>,
    next: usize,
    capacity: usize,
    table: HashTable<u32>,
}

impl Ghost {
    fn new(capacity: usize) -> Self {
        Self {
            ring: Vec::new(),
            next: 0,
            capacity,
            table: HashTable::new(),
        }
    }

    fn remember(&mut self, hash: u64) {
        if self.capacity == 0 {
            return;
        }
        let index = to_index(self.next);
        if self.next == self.ring.len() {
            self.ring.push(hash);
        } else {
            let forgotten = std::mem::replace(&mut self.ring[self.next], hash);
            // A hash that was recalled meanwhile is in the ring still, but not in the table.
            if let Ok(entry) = self.table.find_entry(forgotten, |&at| at == index) {
                entry.remove();
            }
        }
        self.table
            .insert_unique(hash, index, |&at| self.ring[at as usize]);
        self.next = (self.next + 1) % self.capacity;
    }

    /// Says whether the hash was remembered, and forgets it.
    fn recall(&mut self, hash: u64) -> bool {
        match self
            .table
            .find_entry(hash, |&at| self.ring[at as usize] == hash)
        {
            Ok(entry) => {
                entry.remove();
                true
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests;

/// An index as it is stored: half the size of a pointer.
pub(crate) fn to_index(index: usize) -> u32 {
    u32::try_from(index).expect("a shard holds fewer than 2^32 entries")
}
