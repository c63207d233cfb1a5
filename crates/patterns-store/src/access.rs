//! Who may use a table for what.

use std::fmt;

use crate::TableError;

/// What others than the owner may do with a table. The owner may do everything in every mode.
///
/// What describes a table as a whole (`size`, `stats`, `info`) may be asked in every mode, as `ets:info`
/// may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Access {
    /// Everybody who has a handle may read and write.
    Public,
    /// Everybody who has a handle may read; only the owner writes. The default, as in ETS.
    #[default]
    Protected,
    /// Only the owner may read and write.
    Private,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Protected => "protected",
            Self::Private => "private",
        })
    }
}

/// What was to be done with a table: names the refused kind in [`TableError::NotAllowed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Rows were to be read.
    Read,
    /// Rows were to be put, changed or removed.
    Write,
}

/// What a handle may do: two facts that never change, so that a check costs no more than a test of a bit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rights {
    access: Access,
    owner: bool,
}

impl Rights {
    pub(crate) const fn of_owner(access: Access) -> Self {
        Self {
            access,
            owner: true,
        }
    }

    pub(crate) const fn of_others(self) -> Self {
        Self {
            owner: false,
            ..self
        }
    }

    #[inline]
    pub(crate) fn read(self) -> Result<(), TableError> {
        if self.owner || self.access != Access::Private {
            return Ok(());
        }
        Err(self.refusal(Operation::Read))
    }

    #[inline]
    pub(crate) fn write(self) -> Result<(), TableError> {
        if self.owner || self.access == Access::Public {
            return Ok(());
        }
        Err(self.refusal(Operation::Write))
    }

    #[cold]
    fn refusal(self, operation: Operation) -> TableError {
        TableError::NotAllowed {
            access: self.access,
            operation,
        }
    }
}
