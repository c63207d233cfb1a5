//! What ordered sets have more: ranges and neighbours.

use std::borrow::Borrow;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::ops::RangeBounds;

use super::Table;
use crate::bounds::proper;
use crate::moment::Moment;
use crate::rows::Row;
use crate::{OrderedSet, TableError};

/// What a key can begin with: `str` and slices.
pub trait Prefix: Ord + sealed::Sealed {
    #[doc(hidden)]
    fn begins_with(&self, prefix: &Self) -> bool;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for str {}
    impl<T> Sealed for [T] {}
}

impl Prefix for str {
    fn begins_with(&self, prefix: &Self) -> bool {
        self.starts_with(prefix)
    }
}

impl<T: Ord> Prefix for [T] {
    fn begins_with(&self, prefix: &Self) -> bool {
        self.starts_with(prefix)
    }
}

/// How these methods work, and what they cost: one search of O(log n), then O(1) for each row that they pass, all under
/// the read lock of the whole table. So what they return is of one moment.
impl<K, V> Table<K, V, OrderedSet>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns the rows whose keys lie in a range, in order. An empty range, also one that ends before it begins,
    /// gives none.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_store::{OrderedSet, TableConfig, TableOwner};
    /// let owner: TableOwner<u32, char, OrderedSet> = TableOwner::new(TableConfig::default())?;
    /// for (key, value) in [(1, 'a'), (5, 'b'), (9, 'c')] {
    ///     owner.put(key, value)?;
    /// }
    /// assert_eq!(owner.range(2..)?, [(5, 'b'), (9, 'c')]);
    /// assert_eq!(owner.range(..=5)?, [(1, 'a'), (5, 'b')]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn range<Q>(&self, range: impl RangeBounds<Q>) -> Result<Vec<(K, V)>, TableError>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.page(range, usize::MAX)
    }

    /// Returns the first rows whose keys lie in a range, `most` at most: to go through a large table page by page,
    /// each from behind the last key of the one before, without holding the lock for long.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn page<Q>(
        &self,
        range: impl RangeBounds<Q>,
        most: usize,
    ) -> Result<Vec<(K, V)>, TableError>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.ascending(&range, most, |_| true)
    }

    /// Returns the rows whose keys begin with `prefix`, in order.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_store::{OrderedSet, TableConfig, TableOwner};
    /// let owner: TableOwner<String, u32, OrderedSet> = TableOwner::new(TableConfig::default())?;
    /// for (value, key) in (0..).zip(["tea", "team", "ten"]) {
    ///     owner.put(key.to_owned(), value)?;
    /// }
    /// assert_eq!(owner.prefix("tea")?, [("tea".to_owned(), 0), ("team".to_owned(), 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prefix<Q>(&self, prefix: &Q) -> Result<Vec<(K, V)>, TableError>
    where
        K: Borrow<Q>,
        Q: Prefix + ?Sized,
    {
        self.ascending(&(Included(prefix), Unbounded), usize::MAX, |key| {
            key.borrow().begins_with(prefix)
        })
    }

    /// Returns the first row.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn first(&self) -> Result<Option<(K, V)>, TableError> {
        Ok(self.ascending::<K>(&(..), 1, |_| true)?.pop())
    }

    /// Returns the last row.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn last(&self) -> Result<Option<(K, V)>, TableError> {
        self.descending::<K>(&(..))
    }

    /// Returns the row behind a key, whether the key itself is there or not.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn next<Q>(&self, key: &Q) -> Result<Option<(K, V)>, TableError>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let bounds = (Excluded(key), Unbounded);
        Ok(self.ascending(&bounds, 1, |_| true)?.pop())
    }

    /// Returns the row before a key, whether the key itself is there or not.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn prev<Q>(&self, key: &Q) -> Result<Option<(K, V)>, TableError>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.descending(&(Unbounded, Excluded(key)))
    }

    /// Clones of the first live rows of a range, `most` at most, up to the first that is not `within`.
    fn ascending<Q>(
        &self,
        range: &impl RangeBounds<Q>,
        most: usize,
        within: impl Fn(&K) -> bool,
    ) -> Result<Vec<(K, V)>, TableError>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.rights.read()?;
        let now = Moment::of(&self.shared.clock);
        let mut found = Vec::new();
        let held = self.shared.read(self.shared.part(0))?;
        let Some(bounds) = proper(range) else {
            return Ok(found);
        };
        let rows = held.rows.map.range::<Q, _>(bounds);
        let live = rows
            .take_while(|(key, _)| within(key))
            .filter(|(_, row)| !now.is_over(row.deadline));
        found.extend(live.take(most).map(cloned));
        drop(held);
        Ok(found)
    }

    /// A clone of the last live row of a range.
    fn descending<Q>(&self, range: &impl RangeBounds<Q>) -> Result<Option<(K, V)>, TableError>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.rights.read()?;
        let now = Moment::of(&self.shared.clock);
        let held = self.shared.read(self.shared.part(0))?;
        let bounds = (range.start_bound(), range.end_bound());
        let mut rows = held.rows.map.range::<Q, _>(bounds).rev();
        let last = rows.find(|(_, row)| !now.is_over(row.deadline));
        Ok(last.map(cloned))
    }
}

fn cloned<K: Clone, V: Clone>((key, row): (&K, &Row<V>)) -> (K, V) {
    (key.clone(), row.value.clone())
}
