//! A table in a file, and back.

use std::error::Error;
use std::fs;
use std::path::Path;

use patterns_store::{DuplicateBag, FileError, OrderedSet, Set, TableError, TableOwner, TableType};
use testing::secs;

use crate::support::{Folder, bounded, owner, panic_of};

fn encode(key: &u32, value: &String, bytes: &mut Vec<u8>) {
    bytes.extend(key.to_le_bytes());
    bytes.extend(value.as_bytes());
}

fn decode(bytes: &[u8]) -> Result<(u32, String), Box<dyn Error + Send + Sync>> {
    let (key, value) = bytes.split_first_chunk().ok_or("too short")?;
    Ok((u32::from_le_bytes(*key), String::from_utf8(value.to_vec())?))
}

fn filled<T: TableType<u32, String>>(rows: u32) -> TableOwner<u32, String, T> {
    let owner = owner();
    for key in 0..rows {
        owner.put(key, format!("value {key}")).map(drop).unwrap();
    }
    owner
}

fn sorted<T: TableType<u32, String>>(owner: &TableOwner<u32, String, T>) -> Vec<(u32, String)> {
    let mut rows = owner.snapshot().unwrap();
    rows.sort_by_key(|row| row.0);
    rows
}

fn comes_back<T: TableType<u32, String>>() {
    let folder = Folder::new();
    let file = folder.file("table");
    for rows in [0, 1, 1_000] {
        let owner = filled::<T>(rows);
        assert_eq!(owner.dump(&file, encode).unwrap(), u64::from(rows));
        let other: TableOwner<u32, String, T> = crate::support::owner();
        assert_eq!(other.load(&file, decode).unwrap(), u64::from(rows));
        assert_eq!(sorted(&owner), sorted(&other));
    }
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is left beside the file");
}

#[test]
fn what_was_dumped_comes_back() {
    comes_back::<Set>();
    comes_back::<OrderedSet>();
    comes_back::<DuplicateBag>();
}

#[test]
fn a_bag_keeps_its_order_and_its_duplicates() {
    let folder = Folder::new();
    let owner: TableOwner<u32, String, DuplicateBag> = owner();
    for value in ["b", "a", "b"] {
        owner.put(1, value.to_owned()).unwrap();
    }
    owner.dump(folder.file("bag"), encode).unwrap();
    let other: TableOwner<u32, String, DuplicateBag> = crate::support::owner();
    other.load(folder.file("bag"), decode).unwrap();
    assert_eq!(other.get(&1).unwrap(), ["b", "a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn times_to_live_go_on_and_old_rows_stay_behind() {
    let folder = Folder::new();
    let file = folder.file("table");
    let owner: TableOwner<u32, String> = owner();
    owner.put(1, "for ever".to_owned()).unwrap();
    owner
        .put_with_ttl(2, "for 3 s".to_owned(), secs(3))
        .unwrap();
    owner.put_with_ttl(3, "over".to_owned(), secs(1)).unwrap();
    tokio::time::advance(secs(1)).await;
    assert_eq!(owner.dump(&file, encode).unwrap(), 2);
    tokio::time::advance(secs(1_000)).await;
    let other: TableOwner<u32, String> = crate::support::owner();
    other.load(&file, decode).unwrap();
    assert_eq!(other.size(), Ok(2));
    tokio::time::advance(secs(2)).await;
    assert_eq!(other.snapshot(), Ok(vec![(1, "for ever".to_owned())]));
}

/// Reads what is in the file into a table that has a row already, and expects that nothing comes of it.
fn is_refused(file: &Path) -> FileError {
    let owner: TableOwner<u32, String> = owner();
    owner.put(77, "before".to_owned()).unwrap();
    let error = owner.load(file, decode).unwrap_err();
    assert_eq!(
        owner.snapshot(),
        Ok(vec![(77, "before".to_owned())]),
        "{error}"
    );
    error
}

#[test]
fn a_file_that_is_cut_off_anywhere_loads_nothing() {
    let folder = Folder::new();
    let file = folder.file("table");
    filled::<Set>(3).dump(&file, encode).unwrap();
    let whole = fs::read(&file).unwrap();
    for length in 1..whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        let error = is_refused(&file);
        assert!(matches!(error, FileError::Damaged), "{length}: {error:?}");
    }
    fs::write(&file, []).unwrap();
    assert!(matches!(is_refused(&file), FileError::NotATable));
}

#[test]
fn a_file_with_any_byte_changed_loads_nothing() {
    let folder = Folder::new();
    let file = folder.file("table");
    filled::<Set>(3).dump(&file, encode).unwrap();
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x41;
        fs::write(&file, changed).unwrap();
        let error = is_refused(&file);
        match at {
            0..8 => assert!(matches!(error, FileError::NotATable), "{at}: {error:?}"),
            8..12 => assert!(
                matches!(error, FileError::OtherVersion(_)),
                "{at}: {error:?}"
            ),
            _ => assert!(matches!(error, FileError::Damaged), "{at}: {error:?}"),
        }
    }
    let mut longer = whole;
    longer.push(0);
    fs::write(&file, longer).unwrap();
    assert!(matches!(is_refused(&file), FileError::Damaged));
}

