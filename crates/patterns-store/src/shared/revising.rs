//! How the one row of a key is changed where it is.

use std::borrow::Borrow;
use std::mem;

use otp_core::clock::NEVER;
use otp_core::contained::catch;

use super::Shared;
use crate::limit::Places;
use crate::moment::Moment;
use crate::rows::{Fit, Left, Row, Rows};
use crate::shard::Shard;
use crate::watch::{Event, Telling, What};
use crate::{Lookup, TableError, UniqueKeys};

impl<K, V, T: UniqueKeys<K, V>> Shared<K, V, T> {
    /// Replaces a key's value by what `revise` makes of it, or leaves it. A row that was there keeps its time to live.
    /// Where `adds` says so a missing row may be put; otherwise `revise` must not.
    #[inline]
    pub(crate) fn revise<Q, R>(
        &self,
        key: &Q,
        adds: bool,
        mut revise: impl FnMut(Option<&V>) -> Result<(Option<V>, R), TableError>,
    ) -> Result<R, TableError>
    where
        T: Lookup<K, V, Q>,
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        let hash = T::hash(&self.hasher, key);
        let part = self.part(hash);
        let mut places = None;
        loop {
            let mut telling = Telling::default();
            // Whatever happens, these are dropped outside of the lock.
            let mut value: Option<V>;
            let mut fresh: Option<(K, V)>;
            let mut held = self.write(part)?;
            let now = Moment::of(&self.clock);
            let shard = &mut *held;
            if let Some((key, row)) = T::find_mut(&mut shard.rows, hash, key) {
                let live = !now.is_over(row.deadline);
                let answer;
                (value, answer) = revise(live.then_some(&row.value))?;
                if let Some(value) = &mut value {
                    let put = Event(What::Put, key, &*value);
                    telling.prepare(&shard.watchers, &put);
                    mem::swap(&mut row.value, value);
                    if !live {
                        row.deadline = NEVER;
                    }
                    telling.commit();
                }
                drop(held);
                return Ok(answer);
            }
            if adds && places.is_none() {
                places = self.take_places(1);
                if places.is_none() {
                    drop(held);
                    self.make_room()?;
                    continue;
                }
            }
            let answer;
            (value, answer) = revise(None)?;
            fresh = value.map(|value| (key.to_owned(), value));
            let left = add(shard, &mut telling, hash, &mut fresh, NEVER, &mut places);
            drop(held);
            drop(left);
            return Ok(answer);
        }
    }

    /// Moves a key's value through `change`. Says whether there is a row now.
    pub(crate) fn alter<Q>(
        &self,
        key: &Q,
        change: impl FnOnce(Option<V>) -> Option<V>,
    ) -> Result<bool, TableError>
    where
        T: Lookup<K, V, Q>,
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        let hash = T::hash(&self.hasher, key);
        let part = self.part(hash);
        let mut change = Some(change);
        let mut places = None;
        loop {
            let mut telling = Telling::default();
            // The removal, should it come to that.
            let mut removal = Telling::default();
            // Whatever happens, these are dropped outside of the lock.
            let mut fresh: Option<(K, V)> = None;
            let mut old: Left<K, V> = (None, None);
            let mut held = self.write(part)?;
            let now = Moment::of(&self.clock);
            let shard = &mut *held;
            let found = T::find(&shard.rows, hash, key);
            let live = found.map(|(_, row)| !now.is_over(row.deadline));
            if live.is_none() && places.is_none() {
                places = self.take_places(1);
                if places.is_none() {
                    drop(held);
                    self.make_room()?;
                    continue;
                }
            }
            if let Some((key, Row { value, .. })) = found {
                let event = match live {
                    Some(true) => Event(What::Deleted, key, value),
                    _ => Event(What::Expired, key, value),
                };
                removal.prepare(&shard.watchers, &event);
            }
            let before = shard.rows.len();
            let taken = T::take(&mut shard.rows, hash, key);
            let mut old_key = None;
            let mut deadline = NEVER;
            let mut current = None;
            match taken {
                Some((key, row)) if live == Some(true) => {
                    (old_key, deadline, current) = (Some(key), row.deadline, Some(row.value));
                }
                Some((key, row)) => old = (Some(key), Some(row)),
                None => {}
            }
            let mut there = false;
            let changed = catch(|| {
                if let Some(value) = change.take().and_then(|change| change(current)) {
                    let key = old_key.take().unwrap_or_else(|| key.to_owned());
                    fresh = Some((key, value));
                    let replaced =
                        add(shard, &mut telling, hash, &mut fresh, deadline, &mut places);
                    if old.0.is_none() {
                        old = replaced;
                    }
                    there = true;
                }
            });
            if !there {
                removal.commit();
            }
            if let Some(limit) = &self.limit {
                limit.settle(before, shard.rows.len());
            }
            drop(held);
            if let Err(panic) = changed {
                panic.resume();
            }
            return Ok(there);
        }
    }
}

/// Puts a row whose key is not there. Returns what was there all the same, if `Ord` changed its mind.
fn add<K, V, R: Rows<K, V>>(
    shard: &mut Shard<K, V, R>,
    telling: &mut Telling,
    hash: u64,
    fresh: &mut Option<(K, V)>,
    deadline: u64,
    places: &mut Option<Places<'_>>,
) -> Left<K, V> {
    if let Some((key, value)) = fresh.as_ref() {
        telling.prepare(&shard.watchers, &Event(What::Put, key, value));
    }
    let Some((key, value)) = fresh.take() else {
        return (None, None);
    };
    let before = shard.rows.len();
    let row = Row { value, deadline };
    let left = shard.rows.put(Fit::New, hash, key, row);
    if let Some(places) = places {
        places.use_up(shard.rows.len() - before);
    }
    shard.note_deadline(deadline);
    telling.commit();
    left
}
