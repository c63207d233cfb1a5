//! A part of the keys of a limiter, behind one lock: without a clock and without tokio.

mod lines;
mod quotas;
mod sweeping;
#[cfg(all(test, not(otp_schedules)))]
mod tests;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::mem::needs_drop;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::desk::denied;
use crate::gcra::{Gcra, Short};
use crate::line::Line;
use crate::room::Room;
use crate::{Allowed, Denied, Quota};

/// Set in the word of an entry while somebody waits for its key, or something of it may come back.
const WAITED: u64 = 1 << 63;

/// Some of the keys.
///
/// 1. A key without an entry has all its tokens. So only a taking makes an entry, and one whose TAT has passed can go.
/// 2. Time never goes back here: who read the clock before somebody else and got the lock after them decides at the later moment. So what is forgotten at
///    one moment is not missed at an earlier one.
/// 3. An entry has the flag `WAITED` as long as its key has a line that is not empty, and stays as long.
#[derive(Debug)]
pub(crate) struct Shard<K> {
    gcra: Gcra,
    /// The last moment, in nanoseconds.
    latest: u64,
    pub(crate) allowed: u64,
    pub(crate) refused: u64,
    table: HashTable<Entry<K>>,
    /// What most shards never have.
    more: Option<Box<More<K>>>,
    /// The bucket of the table at which sweeping goes on.
    cursor: usize,
    pub(crate) evicted: u64,
    /// Keys to be dropped when the lock is free, for that is code of the program.
    pub(crate) garbage: Vec<K>,
}

/// A key and its TAT. Small, for there are many: what a check costs is above all the way to it.
#[derive(Debug)]
struct Entry<K> {
    key: K,
    word: u64,
}

#[derive(Debug)]
struct More<K> {
    quotas: HashMap<K, (Quota, Gcra), DefaultHashBuilder>,
    lines: HashMap<K, Line, DefaultHashBuilder>,
}

/// A key as it is asked for, with its hash and what its limiter has for all shards.
#[derive(Debug)]
pub(crate) struct Asked<'a, Q: ?Sized> {
    pub(crate) key: &'a Q,
    pub(crate) hash: u64,
    pub(crate) hasher: &'a DefaultHashBuilder,
    pub(crate) room: &'a Room,
}

impl<Q: ?Sized> Clone for Asked<'_, Q> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q: ?Sized> Copy for Asked<'_, Q> {}

/// What to undo a taking with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Before {
    /// There was no entry.
    Nothing,
    /// The word was this.
    Word(u64),
}

impl<K> Shard<K> {
    pub(crate) fn new(gcra: Gcra) -> Self {
        Self {
            gcra,
            latest: 0,
            allowed: 0,
            refused: 0,
            table: HashTable::new(),
            more: None,
            cursor: 0,
            evicted: 0,
            garbage: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// How many wait here.
    pub(crate) fn waiting(&self) -> usize {
        let lines = self.more.iter().flat_map(|more| more.lines.values());
        lines.map(Line::len).sum()
    }

    pub(crate) fn keys(&self, keys: &mut Vec<K>)
    where
        K: Clone,
    {
        keys.extend(self.table.iter().map(|entry| entry.key.clone()));
    }

    /// The moment at which something is done that was begun at `nanos`.
    #[inline]
    fn moment(&mut self, nanos: u64) -> u64 {
        self.latest = self.latest.max(nanos);
        self.latest
    }

    /// Keeps a key until the lock is free, if its drop is anything to wait for.
    fn discard(&mut self, key: K) {
        if needs_drop::<K>() {
            self.garbage.push(key);
        }
    }

    pub(crate) fn count(&mut self, is_allowed: bool) {
        if is_allowed {
            self.allowed += 1;
        } else {
            self.refused += 1;
        }
    }
}

impl<K: Hash + Eq> Shard<K> {
    /// The quota of a key.
    #[inline]
    fn gcra_of<Q>(&self, key: &Q) -> Gcra
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match &self.more {
            None => self.gcra,
            Some(more) => more.quotas.get(key).map_or(self.gcra, |(_, gcra)| *gcra),
        }
    }

    fn find<Q>(&mut self, asked: Asked<'_, Q>) -> Option<&mut Entry<K>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.table
            .find_mut(asked.hash, |entry| entry.key.borrow() == asked.key)
    }

    /// Takes tokens of a key as most do: one that has an entry, for which nobody waits, in a shard without quotas of keys' own. `None` for any other.
    ///
    /// It does nothing that [`take`](Self::take) does not, and is small enough to be built into each caller. Returns the TAT that is left.
    #[inline]
    pub(crate) fn take_known<Q>(
        &mut self,
        asked: Asked<'_, Q>,
        nanos: u64,
        tokens: u32,
    ) -> Option<Result<u64, Short>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if self.more.is_some() {
            return None;
        }
        let now = self.moment(nanos);
        let now = self.gcra.units(now);
        let entry = self
            .table
            .find_mut(asked.hash, |entry| entry.key.borrow() == asked.key)?;
        if entry.word & WAITED != 0 {
            return None;
        }
        let taken = self.gcra.take(entry.word, now, tokens, 0);
        match taken {
            Ok(tat) => {
                entry.word = tat;
                self.allowed += 1;
            }
            Err(_) => self.refused += 1,
        }
        Some(taken)
    }

