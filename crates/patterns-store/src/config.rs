//! What a table and a store can be told when they are made.

use std::sync::Arc;
use std::time::Duration;

use crate::{Access, BadOption};

/// The options of a table: of a [`TableOwner`](crate::TableOwner), and within [`StoreConfig`] of a store.
///
/// The table's *type* is no option but a type parameter, so that what a type cannot do does not compile.
///
/// # Examples
///
/// ```
/// use patterns_store::{Access, TableConfig};
///
/// let config = TableConfig {
///     access: Access::Public,
///     max_rows: Some(10_000),
///     ..TableConfig::default()
/// };
/// assert!(config.write_concurrency);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableConfig {
    /// What the table is called in log events and in [`TableInfo`](crate::TableInfo). Default: `table`.
    pub name: Arc<str>,

    /// What others than the owner may do. Default: [`Access::Protected`], as in ETS.
    pub access: Access,

    /// Whether writers of different keys go on side by side. Default: true.
    ///
    /// With it the rows are dealt out to shards with a lock each, eight for each core. Without it there is
    /// one lock: a little less memory, and what looks at all rows (`snapshot`, `select`, `size`) sees them
    /// as of one moment. An ordered set has one lock in any case.
    pub write_concurrency: bool,

    /// How many rows there are at most, 1 or more. Default: `None`, **no bound**: the table grows with
    /// what is put.
    ///
    /// A new row beyond it is refused with [`TableError::Full`](crate::TableError::Full) and comes back.
    /// Nothing is evicted; rows whose time is over do not count.
    pub max_rows: Option<usize>,
}

impl Default for TableConfig {
    fn default() -> Self {
        Self {
            name: "table".into(),
            access: Access::default(),
            write_concurrency: true,
            max_rows: None,
        }
    }
}

impl TableConfig {
    pub(crate) fn check(&self) -> Result<(), BadOption> {
        if self.max_rows == Some(0) {
            return Err(BadOption {
                option: "max_rows",
                allowed: "1 or more, or `None` for no bound",
            });
        }
        Ok(())
    }
}

/// The options of a [`Store`](crate::Store): those of its table, and those of its process.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use patterns_store::StoreConfig;
///
/// let config = StoreConfig { keep_over_restart: true, ..StoreConfig::default() };
/// assert_eq!(config.sweep_interval, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The options of the table. Its name is the process's name, too.
    pub table: TableConfig,

    /// How often rows whose time is over are swept out, more than zero. Default: 30 s.
    ///
    /// A sweep only gives memory back: nobody ever sees such a row, whether it was swept or not.
    /// [`Duration::MAX`] means never; below 1 ms is as good as 1 ms, the timer's resolution.
    pub sweep_interval: Duration,

    /// Whether the rows survive when the owner process ends and its supervisor starts it again. Default:
    /// false, as in ETS: the table dies with its owner, and the next one begins with an empty table.
    ///
    /// Of use in a [child](crate::Store::child) only: the rows are kept by its specification, as an heir,
    /// and die with it.
    pub keep_over_restart: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            table: TableConfig {
                name: "store".into(),
                ..TableConfig::default()
            },
            sweep_interval: Duration::from_secs(30),
            keep_over_restart: false,
        }
    }
}

impl StoreConfig {
    pub(crate) fn check(&self) -> Result<(), BadOption> {
        self.table.check()?;
        if self.sweep_interval.is_zero() {
            return Err(BadOption {
                option: "sweep_interval",
                allowed: "more than zero; `Duration::MAX` means never",
            });
        }
        Ok(())
    }
}
