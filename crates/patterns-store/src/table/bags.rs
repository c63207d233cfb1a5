//! What the bags have more: work on one row of several.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use super::Table;
use crate::moment::Moment;
use crate::shard::Bin;
use crate::watch::What;
use crate::{ManyRows, TableError};

impl<K, V, T> Table<K, V, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    T: ManyRows<K, V>,
{
    /// Removes the rows of a key that have this value, and says how many there were: ETS's `delete_object`.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors).
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_store::{Bag, TableConfig, TableOwner};
    /// let owner: TableOwner<&str, &str, Bag> = TableOwner::new(TableConfig::default())?;
    /// owner.put("fruit", "apple")?;
    /// owner.put("fruit", "pear")?;
    /// assert_eq!(owner.delete_row("fruit", &"apple")?, 1);
    /// assert_eq!(owner.get("fruit")?, ["pear"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete_row<Q>(&self, key: &Q, value: &V) -> Result<usize, TableError>
    where
        K: Borrow<Q>,
        V: PartialEq,
        Q: Hash + Eq + ?Sized,
    {
        self.rights.write()?;
        let shared = &self.shared;
        let hash = shared.hasher.hash_one(key);
        let now = Moment::of(&shared.clock);
        let mut bin = Bin::<K, V, T::Rows>::default();
        let mut held = shared.write(shared.part(hash))?;
        bin.places = held.rows.places(hash, key, |row| {
            !now.is_over(row.deadline) && row.value == *value
        });
        held.remove_picked(&mut bin, What::Deleted, shared.limit.as_ref());
        drop(held);
        Ok(bin.taken.len())
    }
}
