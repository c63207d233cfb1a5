//! The secondary index: rows found by what is computed from them.

mod entries;

use std::borrow::Borrow;
use std::fmt;
use std::ops::{Bound, RangeBounds};

use crate::rows::{Row, Rows};
use crate::sync::Arc;
use crate::watch::{Event, Watcher, What};
use crate::{Lookup, Set, Table, TableError, UniqueKeys};

use entries::Entries;

/// An index over a table, made by [`Table::index`]: finds the rows for which a closure gives a certain value.
///
/// It is kept in step with every write, and goes with its last clone. What it finds is read from the table at that moment: no row
/// is returned that does not match, and none is missed that matches from begin to end. Rows that match come in the order of the
/// index value, then of the key.
///
/// It reads with the rights of the handle that made it, so the owner of a private table can hand a view of it out.
///
/// # Examples
///
/// ```
/// use patterns_store::{TableConfig, TableOwner};
///
/// let owner: TableOwner<&str, u32> = TableOwner::new(TableConfig::default())?;
/// owner.put("Ada", 36)?;
/// let by_decade = owner.index(|_, age| age / 10)?;
/// owner.put("Grace", 85)?;
/// owner.put("Alan", 41)?;
///
/// assert_eq!(by_decade.get(&3)?, [("Ada", 36)]);
/// assert_eq!(by_decade.range(4..)?, [("Alan", 41), ("Grace", 85)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Index<I, K, V, T: UniqueKeys<K, V> = Set> {
    inner: Arc<Inner<I, K, V, T>>,
}

struct Inner<I, K, V, T: UniqueKeys<K, V>> {
    table: Table<K, V, T>,
    entries: Arc<Entries<I, K, V>>,
    watcher: Arc<dyn Watcher<K, V>>,
}

impl<K, V, T: UniqueKeys<K, V>> Table<K, V, T> {
    /// Makes an index of what `of` computes from each row, of those that are there and of all that come.
    ///
    /// `of` runs under the lock of a row's shard, once for each row now and at each write, and where the index is read; it can
    /// use no table, and should be quick and give the same answer each time. If it panics at a write, the write is not made. The
    /// rows that are there are gone through shard by shard, under its lock.
    ///
    /// An index takes two clones of each key and of its value, and a write O(log n) more, under one lock for the whole
    /// index.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn index<I>(
        &self,
        of: impl Fn(&K, &V) -> I + Send + Sync + 'static,
    ) -> Result<Index<I, K, V, T>, TableError>
    where
        I: Ord + Clone + Send + Sync + 'static,
        K: Ord + Clone + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        self.rights.read()?;
        let entries = Arc::new(Entries::new(of));
        // Made first: it takes the watcher out again if adding it fails.
        let inner = Inner {
            table: self.with_rights(),
            watcher: Arc::clone(&entries) as Arc<dyn Watcher<K, V>>,
            entries,
        };
        let mut bins = Vec::new();
        self.shared.add_watcher(&inner.watcher, |shard| {
            let mut notes = crate::watch::Notes::default();
            shard.rows.visit(|key, Row { value, .. }| {
                let ready = Arc::clone(&inner.watcher).prepare(&Event(What::Put, key, value));
                ready.commit(&mut notes);
            });
            bins.push(notes);
        })?;
        let inner = Arc::new(inner);
        Ok(Index { inner })
    }
}

impl<I, K, V, T> Index<I, K, V, T>
where
    I: Ord + Clone + Send + Sync + 'static,
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    T: UniqueKeys<K, V> + Lookup<K, V, K>,
{
    /// Returns the rows whose index value is this one, in the order of their keys.
    ///
    /// # Errors
    ///
    /// [`TableError::IndexBroken`], and those of [`Table`](Table#errors).
    pub fn get<Q>(&self, value: &Q) -> Result<Vec<(K, V)>, TableError>
    where
        I: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.range((Bound::Included(value), Bound::Included(value)))
    }

    /// Returns the rows whose index values lie in a range, in the order of those and then of the keys. An empty range, also one
    /// that ends before it begins, gives none.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn range<Q>(&self, range: impl RangeBounds<Q>) -> Result<Vec<(K, V)>, TableError>
    where
        I: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let Inner { table, entries, .. } = &*self.inner;
        table.rights.read()?;
        // A dead table's index is no answer either.
        table.shared.check_alive()?;
        let mut found = Vec::new();
        for key in entries.keys(&range)? {
            let Some(value) = table.shared.peek(&key)? else {
                continue;
            };
            // The row may have changed since its key was looked up.
            if range.contains(entries.value_of(&key, &value).borrow()) {
                found.push((key, value));
            }
        }
        Ok(found)
    }
}

impl<I, K, V, T: UniqueKeys<K, V>> Drop for Inner<I, K, V, T> {
    fn drop(&mut self) {
        self.table.shared.remove_watcher(&self.watcher);
    }
}

impl<I, K, V, T: UniqueKeys<K, V>> Clone for Index<I, K, V, T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<I, K, V, T: UniqueKeys<K, V>> fmt::Debug for Index<I, K, V, T> {
    /// Shows no rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("table", &self.inner.table)
            .finish_non_exhaustive()
    }
}