    /// What is told of a taking by `take_known` that was just made.
    pub(crate) fn told(&self, taken: Result<u64, Short>, tokens: u32) -> Result<Allowed, Denied> {
        let (gcra, nanos) = (self.gcra, self.latest);
        match taken {
            Ok(tat) => Ok(Allowed { gcra, tat, nanos }),
            Err(short) => Err(denied(&gcra, nanos, tokens, short)),
        }
    }

    /// Takes tokens of a key, and says what the entry was before.
    pub(crate) fn take<Q>(
        &mut self,
        asked: Asked<'_, Q>,
        nanos: u64,
        tokens: u32,
    ) -> Result<(Allowed, Before), Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let nanos = self.moment(nanos);
        let gcra = self.gcra_of(asked.key);
        let now = gcra.units(nanos);
        let before = match self.find(asked) {
            Some(entry) if entry.word & WAITED == 0 => {
                let before = entry.word;
                match gcra.take(before, now, tokens, 0) {
                    Ok(tat) => {
                        entry.word = tat;
                        return Ok((Allowed { gcra, tat, nanos }, Before::Word(before)));
                    }
                    Err(short) => return Err(denied(&gcra, nanos, tokens, short)),
                }
            }
            Some(entry) => Some(entry.word),
            None => None,
        };
        if let Some(before) = before {
            let taken = self.at_desk(asked, nanos, |desk| desk.take(tokens));
            return Ok((taken?, Before::Word(before)));
        }
        let tat = gcra
            .take(0, now, tokens, 0)
            .map_err(|short| denied(&gcra, nanos, tokens, short))?;
        // What costs nothing leaves nothing behind.
        if tat > now {
            self.insert(asked, tat)?;
        }
        Ok((Allowed { gcra, tat, nanos }, Before::Nothing))
    }

    #[cold]
    fn insert<Q>(&mut self, asked: Asked<'_, Q>, word: u64) -> Result<(), Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        /// How many places are looked at for each new key: enough for those who go to keep pace with those who come, with the table half empty too.
        const LOOKED_AT: usize = 8;

        self.sweep(LOOKED_AT, asked.room);
        let key = asked.key.to_owned();
        let hasher = asked.hasher;
        // All code of the program comes before the place is taken.
        self.table.reserve(1, |entry| hasher.hash_one(&entry.key));
        asked.room.enter()?;
        self.table
            .insert_unique(asked.hash, Entry { key, word }, |entry| {
                hasher.hash_one(&entry.key)
            });
        Ok(())
    }

    /// Makes it as if the taking had not been, which nobody has seen.
    pub(crate) fn undo<Q>(&mut self, asked: Asked<'_, Q>, before: Before)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match before {
            Before::Word(word) => {
                if let Some(entry) = self.find(asked) {
                    entry.word = word;
                }
            }
            Before::Nothing => self.remove(asked),
        }
    }

    fn remove<Q>(&mut self, asked: Asked<'_, Q>)
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let found = self
            .table
            .find_entry(asked.hash, |entry| entry.key.borrow() == asked.key);
        if let Ok(found) = found {
            let key = found.remove().0.key;
            self.discard(key);
            asked.room.leave(1);
        }
    }

    fn more(&mut self) -> &mut More<K> {
        self.more.get_or_insert_with(|| {
            Box::new(More {
                quotas: HashMap::default(),
                lines: HashMap::default(),
            })
        })
    }
}
