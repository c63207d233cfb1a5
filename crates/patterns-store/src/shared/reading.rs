//! How one key is read.

use super::{Counts, Shared};
use crate::moment::Moment;
use crate::rows::{Cell, Row, Rows};
use crate::{Lookup, TableError, TableType, UniqueKeys};

impl<K, V, T: TableType<K, V>> Shared<K, V, T> {
    /// Clones what a key has. Counts it in the table's own counts, or elsewhere.
    #[inline]
    pub(crate) fn get<Q>(&self, key: &Q, elsewhere: Option<&Counts>) -> Result<T::Found, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
        V: Clone,
    {
        let hash = T::hash(&self.hasher, key);
        let part = self.part(hash);
        let now = Moment::of(&self.clock);
        let held = self.read(part)?;
        let rows = T::find(&held.rows, hash, key).map_or(&[][..], |(_, cell)| cell.rows());
        let live = rows.iter().filter(|row| !now.is_over(row.deadline));
        let found = T::found(live.map(|row| row.value.clone()));
        drop(held);
        let counts = elsewhere.unwrap_or(&part.counts);
        counts.count(T::is_found(&found));
        Ok(found)
    }

    /// Folds all live rows into one value.
    pub(crate) fn fold<A>(
        &self,
        start: A,
        mut fold: impl FnMut(A, &K, &V) -> A,
    ) -> Result<A, TableError> {
        let now = Moment::of(&self.clock);
        let mut folded = Some(start);
        for part in &self.parts {
            let held = self.read(part)?;
            held.rows.visit(|key, row| {
                if !now.is_over(row.deadline) {
                    folded = folded.take().map(|sum| fold(sum, key, &row.value));
                }
            });
        }
        Ok(folded.expect("put back after each step"))
    }

    /// The key of some live row.
    pub(crate) fn any_key(&self) -> Result<Option<K>, TableError>
    where
        K: Clone,
    {
        let now = Moment::of(&self.clock);
        for part in &self.parts {
            let mut places = Vec::new();
            let mut cursors = vec![Default::default()];
            let held = self.read(part)?;
            while let Some(cursor) = cursors.last() {
                let live = |_: &K, row: &Row<V>| !now.is_over(row.deadline);
                let next = held.rows.pick(cursor, 1, live, &mut places);
                if let Some((key, _)) = places.first().and_then(|place| held.rows.at(place)) {
                    return Ok(Some(key.clone()));
                }
                let Some(next) = next else {
                    break;
                };
                cursors.push(next);
            }
            drop(held);
        }
        Ok(None)
    }
}

impl<K, V, T: UniqueKeys<K, V>> Shared<K, V, T> {
    /// Clones a key's value, and counts nothing.
    pub(crate) fn peek<Q>(&self, key: &Q) -> Result<Option<V>, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
        V: Clone,
    {
        let hash = T::hash(&self.hasher, key);
        let now = Moment::of(&self.clock);
        let held = self.read(self.part(hash))?;
        let row = T::find(&held.rows, hash, key).map(|(_, row)| row);
        Ok(row
            .filter(|row| !now.is_over(row.deadline))
            .map(|row| row.value.clone()))
    }
}
