//! A table in a file.
//!
//! The format, all numbers little endian:
//!
//! ```text
//! magic     8 bytes  "OTPTABLE"
//! version   u32      1
//! rows      each:    length u32, time to live left u64 (nanoseconds, all ones: for ever), the encoded row
//! end       u32      all ones, which is no length
//! count     u64      how many rows there are
//! checksum  u64      FNV-1a (Fowler, Noll, Vo; 64 bits) of everything before
//! ```

mod error;
mod reader;
mod writer;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use otp_core::clock::NEVER;

use crate::moment::Moment;
use crate::rows::Rows;
use crate::shared::When;
use crate::{Table, TableError, TableType};

pub use error::FileError;
use writer::Writer;

pub(crate) const MAGIC: &[u8; 8] = b"OTPTABLE";
pub(crate) const VERSION: u32 = 1;
/// What stands where a further row's length would.
pub(crate) const END: u32 = u32::MAX;

/// Reading and writing files blocks the thread: in async code, use `tokio::task::spawn_blocking`.
impl<K, V, T: TableType<K, V>> Table<K, V, T> {
    /// Writes all live rows into a file, with what is left of their times to live, and says how many. `encode` appends a row's
    /// bytes.
    ///
    /// The file is written beside the old one and takes its place when it is whole and on the disk, so whatever happens there is the
    /// old one or the new one. The rows are cloned shard by shard, as [`snapshot`](Self::snapshot) does, and encoded outside of
    /// the lock.
    ///
    /// # Errors
    ///
    /// [`FileError::Io`], [`FileError::RowTooLong`], and [`FileError::Table`] for those of [`Table`](Table#errors). There is no new
    /// file then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_store::{TableConfig, TableOwner};
    /// # let path = std::env::temp_dir().join(format!("patterns-store-doc-{}", std::process::id()));
    /// let owner: TableOwner<u32, String> = TableOwner::new(TableConfig::default())?;
    /// owner.put(7, "seven".to_owned())?;
    /// owner.dump(&path, |key, value, bytes| {
    ///     bytes.extend(key.to_le_bytes());
    ///     bytes.extend(value.as_bytes());
    /// })?;
    ///
    /// let other: TableOwner<u32, String> = TableOwner::new(TableConfig::default())?;
    /// other.load(&path, |bytes| {
    ///     let (key, value) = bytes.split_first_chunk().ok_or("too short")?;
    ///     Ok((u32::from_le_bytes(*key), String::from_utf8(value.to_vec())?))
    /// })?;
    /// assert_eq!(other.get(&7)?.as_deref(), Some("seven"));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dump(
        &self,
        path: impl AsRef<Path>,
        mut encode: impl FnMut(&K, &V, &mut Vec<u8>),
    ) -> Result<u64, FileError>
    where
        K: Clone,
        V: Clone,
    {
        self.rights.read()?;
        let mut writer = Writer::create(path.as_ref())?;
        let mut bytes = Vec::new();
        for part in &self.shared.parts {
            let now = Moment::of(&self.shared.clock);
            let mut rows = Vec::new();
            let held = self.shared.read(part)?;
            held.rows.visit(|key, row| {
                if !now.is_over(row.deadline) {
                    rows.push((key.clone(), row.value.clone(), now.left(row.deadline)));
                }
            });
            drop(held);
            for (key, value, left) in rows {
                bytes.clear();
                encode(&key, &value, &mut bytes);
                writer.row(left, &bytes)?;
            }
        }
        writer.finish()
    }

    /// Puts all rows of a file that [`dump`](Self::dump) wrote, and says how many. `decode` makes a row of its bytes. Rows that are
    /// there already stay, unless a row of the file takes their place.
    ///
    /// The file is checked and decoded as a whole before the first row is put: a damaged one changes nothing. Times to live go on
    /// with what was left of them when the file was written.
    ///
    /// # Errors
    ///
    /// [`FileError`]; as [`FileError::Table`] those of [`Table`](Table#errors), and [`TableError::Full`] if there is no room for as
    /// many new rows as the file has.
    pub fn load(
        &self,
        path: impl AsRef<Path>,
        mut decode: impl FnMut(&[u8]) -> Result<(K, V), Box<dyn Error + Send + Sync>>,
    ) -> Result<u64, FileError> {
        self.rights.write()?;
        let file = reader::read(path.as_ref())?;
        let mut rows = Vec::new();
        for (number, (left, bytes)) in (1..).zip(reader::rows(&file)?) {
            let row = decode(bytes).map_err(|source| FileError::Decode {
                row: number,
                source,
            })?;
            rows.push((row, left));
        }
        let mut places = self.shared.take_places(rows.len());
        while places.is_none() {
            self.shared.make_room()?;
            places = self.shared.take_places(rows.len());
        }
        let count = rows.len() as u64;
        for ((key, value), left) in rows {
            let ttl = (left != NEVER).then(|| Duration::from_nanos(left));
            self.shared
                .put_in(key, value, ttl, When::Always, &mut places)
                .map_err(TableError::from)?;
        }
        Ok(count)
    }
}
