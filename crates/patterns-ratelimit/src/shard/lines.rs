//! Buckets of keys with those who wait for them.

use std::borrow::Borrow;
use std::hash::Hash;

use super::{Asked, Shard, WAITED};
use crate::Denied;
use crate::desk::Desk;
use crate::line::Line;
use crate::place::Taken;

impl<K: Hash + Eq> Shard<K> {
    /// Does something at the bucket of a key that has an entry, with its line. Without an entry it is done at a full one, and forgotten.
    pub(crate) fn at_desk<Q, R>(
        &mut self,
        asked: Asked<'_, Q>,
        nanos: u64,
        work: impl FnOnce(&mut Desk<'_>) -> R,
    ) -> R
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let nanos = self.moment(nanos);
        let gcra = self.gcra_of(asked.key);
        let (mut nobody, mut full) = (Line::default(), 0);
        let line = match &mut self.more {
            Some(more) => more.lines.get_mut(asked.key).unwrap_or(&mut nobody),
            None => &mut nobody,
        };
        let found = self
            .table
            .find_mut(asked.hash, |entry| entry.key.borrow() == asked.key);
        let word = found.map_or(&mut full, |entry| &mut entry.word);
        let mut tat = *word & !WAITED;
        let done = work(&mut Desk {
            gcra,
            tat: &mut tat,
            line,
            nanos,
        });
        let is_waited = !line.is_empty();
        *word = if is_waited { tat | WAITED } else { tat };
        if !is_waited && let Some(more) = &mut self.more {
            // With the last who waited.
            let gone = more.lines.remove_entry(asked.key);
            self.garbage.extend(gone.map(|(key, _)| key));
            if more.lines.is_empty() && more.quotas.is_empty() {
                self.more = None;
            }
        }
        done
    }

    /// Does something at the bucket of a key that has an entry, and there is a line.
    pub(crate) fn at_line<Q, R>(
        &mut self,
        asked: Asked<'_, Q>,
        nanos: u64,
        work: impl FnOnce(&mut Desk<'_>) -> R,
    ) -> R
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let lines = &mut self.more().lines;
        if !lines.contains_key(asked.key) {
            lines.insert(asked.key.to_owned(), Line::default());
        }
        self.at_desk(asked, nanos, work)
    }

    /// Takes tokens of a key, and remembers that they may come back.
    pub(crate) fn reserve<Q>(
        &mut self,
        asked: Asked<'_, Q>,
        nanos: u64,
        tokens: u32,
    ) -> Result<Taken, Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let is_new = self.find(asked).is_none();
        if is_new {
            self.insert(asked, 0)?;
        }
        let taken = self.at_line(asked, nanos, |desk| desk.reserve(tokens));
        if is_new && taken.is_err() {
            // Who is refused is not remembered.
            self.remove(asked);
        }
        taken
    }

    /// Lets somebody wait for a key of which there is not enough, and which has an entry therefore. Returns their ticket.
    pub(crate) fn stand_in_line<Q>(&mut self, asked: Asked<'_, Q>, nanos: u64, tokens: u32) -> u64
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.at_line(asked, nanos, |desk| desk.line.enter(tokens))
    }

    /// Takes tokens that are used already.
    pub(crate) fn charge<Q>(
        &mut self,
        asked: Asked<'_, Q>,
        nanos: u64,
        tokens: u32,
    ) -> Result<(), Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if self.find(asked).is_none() {
            self.insert(asked, 0)?;
        }
        self.at_desk(asked, nanos, |desk| desk.charge(tokens));
        Ok(())
    }
}
