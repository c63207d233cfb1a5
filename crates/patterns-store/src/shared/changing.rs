//! How rows are put and removed.

use std::time::Duration;

use super::Shared;
use crate::limit::Places;
use crate::moment::Moment;
use crate::rows::{Cell, Fit, Row, Rows};
use crate::shard::Bin;
use crate::watch::{Event, Telling, What};
use crate::{Lookup, PutError, TableError, TableType};

/// Whether a row is put where its key has one already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    Absent,
}

impl<K, V, T: TableType<K, V>> Shared<K, V, T> {
    /// Puts a row. `Ok(None)` if it was to be put only where there is none, and there is one.
    #[inline]
    pub(crate) fn put(
        &self,
        key: K,
        value: V,
        ttl: Option<Duration>,
        when: When,
    ) -> Result<Option<T::Put>, PutError<K, V>> {
        self.put_in(key, value, ttl, when, &mut None)
    }

    /// Puts a row as `put` does, in one of these places if there are some.
    pub(crate) fn put_in<'a>(
        &'a self,
        key: K,
        value: V,
        ttl: Option<Duration>,
        when: When,
        places: &mut Option<Places<'a>>,
    ) -> Result<Option<T::Put>, PutError<K, V>> {
        let hash = T::hash_of(&self.hasher, &key);
        let part = self.part(hash);
        let deadline = Moment::of(&self.clock).deadline(ttl);
        loop {
            let mut telling = Telling::default();
            let mut held = match self.write(part) {
                Ok(held) => held,
                Err(error) => return Err(PutError::new(error, key, value)),
            };
            // What is over is judged by the time at which the lock is held, not by that at which it was asked for.
            let now = Moment::of(&self.clock);
            let shard = &mut *held;
            let fit = shard.rows.fit(hash, &key, &value, T::SAME, &now);
            let replaces_live = match &fit {
                Fit::Over { live, .. } => Some(*live),
                Fit::New | Fit::Beside(_) => None,
            };
            if when == When::Absent && replaces_live == Some(true) {
                return Ok(None);
            }
            if replaces_live.is_none() && places.is_none() {
                *places = self.take_places(1);
                if places.is_none() {
                    drop(held);
                    match self.make_room() {
                        Ok(()) => continue,
                        Err(error) => return Err(PutError::new(error, key, value)),
                    }
                }
            }
            telling.prepare(&shard.watchers, &Event(What::Put, &key, &value));
            let before = shard.rows.len();
            let left = shard.rows.put(fit, hash, key, Row { value, deadline });
            if let Some(places) = places {
                places.use_up(shard.rows.len() - before);
            }
            shard.note_deadline(deadline);
            telling.commit();
            drop(held);
            let replaced = left.1.filter(|_| replaces_live == Some(true));
            return Ok(Some(T::told(replaced.map(|row| row.value))));
        }
    }

    /// Takes out all that a key has.
    pub(crate) fn take<Q>(&self, key: &Q) -> Result<T::Found, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
    {
        let hash = T::hash(&self.hasher, key);
        let now = Moment::of(&self.clock);
        let mut telling = Telling::default();
        let mut held = self.write(self.part(hash))?;
        let shard = &mut *held;
        if !shard.watchers.is_empty()
            && let Some((key, cell)) = T::find(&shard.rows, hash, key)
        {
            for Row { value, deadline } in cell.rows() {
                let event = if now.is_over(*deadline) {
                    Event(What::Expired, key, value)
                } else {
                    Event(What::Deleted, key, value)
                };
                telling.prepare(&shard.watchers, &event);
            }
        }
        let before = shard.rows.len();
        let taken = T::take(&mut shard.rows, hash, key);
        if let Some(limit) = &self.limit {
            limit.settle(before, shard.rows.len());
        }
        telling.commit();
        drop(held);
        let rows = taken.into_iter().flat_map(|(_, cell)| cell.into_rows());
        let live = rows.filter(|row| !now.is_over(row.deadline));
        Ok(T::found(live.map(|row| row.value)))
    }

    /// Removes all rows.
    pub(crate) fn clear(&self) -> Result<(), TableError> {
        for part in &self.parts {
            let mut bin = Bin::default();
            let rows = self.write(part)?.clear(&mut bin, self.limit.as_ref());
            rows.discard();
        }
        Ok(())
    }

    /// Removes the live rows that are `chosen`, and says how many. If `chosen` panics, what was removed from other
    /// shards stays removed, and nothing is removed from this one.
    pub(crate) fn remove_where(
        &self,
        mut chosen: impl FnMut(&K, &V) -> bool,
    ) -> Result<usize, TableError> {
        let now = Moment::of(&self.clock);
        let mut removed = 0;
        for part in &self.parts {
            let mut bin = Bin::<K, V, T::Rows>::default();
            let mut held = self.write(part)?;
            let chosen =
                |key: &K, row: &Row<V>| !now.is_over(row.deadline) && chosen(key, &row.value);
            let start = Default::default();
            held.rows.pick(&start, usize::MAX, chosen, &mut bin.places);
            held.remove_picked(&mut bin, What::Deleted, self.limit.as_ref());
            drop(held);
            removed += bin.taken.len();
        }
        Ok(removed)
    }
}
