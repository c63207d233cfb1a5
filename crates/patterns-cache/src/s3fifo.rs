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
//! Capacities and lengths are weights. Where entries are only counted each weighs 1.
//!
//! 1. `links` has one element for each entry of the shard, at the entry's own index.
//! 2. Each index is in exactly one of the two queues, and a queue's `weight` is that of its entries.
//! 3. `small.weight + main.weight <= capacity`, and the ghost holds at most as many hashes as main has
//!    places, or as there were ever entries, if that is less.

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
    capacity: u64,
    small_places: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    newer: u32,
    older: u32,
    weight: u32,
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
    weight: u64,
}

impl S3Fifo {
    pub(crate) fn new(capacity: u64) -> Self {
        let small_places = (capacity / 10).max(1);
        Self {
            links: Vec::new(),
            small: Queue::EMPTY,
            main: Queue::EMPTY,
            ghost: Ghost::new(usize::try_from(capacity - small_places).unwrap_or(usize::MAX)),
            capacity,
            small_places,
        }
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// What all entries weigh.
    pub(crate) fn weight(&self) -> u64 {
        self.small.weight + self.main.weight
    }

    pub(crate) fn has_room_for(&self, weight: u32) -> bool {
        self.weight() + u64::from(weight) <= self.capacity
    }

    /// Takes in a new entry, whose index is the next free one. There must be room.
    pub(crate) fn push(&mut self, hash: u64, weight: u32) {
        debug_assert!(self.has_room_for(weight));
        let place = self.place_for(hash);
        let index = to_index(self.links.len());
        self.links.push(Link {
            newer: NIL,
            older: NIL,
            weight,
            place,
        });
        self.link(index, place);
    }

    /// Chooses an entry to evict and takes in a new one at its index, both of weight 1. The queues
    /// must be full. Returns the index, and whether the one evicted had expired.
    pub(crate) fn replace<'a>(
        &mut self,
        hash: u64,
        look: impl Fn(u32) -> Candidate<'a>,
    ) -> (u32, bool) {
        debug_assert!(!self.has_room_for(1));
        // Asked before the victim is remembered, which may push this very hash out of the ghost.
        let place = self.place_for(hash);
        let (index, expired) = self.choose(look);
        self.link(index, place);
        (index, expired)
    }

    /// Chooses an entry to evict and forgets it; the last one moves to its index, as in
    /// `Vec::swap_remove`. There must be one. Returns the index, and whether it had expired.
    pub(crate) fn evict<'a>(&mut self, look: impl Fn(u32) -> Candidate<'a>) -> (u32, bool) {
        let (index, expired) = self.choose(look);
        self.fill(index);
        (index, expired)
    }

    /// Forgets the entry at `index`; the last one moves there, as in `Vec::swap_remove`.
    pub(crate) fn swap_remove(&mut self, index: u32) {
        self.unlink(index);
        self.fill(index);
    }

    /// Notes that an entry weighs something else now. That may be more than there is room for.
    pub(crate) fn reweigh(&mut self, index: u32, weight: u32) {
        let link = &mut self.links[index as usize];
        let before = std::mem::replace(&mut link.weight, weight);
        let place = link.place;
        let queue = self.queue(place);
        queue.weight = queue.weight - u64::from(before) + u64::from(weight);
    }

    /// Moves the last entry to `index`, which is in no queue.
    fn fill(&mut self, index: u32) {
        let last = to_index(self.links.len() - 1);
        if index != last {
            let Link {
                newer,
                older,
                place,
                ..
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
    fn choose<'a>(&mut self, look: impl Fn(u32) -> Candidate<'a>) -> (u32, bool) {
        let mut passed_over = 0;
        loop {
            // Main may be empty although small has less than its share, where a heavy one is to come.
            let from_small = self.small.weight >= self.small_places || self.main.oldest == NIL;
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
                    self.ghost.remember(hash, self.links.len());
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
        let weight = self.links[index as usize].weight;
        let queue = self.queue(place);
        let older = queue.newest;
        queue.newest = index;
        queue.weight += u64::from(weight);
        if older == NIL {
            queue.oldest = index;
        } else {
            self.links[older as usize].newer = index;
        }
        self.links[index as usize] = Link {
            newer: NIL,
            older,
            weight,
            place,
        };
    }

    fn unlink(&mut self, index: u32) {
        let Link {
            newer,
            older,
            weight,
            place,
        } = self.links[index as usize];
        self.queue(place).weight -= u64::from(weight);
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
        weight: 0,
    };
}

/// The hashes of the last entries that left the small queue unread: a ring, and a table to find a
/// hash in it. The ring grows no longer than there were ever entries at a time: how many of them a
/// capacity in weights has room for, nobody knows before.
#[derive(Debug)]
struct Ghost {
    ring: Vec<u64>,
    next: usize,
    /// The most hashes that may ever be here.
    most: usize,
    table: HashTable<u32>,
}

impl Ghost {
    fn new(most: usize) -> Self {
        Self {
            ring: Vec::new(),
            next: 0,
            most,
            table: HashTable::new(),
        }
    }

    /// Remembers a hash, while there are so many entries.
    fn remember(&mut self, hash: u64, entries: usize) {
        let most = self.most.min(entries);
        if self.next >= self.ring.len() && self.ring.len() >= most {
            self.next = 0;
        }
        if most == 0 {
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
        self.next += 1;
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
