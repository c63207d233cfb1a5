//! What can go wrong with a table and a store.

use std::error::Error;
use std::fmt;

use otp_core::CallError;

use crate::{Access, Operation};

/// Why an operation on a table was not carried out.
///
/// # Examples
///
/// ```
/// use patterns_store::{TableConfig, TableError, TableOwner};
///
/// let owner = TableOwner::<&str, u32>::new(TableConfig::default())?;
/// let table = owner.table();
/// assert_eq!(table.delete("a").unwrap_err().to_string(), "others than the owner may not write to a protected table");
/// drop(owner);
/// assert_eq!(table.get("a"), Err(TableError::Closed));
/// # Ok::<(), patterns_store::BadOption>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// The table is dead: its owner is gone, and no heir took it.
    Closed,
    /// The table's access does not allow this to others than the owner.
    NotAllowed {
        /// The table's access.
        access: Access,
        /// What was to be done.
        operation: Operation,
    },
    /// The table has as many rows as it may have.
    Full,
    /// The call was made by code that runs under the lock of a table: a closure, or an `Eq`, `Ord` or
    /// `Clone` of a row. No table can be used there.
    Reentrant,
    /// The counter would leave the range of its type. The row is as it was.
    Overflow,
    /// An `Ord` panicked in the middle of a change of this index, which is of no use any more. The table
    /// is unharmed, and a new index can be made.
    IndexBroken,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the table is dead: its owner is gone"),
            Self::NotAllowed { access, operation } => {
                let what = match operation {
                    Operation::Read => "read",
                    Operation::Write => "write to",
                };
                write!(f, "others than the owner may not {what} a {access} table")
            }
            Self::Full => f.write_str("the table has as many rows as it may have"),
            Self::Reentrant => f.write_str("no table can be used under the lock of a table"),
            Self::Overflow => f.write_str("the counter would leave the range of its type"),
            Self::IndexBroken => f.write_str("a panic left the index broken"),
        }
    }
}

impl Error for TableError {}

/// A row that was not put, and why. The row is in it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutError<K, V> {
    /// Why not.
    pub error: TableError,
    /// The key that was given.
    pub key: K,
    /// The value that was given.
    pub value: V,
}

impl<K, V> PutError<K, V> {
    pub(crate) fn new(error: TableError, key: K, value: V) -> Self {
        Self { error, key, value }
    }

    /// Takes the refused row back.
    pub fn into_row(self) -> (K, V) {
        (self.key, self.value)
    }
}

impl<K, V> From<PutError<K, V>> for TableError {
    fn from(refused: PutError<K, V>) -> Self {
        refused.error
    }
}

// Rows need not be `Debug`, so these print the reason alone.
impl<K, V> fmt::Debug for PutError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<K, V> fmt::Display for PutError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<K, V> Error for PutError<K, V> {}

/// Why the owner of a store did not do what it was asked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StoreError {
    /// The table refused.
    Table(TableError),
    /// The owner did not answer.
    Call(CallError),
    /// There is no row to read, which [`compare_reads`](crate::Store::compare_reads) needs.
    Empty,
}

impl StoreError {
    /// Tells whether the owner did not answer in time. It may have done what it was asked for, or may do it yet.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Call(CallError::Timeout))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(error) => error.fmt(f),
            Self::Call(error) => write!(f, "the owner did not answer: {error}"),
            Self::Empty => f.write_str("there is no row to read"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Call(error) => error.source(),
            Self::Table(_) | Self::Empty => None,
        }
    }
}

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

impl From<CallError> for StoreError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// Why a row was not put through the owner of a store.
#[derive(Clone)]
#[non_exhaustive]
pub enum StorePutError<K, V> {
    /// The table refused; the row is in it.
    Refused(PutError<K, V>),
    /// The owner did not answer. It may have put the row, or may put it yet.
    Call(CallError),
}

impl<K, V> StorePutError<K, V> {
    /// Tells whether the owner did not answer in time.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Call(CallError::Timeout))
    }
}

impl<K, V> fmt::Debug for StorePutError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => f.debug_tuple("Refused").field(refused).finish(),
            Self::Call(error) => f.debug_tuple("Call").field(error).finish(),
        }
    }
}

impl<K, V> fmt::Display for StorePutError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Call(error) => write!(f, "the owner did not answer: {error}"),
        }
    }
}

impl<K, V> Error for StorePutError<K, V> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Call(error) => error.source(),
            Self::Refused(_) => None,
        }
    }
}

impl<K, V> From<StorePutError<K, V>> for StoreError {
    fn from(error: StorePutError<K, V>) -> Self {
        match error {
            StorePutError::Refused(refused) => Self::Table(refused.error),
            StorePutError::Call(error) => Self::Call(error),
        }
    }
}
