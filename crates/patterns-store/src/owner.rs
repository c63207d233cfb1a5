//! The owner: the table lives as long as this value, wherever it is moved.

use std::fmt;
use std::ops::Deref;

use otp_core::Recipient;
use otp_core::contained::contain;

use crate::access::Rights;
use crate::shared::Shared;
use crate::sync::{Arc, Mutex};
use crate::{BadOption, Set, Table, TableConfig, TableError, TableType};

/// The owner of a table. There is one, and **the table dies when it is dropped**.
///
/// A server keeps it in its state: then the table dies with its process, however that ends, at the moment at which the
/// state is dropped. To give the table away is to move the owner: in a message, out of a function, into another
/// server. An [heir](Self::set_heir) gets it when it is dropped.
///
/// It dereferences to [`Table`], with all rights in every [`Access`](crate::Access); a *clone* of that has those of others, as
/// [`table`](Self::table) has.
///
/// # Examples
///
/// ```
/// use patterns_store::{TableConfig, TableError, TableOwner};
///
/// let owner: TableOwner<&str, u32> = TableOwner::new(TableConfig::default())?;
/// let table = owner.table();
///
/// owner.put("a", 1)?;                                    // protected, the default: the owner writes,
/// assert_eq!(table.get("a")?, Some(1));                  // everybody reads
/// assert!(matches!(table.delete("a"), Err(TableError::NotAllowed { .. })));
///
/// drop(owner);
/// assert_eq!(table.get("a"), Err(TableError::Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the table dies when its owner is dropped"]
pub struct TableOwner<K, V, T: TableType<K, V> = Set> {
    table: Table<K, V, T>,
    heir: Mutex<Option<Heir<K, V, T>>>,
}

type Heir<K, V, T> = Box<dyn FnOnce(TableOwner<K, V, T>) + Send>;

impl<K, V, T: TableType<K, V>> TableOwner<K, V, T> {
    /// Makes an empty table. It needs no process and no runtime.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    pub fn new(config: TableConfig) -> Result<Self, BadOption> {
        config.check()?;
        let rights = Rights::of_owner(config.access);
        let shared = Arc::new(Shared::new(config));
        Ok(Self::of(Table { shared, rights }))
    }

    /// A handle of a table that has died before anybody saw it.
    pub(crate) fn dead_table(config: TableConfig) -> Table<K, V, T> {
        let rights = Rights::of_owner(config.access).of_others();
        let shared = Arc::new(Shared::new(config));
        shared.close();
        Table { shared, rights }
    }

    fn of(table: Table<K, V, T>) -> Self {
        Self {
            table,
            heir: Mutex::new(None),
        }
    }

    /// Returns a handle for others: it may do what the table's access allows.
    #[must_use]
    pub fn table(&self) -> Table<K, V, T> {
        self.table.clone()
    }

    /// Names who gets the table when this owner is dropped, also because its process crashed or was killed: `heir` is
    /// called with a new owner, and all rows, handles, indexes and listeners stay as they are.
    ///
    /// It takes the place of an heir set before. The new owner has no heir until it is given one. If `heir` drops what
    /// it gets, or panics, the table dies. It runs where the owner is dropped, so it should not take long.
    pub fn set_heir(&self, heir: impl FnOnce(Self) + Send + 'static) {
        let before = self.heir.lock().replace(Box::new(heir));
        drop(before);
    }

    /// Names a server as the heir: it gets the table as a message. If it does not take the message, because it has
    /// ended or its mailbox is full, the table dies.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_store::{TableConfig, TableOwner};
    ///
    /// struct Inherited(TableOwner<&'static str, u32>);
    ///
    /// let (heir, mut inbox) = otp_core::inbox::<Inherited>();
    /// let owner = TableOwner::new(TableConfig::default())?;
    /// owner.put("a", 1)?;
    /// owner.set_heir_recipient(heir.recipient(), Inherited);
    /// drop(owner);
    ///
    /// let Some(Inherited(owner)) = inbox.recv().await else { panic!("nothing came") };
    /// assert_eq!(owner.get("a")?, Some(1));
    /// # Ok(()) }
    /// ```
    pub fn set_heir_recipient<E: Send + 'static>(
        &self,
        heir: Recipient<E>,
        message: impl FnOnce(Self) -> E + Send + 'static,
    ) {
        // What is not taken comes back in the error, and the table dies with it.
        self.set_heir(move |owner| drop(heir.cast(message(owner))));
    }

    /// Takes the heir back: the table dies with this owner. Says whether there was one.
    pub fn clear_heir(&self) -> bool {
        let heir = self.heir.lock().take();
        heir.is_some()
    }

    /// Sweeps out the rows whose time is over, and says how many there were. The lock is held for 256 rows at a time.
    ///
    /// Nobody ever sees such a row, so this only gives memory back. A [`Store`](crate::Store) does it by itself.
    ///
    /// # Errors
    ///
    /// [`TableError::Reentrant`].
    pub fn sweep(&self) -> Result<usize, TableError> {
        self.table.shared.sweep_all()
    }
}

impl<K, V, T: TableType<K, V>> Deref for TableOwner<K, V, T> {
    type Target = Table<K, V, T>;

    fn deref(&self) -> &Table<K, V, T> {
        &self.table
    }
}

impl<K, V, T: TableType<K, V>> Drop for TableOwner<K, V, T> {
    fn drop(&mut self) {
        let heir = self.heir.lock().take();
        let name = &*self.table.shared.name;
        match heir {
            Some(heir) => {
                tracing::debug!(table = name, "the table goes to its heir");
                let next = Self::of(self.table.with_rights());
                // If it panics, `next` is dropped on the way, and the table dies.
                contain(|| heir(next));
            }
            None => {
                self.table.shared.close();
                tracing::debug!(table = name, "the table has died with its owner");
            }
        }
    }
}

impl<K, V, T: TableType<K, V>> fmt::Debug for TableOwner<K, V, T> {
    /// Shows no rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableOwner").field(&self.table).finish()
    }
}
