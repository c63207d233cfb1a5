//! What the types with one row for each key have more: work on the row where it is.

use std::borrow::Borrow;

use super::Table;
use crate::moment::Moment;
use crate::shared::When;
use crate::{Lookup, PutError, TableError, UniqueKeys};

impl<K, V, T: UniqueKeys<K, V>> Table<K, V, T> {
    /// Looks at a key's value where it is, without cloning it. Counts as a hit or a miss.
    ///
    /// `look` runs under the lock of the row's shard, shared with other readers: keep it short. It can use no table.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_store::{TableConfig, TableError, TableOwner};
    /// let owner: TableOwner<&str, Vec<u8>> = TableOwner::new(TableConfig::default())?;
    /// owner.put("page", vec![7; 1 << 20])?;
    /// assert_eq!(owner.with("page", |page| page.len())?, Some(1 << 20));
    /// assert_eq!(owner.with("page", |_| owner.size())?, Some(Err(TableError::Reentrant)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with<Q, R>(&self, key: &Q, look: impl FnOnce(&V) -> R) -> Result<Option<R>, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
    {
        self.rights.read()?;
        let hash = T::hash(&self.shared.hasher, key);
        let part = self.shared.part(hash);
        let now = Moment::of(&self.shared.clock);
        let held = self.shared.read(part)?;
        let row = T::find(&held.rows, hash, key).filter(|(_, row)| !now.is_over(row.deadline));
        let seen = row.map(|(_, row)| look(&row.value));
        drop(held);
        part.counts.count(seen.is_some());
        Ok(seen)
    }

    /// Puts a row that never expires if its key has none. Says whether it did; if not, the row is dropped.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn insert_new(&self, key: K, value: V) -> Result<bool, PutError<K, V>> {
        if let Err(error) = self.rights.write() {
            return Err(PutError::new(error, key, value));
        }
        let put = self.shared.put(key, value, None, When::Absent)?;
        Ok(put.is_some())
    }

    /// Changes a key's value by moving it through `change`, under the lock: nobody sees or changes the row meanwhile.
    /// `None` is no row, before and after. Says whether there is a row now.
    ///
    /// A row that was there keeps its time to live. `change` can use no table. If it panics, the row is gone, for its
    /// value was moved into it; a key without a row stays without one.
    ///
    /// # Errors
    ///
    /// [`TableError::Full`] if there is no row, and no room for one; `change` is not called then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_store::{TableConfig, TableOwner};
    /// let owner: TableOwner<String, Vec<u32>> = TableOwner::new(TableConfig::default())?;
    /// let push = |list: Option<Vec<u32>>| {
    ///     let mut list = list.unwrap_or_default();
    ///     list.push(7);
    ///     Some(list)
    /// };
    /// owner.alter("list", push)?;
    /// owner.alter("list", push)?;
    /// assert_eq!(owner.get("list")?, Some(vec![7, 7]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn alter<Q>(
        &self,
        key: &Q,
        change: impl FnOnce(Option<V>) -> Option<V>,
    ) -> Result<bool, TableError>
    where
        T: Lookup<K, V, Q>,
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        self.rights.write()?;
        self.shared.alter(key, change)
    }

    /// Replaces a key's value by `new` if it equals `expected`. Says whether it did; if not, `new` is dropped.
    ///
    /// The row keeps its time to live. For the step from no row to a row there is [`insert_new`](Self::insert_new).
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn compare_and_swap<Q>(&self, key: &Q, expected: &V, new: V) -> Result<bool, TableError>
    where
        T: Lookup<K, V, Q>,
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
        V: PartialEq,
    {
        self.rights.write()?;
        let mut new = Some(new);
        self.shared.revise(key, false, |value| {
            let equal = value == Some(expected);
            // One that is not needed stays where it is, and is dropped outside of the lock.
            let new = if equal { new.take() } else { None };
            Ok((new, equal))
        })
    }
}
