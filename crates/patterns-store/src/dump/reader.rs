//! Reading a file: all of it, and nothing of a damaged one.

use std::fs;
use std::path::Path;

use super::writer::Fnv;
use super::{END, FileError, MAGIC, VERSION};

/// Reads a file and checks that it is whole. Returns what is between its version and its checksum.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut file = fs::read(path)?;
    let head = MAGIC.len() + size_of::<u32>();
    if !file.starts_with(MAGIC) {
        // What is cut off within the magic is damaged rather than foreign; an empty file is both.
        return Err(if !file.is_empty() && MAGIC.starts_with(&file) {
            FileError::Damaged
        } else {
            FileError::NotATable
        });
    }
    let version = file[MAGIC.len()..].first_chunk();
    let version = u32::from_le_bytes(*version.ok_or(FileError::Damaged)?);
    if version != VERSION {
        return Err(FileError::OtherVersion(version));
    }
    let (body, sum) = file.split_last_chunk().ok_or(FileError::Damaged)?;
    let mut expected = Fnv::new();
    expected.add(body);
    if body.len() < head || expected.sum() != u64::from_le_bytes(*sum) {
        return Err(FileError::Damaged);
    }
    file.truncate(file.len() - size_of::<u64>());
    file.drain(..head);
    Ok(file)
}

/// What is left of each row's time to live, and its bytes.
pub(super) fn rows(mut file: &[u8]) -> Result<Vec<(u64, &[u8])>, FileError> {
    let mut rows = Vec::new();
    loop {
        let length = u32::from_le_bytes(take(&mut file)?);
        if length == END {
            break;
        }
        let left = u64::from_le_bytes(take(&mut file)?);
        let length = usize::try_from(length).map_err(|_| FileError::Damaged)?;
        let (bytes, rest) = file.split_at_checked(length).ok_or(FileError::Damaged)?;
        rows.push((left, bytes));
        file = rest;
    }
    let count = u64::from_le_bytes(take(&mut file)?);
    if count != rows.len() as u64 || !file.is_empty() {
        return Err(FileError::Damaged);
    }
    Ok(rows)
}

fn take<const N: usize>(file: &mut &[u8]) -> Result<[u8; N], FileError> {
    let (taken, rest) = file.split_first_chunk().ok_or(FileError::Damaged)?;
    *file = rest;
    Ok(*taken)
}
