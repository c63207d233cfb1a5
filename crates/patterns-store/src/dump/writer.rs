//! Writing a file, beside the one whose place it takes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{END, FileError, MAGIC, VERSION};

/// FNV-1a, 64 bits: see <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(super) struct Fnv(u64);

impl Fnv {
    pub(super) fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    pub(super) fn sum(&self) -> u64 {
        self.0
    }
}

/// A file that is not whole yet. It is removed unless it is finished.
pub(super) struct Writer {
    file: BufWriter<File>,
    unfinished: Unfinished,
    target: PathBuf,
    sum: Fnv,
    count: u64,
}

struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Nothing can be done about a failure, and the error that led here says more.
            let _ = fs::remove_file(path);
        }
    }
}

impl Writer {
    pub(super) fn create(target: &Path) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = target
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
        // In the same folder, so that it can take the other one's place in one step.
        let mut beside = OsString::from(name);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        beside.push(format!(".{}-{number}.tmp", process::id()));
        let path = target.with_file_name(beside);
        let file = File::create_new(&path)?;
        let mut writer = Self {
            file: BufWriter::new(file),
            unfinished: Unfinished(Some(path)),
            target: target.to_owned(),
            sum: Fnv::new(),
            count: 0,
        };
        writer.write(MAGIC)?;
        writer.write(&VERSION.to_le_bytes())?;
        Ok(writer)
    }

    pub(super) fn row(&mut self, left: u64, bytes: &[u8]) -> Result<(), FileError> {
        self.count += 1;
        let length = u32::try_from(bytes.len())
            .ok()
            .filter(|&length| length != END)
            .ok_or(FileError::RowTooLong { row: self.count })?;
        self.write(&length.to_le_bytes())?;
        self.write(&left.to_le_bytes())?;
        Ok(self.write(bytes)?)
    }

    /// Puts the file in its place. Returns how many rows it has.
    pub(super) fn finish(mut self) -> Result<u64, FileError> {
        let count = self.count;
        self.write(&END.to_le_bytes())?;
        self.write(&count.to_le_bytes())?;
        let sum = self.sum.sum();
        self.write(&sum.to_le_bytes())?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        if let Some(path) = &self.unfinished.0 {
            fs::rename(path, &self.target)?;
        }
        self.unfinished.0 = None;
        sync_folder(&self.target)?;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.add(bytes);
        self.file.write_all(bytes)
    }
}

/// Has the folder's entry on the disk too. Only Unix can open a folder for that.
fn sync_folder(target: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