/// A file whose checksum is right, and whose content is not: somebody meant it.
#[test]
fn a_file_with_lying_lengths_and_a_right_checksum_loads_nothing() {
    let folder = Folder::new();
    let file = folder.file("table");
    let sealed = |rest: &[u8]| {
        let mut bytes = b"OTPTABLE\x01\0\0\0".to_vec();
        bytes.extend(rest);
        let sum = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |sum, &byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        bytes.extend(sum.to_le_bytes());
        fs::write(&file, bytes).unwrap();
    };
    let end = [&u32::MAX.to_le_bytes()[..], &0_u64.to_le_bytes()].concat();
    sealed(&end);
    let empty: TableOwner<u32, String> = owner();
    assert_eq!(empty.load(&file, decode).unwrap(), 0);
    sealed(&[]);
    assert!(matches!(is_refused(&file), FileError::Damaged));
    sealed(&[&4_000_000_000_u32.to_le_bytes()[..], &[0; 8], b"short"].concat());
    assert!(matches!(is_refused(&file), FileError::Damaged));
    sealed(&[&u32::MAX.to_le_bytes()[..], &5_u64.to_le_bytes()].concat());
    assert!(matches!(is_refused(&file), FileError::Damaged));
    sealed(&[&end[..], b"more"].concat());
    assert!(matches!(is_refused(&file), FileError::Damaged));
}

#[test]
fn what_is_no_table_is_told_apart() {
    let folder = Folder::new();
    let file = folder.file("photo");
    fs::write(
        &file,
        b"\x89PNG and so on, and longer than any header of ours",
    )
    .unwrap();
    let error = is_refused(&file);
    assert_eq!(error.to_string(), "the file is no table");
    assert!(matches!(
        is_refused(&folder.file("missing")),
        FileError::Io(_)
    ));
}

#[test]
fn a_row_that_cannot_be_decoded_is_named_and_nothing_is_loaded() {
    let folder = Folder::new();
    let file = folder.file("table");
    let owner = filled::<OrderedSet>(3);
    let short_for_two = |key: &u32, value: &String, bytes: &mut Vec<u8>| {
        if *key == 2 {
            bytes.push(1);
        } else {
            encode(key, value, bytes);
        }
    };
    owner.dump(&file, short_for_two).unwrap();
    let error = is_refused(&file);
    assert_eq!(error.to_string(), "row 3 cannot be decoded: too short");
    let empty: TableOwner<u32, String> = crate::support::owner();
    panic_of(|| empty.load(&file, |_| panic!("as told")));
    assert_eq!(empty.size(), Ok(0));
}

#[test]
fn a_dump_that_fails_leaves_the_old_file_and_nothing_beside_it() {
    let folder = Folder::new();
    let file = folder.file("table");
    let owner = filled::<Set>(3);
    owner.dump(&file, encode).unwrap();
    let before = fs::read(&file).unwrap();
    panic_of(|| owner.dump(&file, |_, _, _| panic!("as told")));
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = folder.file("no folder").join("table");
    assert!(matches!(owner.dump(nowhere, encode), Err(FileError::Io(_))));
    assert!(matches!(owner.dump("/", encode), Err(FileError::Io(_))));
    // A folder cannot be replaced by a file.
    fs::create_dir(folder.file("taken")).unwrap();
    assert!(matches!(
        owner.dump(folder.file("taken"), encode),
        Err(FileError::Io(_))
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_file_with_more_rows_than_there_is_room_for_loads_nothing() {
    let folder = Folder::new();
    let file = folder.file("table");
    filled::<Set>(10).dump(&file, encode).unwrap();
    let owner: TableOwner<u32, String> = bounded(12);
    for key in 100..103 {
        owner.put(key, "before".to_owned()).unwrap();
    }
    let error = owner.load(&file, decode).unwrap_err();
    assert!(matches!(error, FileError::Table(TableError::Full)));
    assert_eq!(owner.size(), Ok(3));
    owner.delete(&100).unwrap();
    owner.load(&file, decode).unwrap();
    assert_eq!(owner.size(), Ok(12));
    assert!(owner.put(1_000, String::new()).is_err());
    // All ten are there: none needs a new place, yet so many are asked for.
    assert!(owner.load(&file, decode).is_err());
    owner.clear().unwrap();
    for _ in 0..3 {
        owner.clear().unwrap();
        owner.load(&file, decode).unwrap();
    }
    owner.put(1_000, String::new()).unwrap();
    owner.put(1_001, String::new()).unwrap();
    assert!(owner.put(1_002, String::new()).is_err());
}

#[test]
fn listeners_and_indexes_see_what_is_loaded() {
    let folder = Folder::new();
    let file = folder.file("table");
    filled::<Set>(5).dump(&file, encode).unwrap();
    let owner: TableOwner<u32, String> = owner();
    let index = owner.index(|_, value| value.len()).unwrap();
    let mut changes = owner.changes(10).unwrap();
    owner.load(&file, decode).unwrap();
    assert_eq!(index.get(&7).unwrap().len(), 5);
    assert_eq!(std::iter::from_fn(|| changes.try_recv()).count(), 5);
}
