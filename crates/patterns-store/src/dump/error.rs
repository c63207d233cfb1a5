//! What can go wrong with a file.

use std::error::Error;
use std::fmt;
use std::io;

use crate::TableError;

/// Why a table was not written to a file, or not read from one.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The file could not be read or written.
    Io(io::Error),
    /// The file does not begin as a table's does: it is something else.
    NotATable,
    /// The file has a version of the format that is not known here.
    OtherVersion(u32),
    /// The file is cut off, or was changed: its checksum does not fit.
    Damaged,
    /// A row takes 4 GiB or more.
    RowTooLong {
        /// Its number, the first being 1.
        row: u64,
    },
    /// A row could not be decoded.
    Decode {
        /// Its number, the first being 1.
        row: u64,
        /// What `decode` said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The table refused.
    Table(TableError),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NotATable => f.write_str("the file is no table"),
            Self::OtherVersion(version) => {
                write!(f, "the file has version {version} of the format, not 1")
            }
            Self::Damaged => f.write_str("the file is cut off or damaged"),
            Self::RowTooLong { row } => write!(f, "row {row} takes 4 GiB or more"),
            Self::Decode { row, source } => write!(f, "row {row} cannot be decoded: {source}"),
            Self::Table(error) => error.fmt(f),
        }
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Decode { source, .. } => source.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TableError> for FileError {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}
