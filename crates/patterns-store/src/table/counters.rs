//! `update_counter`: numbers that many change at once.

use std::borrow::Borrow;

use super::Table;
use crate::{Counter, Lookup, Step, TableError, UniqueKeys};

impl<K, V: Counter, T: UniqueKeys<K, V>> Table<K, V, T> {
    /// Adds to a key's number, and returns the new one. No step is lost, whoever else counts.
    ///
    /// `step` is a number, or a [`Step`] with a number to begin with and a bound. A row that was there keeps its
    /// time to live. Where there is none, one is put whose number is the step's beginning, zero unless said, and the
    /// step is made from there.
    ///
    /// # Errors
    ///
    /// [`TableError::Overflow`] if the number would leave the range of its type: the row is as it was.
    /// [`TableError::Full`] if there is no room for a new row.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_store::{Step, TableConfig, TableOwner};
    /// let owner: TableOwner<String, u32> = TableOwner::new(TableConfig::default())?;
    /// assert_eq!(owner.update_counter("visits", 1)?, 1);
    /// assert_eq!(owner.update_counter("visits", 2)?, 3);
    /// assert_eq!(owner.update_counter("free places", Step::by(-1).from(100))?, 99);
    ///
    /// // The number of a ticket, from 1 to 3 and from the front again.
    /// let next = Step::by(1).bound(3, 1);
    /// let tickets: Result<Vec<u32>, _> = (0..5).map(|_| owner.update_counter("ticket", next)).collect();
    /// assert_eq!(tickets?, [1, 2, 3, 1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update_counter<Q>(&self, key: &Q, step: impl Into<Step<V>>) -> Result<V, TableError>
    where
        T: Lookup<K, V, Q>,
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        self.rights.write()?;
        let step = step.into();
        self.shared.revise(key, true, |value| {
            let next = step.after(value.copied()).ok_or(TableError::Overflow)?;
            Ok((Some(next), next))
        })
    }
}
