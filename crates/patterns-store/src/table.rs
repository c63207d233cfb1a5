//! The direct handle: what everybody does with a table, and what all types have in common.

mod bags;
mod counters;
mod ordered;
mod queries;
mod sets;

use std::fmt;
use std::time::Duration;

use crate::access::Rights;
use crate::moment::Moment;
use crate::rows::Cell;
use crate::shared::{Shared, When};
use crate::sync::Arc;
use crate::{Lookup, PutError, Set, TableError, TableInfo, TableStats, TableType};

pub use ordered::Prefix;

/// A table, read and written directly: no message, no process, no runtime.
///
/// A handle is cheap to clone, and all clones are one table. It belongs to a [`TableOwner`](crate::TableOwner)
/// and dies with it: then every operation gives [`TableError::Closed`]. What a handle may do is the table's
/// [`Access`](crate::Access). The owner has all of these methods too, and may use them in every mode.
///
/// # Code of yours under a lock
///
/// Closures that look at a row where it is (`with`, `alter`, `select`, ...), the `Clone` of values and keys, and
/// `Eq` or `Ord` run while a lock is held, and keep others waiting. They cannot use any table: that is
/// [`TableError::Reentrant`], not a deadlock. A panic in them reaches the caller and leaves the table whole. `Hash`
/// and `Drop` run outside the locks, and may do as they like.
///
/// # Errors
///
/// Every method can give [`TableError::Closed`], [`TableError::Reentrant`], and, where it reads or writes rows,
/// [`TableError::NotAllowed`]. Further ones are named where they occur.
///
/// # Examples
///
/// ```
/// use patterns_store::{Access, TableConfig, TableOwner};
///
/// let config = TableConfig { access: Access::Public, ..TableConfig::default() };
/// let owner: TableOwner<String, u64> = TableOwner::new(config)?;
/// let table = owner.table();
///
/// table.put("visits".to_owned(), 41)?;
/// assert_eq!(table.update_counter("visits", 1)?, 42);
/// assert_eq!(table.get("visits")?, Some(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Table<K, V, T: TableType<K, V> = Set> {
    pub(crate) shared: Arc<Shared<K, V, T>>,
    pub(crate) rights: Rights,
}

impl<K, V, T: TableType<K, V>> Table<K, V, T> {
    /// Puts a row that never expires.
    ///
    /// In the sets it takes the place of its key's row, and returns the value that this one had if it was live. In a
    /// bag it is added unless there is an equal one, and `true` says that it was; in a duplicate bag it is added. The
    /// equal one in a bag never expires from then on.
    ///
    /// # Errors
    ///
    /// [`PutError`], with the row in it; [`TableError::Full`] if there is no room for a new row.
    pub fn put(&self, key: K, value: V) -> Result<T::Put, PutError<K, V>> {
        self.put_row(key, value, None)
    }

    /// Puts a row that expires in `ttl`, which otherwise does as [`put`](Self::put).
    ///
    /// Zero is over at once, [`Duration::MAX`] is for ever. From its deadline on nobody sees the row, to the
    /// nanosecond of tokio's clock, whether it was swept out or not.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn put_with_ttl(&self, key: K, value: V, ttl: Duration) -> Result<T::Put, PutError<K, V>> {
        self.put_row(key, value, Some(ttl))
    }

    fn put_row(&self, key: K, value: V, ttl: Option<Duration>) -> Result<T::Put, PutError<K, V>> {
        if let Err(error) = self.rights.write() {
            return Err(PutError::new(error, key, value));
        }
        let put = self.shared.put(key, value, ttl, When::Always)?;
        Ok(put.expect("it is put whatever is there"))
    }

    /// Reads what a key has: a clone of its value in the sets, of all its values in the bags, in the order in which
    /// they were put; always a list there, of one value too. Counts as a hit or a miss.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn get<Q>(&self, key: &Q) -> Result<T::Found, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
        V: Clone,
    {
        self.rights.read()?;
        self.shared.get(key, None)
    }

    /// Says whether a key has a row. Counts as a hit or a miss.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn member<Q>(&self, key: &Q) -> Result<bool, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
    {
        self.rights.read()?;
        let hash = T::hash(&self.shared.hasher, key);
        let part = self.shared.part(hash);
        let now = Moment::of(&self.shared.clock);
        let held = self.shared.read(part)?;
        let found = T::find(&held.rows, hash, key);
        let live = |(_, cell): (_, &T::Cell)| {
            let mut rows = cell.rows().iter();
            rows.any(|row| !now.is_over(row.deadline))
        };
        let hit = found.is_some_and(live);
        drop(held);
        part.counts.count(hit);
        Ok(hit)
    }

    /// Removes all that a key has. Says whether there was a row.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn delete<Q>(&self, key: &Q) -> Result<bool, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
    {
        self.take(key).map(|found| T::is_found(&found))
    }

    /// Removes all that a key has, and returns it. Of two that take the same key one gets it.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn take<Q>(&self, key: &Q) -> Result<T::Found, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
    {
        self.rights.write()?;
        self.shared.take(key)
    }

    /// Removes all rows.
    ///
    /// Each shard is emptied at once, one after the other: what another thread puts meanwhile may stay. A panic in the
    /// drop of a row is reported by the panic hook, and goes no further.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    pub fn clear(&self) -> Result<(), TableError> {
        self.rights.write()?;
        self.shared.clear()
    }

    /// Counts the live rows: a glance at each shard, unless some row's time is over that was not swept out yet. Then
    /// that shard's deadlines are counted through. In every access mode.
    ///
    /// # Errors
    ///
    /// [`TableError::Closed`] and [`TableError::Reentrant`].
    pub fn size(&self) -> Result<usize, TableError> {
        self.shared.size()
    }

    /// Returns what was counted, and the number of live rows. In every access mode.
    ///
    /// # Errors
    ///
    /// [`TableError::Closed`] and [`TableError::Reentrant`].
    pub fn stats(&self) -> Result<TableStats, TableError> {
        self.shared.stats()
    }

    /// Tells what the table is. In every access mode.
    ///
    /// # Errors
    ///
    /// [`TableError::Closed`] and [`TableError::Reentrant`].
    pub fn info(&self) -> Result<TableInfo, TableError> {
        let shared = &self.shared;
        Ok(TableInfo {
            name: Arc::clone(&shared.name),
            table_type: T::NAME,
            access: shared.access,
            size: shared.size()?,
            max_rows: shared.limit.as_ref().map(|limit| limit.most),
            shards: shared.parts.len(),
            watchers: shared.watchers.lock().len(),
        })
    }

    /// Says whether the table has died.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.check_alive().is_err()
    }

    /// A handle with the same rights, the owner's too: for what the owner hands out on purpose.
    pub(crate) fn with_rights(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            rights: self.rights,
        }
    }
}

impl<K, V, T: TableType<K, V>> Clone for Table<K, V, T> {
    /// Makes a handle for others than the owner, also of the owner's.
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            rights: self.rights.of_others(),
        }
    }
}

impl<K, V, T: TableType<K, V>> fmt::Debug for Table<K, V, T> {
    /// Shows no rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}
