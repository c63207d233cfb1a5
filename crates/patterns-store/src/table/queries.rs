//! Looking at all rows.

use super::Table;
use crate::{Changes, TableError, TableType};

/// How these methods see the rows: of one moment each shard is, and not the table, unless it has one lock only, as an
/// ordered set has, or any with `write_concurrency` off. A row that is there from begin to end is seen once; one that
/// comes, goes or changes meanwhile is seen as it was before or after.
impl<K, V, T: TableType<K, V>> Table<K, V, T> {
    /// Returns all live rows: in order in an ordered set, otherwise in none.
    ///
    /// No lock is held while you look at them.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn snapshot(&self) -> Result<Vec<(K, V)>, TableError>
    where
        K: Clone,
        V: Clone,
    {
        self.select(|key, value| Some((key.clone(), value.clone())))
    }

    /// Returns what `pick` makes of each live row, where it makes something of it.
    ///
    /// `pick` runs under the lock of the row's shard, shared with other readers. It can use no table.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_store::{TableConfig, TableOwner};
    /// let owner: TableOwner<&str, u32> = TableOwner::new(TableConfig::default())?;
    /// owner.put("Ada", 36)?;
    /// owner.put("Grace", 85)?;
    /// let old = owner.select(|name, age| (*age > 80).then_some(*name))?;
    /// assert_eq!(old, ["Grace"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn select<R>(
        &self,
        mut pick: impl FnMut(&K, &V) -> Option<R>,
    ) -> Result<Vec<R>, TableError> {
        self.fold(Vec::new(), |mut picked, key, value| {
            picked.extend(pick(key, value));
            picked
        })
    }

    /// Folds all live rows into one value.
    ///
    /// `fold` runs under the lock of the row's shard, shared with other readers. It can use no table.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn fold<A>(&self, start: A, fold: impl FnMut(A, &K, &V) -> A) -> Result<A, TableError> {
        self.rights.read()?;
        self.shared.fold(start, fold)
    }

    /// Removes the live rows for which `chosen` says true, and says how many.
    ///
    /// `chosen` runs under the lock of the row's shard, and can use no table. If it panics, nothing is removed from the
    /// shard in hand, and what was removed from others stays removed.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn select_delete(&self, chosen: impl FnMut(&K, &V) -> bool) -> Result<usize, TableError> {
        self.rights.write()?;
        self.shared.remove_where(chosen)
    }

    /// Begins to listen to changes: everything that is put or removed from now on, `capacity` changes at most waiting
    /// to be received.
    ///
    /// What comes when there is no room is not kept: the listener is told how many changes it missed, and where. With a
    /// capacity of 0 it is told that and nothing else. Writers never wait for a listener.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn changes(&self, capacity: usize) -> Result<Changes<K, V, T>, TableError>
    where
        K: Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        self.rights.read()?;
        Changes::new(self, capacity)
    }
}
