//! Who may do what: each mode, reading and writing, the owner and others.

use patterns_store::{
    Access, Bag, Operation, OrderedSet, Table, TableConfig, TableError, TableOwner,
};

use crate::support::with_access;

fn refused<R: std::fmt::Debug>(
    result: Result<R, impl Into<TableError>>,
    access: Access,
    operation: Operation,
) {
    let error = result.map_err(Into::into).unwrap_err();
    assert_eq!(error, TableError::NotAllowed { access, operation });
}

fn with_row(access: Access) -> TableOwner<u32, u32> {
    let owner = TableOwner::new(with_access(access)).unwrap();
    owner.put(1, 10).unwrap();
    owner
}

fn reads(table: &Table<u32, u32>) {
    assert_eq!(table.get(&1), Ok(Some(10)));
    assert_eq!(table.member(&1), Ok(true));
    assert_eq!(table.with(&1, |value| *value), Ok(Some(10)));
    assert_eq!(table.snapshot(), Ok(vec![(1, 10)]));
    assert_eq!(table.select(|key, _| Some(*key)), Ok(vec![1]));
    assert_eq!(table.fold(0, |sum, _, value| sum + value), Ok(10));
    table.index(|_, value| *value).unwrap();
    let _changes = table.changes(1).unwrap();
}

fn reads_are_refused(table: &Table<u32, u32>, access: Access) {
    let read = Operation::Read;
    refused(table.get(&1), access, read);
    refused(table.member(&1), access, read);
    refused(table.with(&1, |value| *value), access, read);
    refused(table.snapshot(), access, read);
    refused(table.select(|key, _| Some(*key)), access, read);
    refused(table.fold(0, |sum, _, value| sum + value), access, read);
    refused(table.index(|_, value| *value), access, read);
    refused(table.changes(1), access, read);
    let file = std::env::temp_dir().join("patterns-store-never-written");
    assert!(table.dump(&file, |_, _, _| ()).is_err());
    assert!(!file.exists());
}

fn writes(table: &Table<u32, u32>) {
    assert_eq!(table.put(2, 20).unwrap(), None);
    assert_eq!(table.put_with_ttl(3, 30, testing::secs(9)).unwrap(), None);
    assert!(table.insert_new(4, 40).unwrap());
    assert_eq!(table.update_counter(&4, 2), Ok(42));
    assert_eq!(table.compare_and_swap(&4, &42, 44), Ok(true));
    assert_eq!(table.alter(&4, |_| None), Ok(false));
    assert_eq!(table.take(&3), Ok(Some(30)));
    assert_eq!(table.delete(&2), Ok(true));
    assert_eq!(table.select_delete(|_, _| false), Ok(0));
    assert_eq!(table.clear(), Ok(()));
}

fn writes_are_refused(table: &Table<u32, u32>, access: Access) {
    let write = Operation::Write;
    assert_eq!(table.put(2, 20).unwrap_err().into_row(), (2, 20));
    refused(table.put(2, 20), access, write);
    refused(table.put_with_ttl(3, 30, testing::secs(9)), access, write);
    refused(table.insert_new(4, 40), access, write);
    refused(table.update_counter(&1, 2), access, write);
    refused(table.compare_and_swap(&1, &10, 44), access, write);
    refused(table.alter(&1, |_| None), access, write);
    refused(table.take(&1), access, write);
    refused(table.delete(&1), access, write);
    refused(table.select_delete(|_, _| true), access, write);
    refused(table.clear(), access, write);
    assert!(table.load("nowhere", |_| Ok((1, 1))).is_err());
}

#[test]
fn the_owner_of_a_public_table_reads() {
    reads(&with_row(Access::Public));
}

#[test]
fn the_owner_of_a_public_table_writes() {
    writes(&with_row(Access::Public));
}

#[test]
fn others_read_a_public_table() {
    let owner = with_row(Access::Public);
    reads(&owner.table());
}

#[test]
fn others_write_a_public_table() {
    let owner = with_row(Access::Public);
    writes(&owner.table());
}

#[test]
fn the_owner_of_a_protected_table_reads() {
    reads(&with_row(Access::Protected));
}

#[test]
fn the_owner_of_a_protected_table_writes() {
    writes(&with_row(Access::Protected));
}

#[test]
fn others_read_a_protected_table() {
    let owner = with_row(Access::Protected);
    reads(&owner.table());
}

#[test]
fn others_do_not_write_a_protected_table() {
    let owner = with_row(Access::Protected);
    writes_are_refused(&owner.table(), Access::Protected);
    assert_eq!(owner.snapshot(), Ok(vec![(1, 10)]));
}

#[test]
fn the_owner_of_a_private_table_reads() {
    reads(&with_row(Access::Private));
}

#[test]
fn the_owner_of_a_private_table_writes() {
    writes(&with_row(Access::Private));
}

#[test]
fn others_do_not_read_a_private_table() {
    let owner = with_row(Access::Private);
    reads_are_refused(&owner.table(), Access::Private);
    assert_eq!(owner.stats().unwrap().hits, 0, "what is refused is no read");
}

#[test]
fn others_do_not_write_a_private_table() {
    let owner = with_row(Access::Private);
    writes_are_refused(&owner.table(), Access::Private);
    assert_eq!(owner.snapshot(), Ok(vec![(1, 10)]));
}

#[test]
fn a_refusal_names_the_mode_and_the_operation() {
    let owner = with_row(Access::Private);
    let table = owner.table();
    assert_eq!(
        table.get(&1).unwrap_err().to_string(),
        "others than the owner may not read a private table"
    );
    let owner = with_row(Access::Protected);
    let table = owner.table();
    assert_eq!(
        table.put(1, 1).unwrap_err().to_string(),
        "others than the owner may not write to a protected table"
    );
}

#[test]
fn what_describes_a_table_may_be_asked_in_every_mode() {
    for access in [Access::Public, Access::Protected, Access::Private] {
        let owner = with_row(access);
        let table = owner.table();
        assert_eq!(table.size(), Ok(1));
        assert_eq!(table.stats().unwrap().size, 1);
        assert_eq!(table.info().unwrap().access, access);
        assert!(!table.is_closed());
    }
}

#[test]
fn a_clone_of_the_owners_own_table_has_the_rights_of_others() {
    let owner = with_row(Access::Private);
    let smuggled: Table<u32, u32> = Table::clone(&owner);
    reads_are_refused(&smuggled, Access::Private);
    writes_are_refused(&smuggled.clone(), Access::Private);
}

#[test]
fn an_index_reads_with_the_rights_of_who_made_it() {
    let owner = with_row(Access::Private);
    let index = owner.index(|_, value| *value).unwrap();
    assert_eq!(index.clone().get(&10), Ok(vec![(1, 10)]));
}

#[test]
fn what_ordered_sets_and_bags_have_more_is_refused_as_well() {
    let owner: TableOwner<u32, u32, OrderedSet> =
        TableOwner::new(with_access(Access::Private)).unwrap();
    owner.put(1, 10).unwrap();
    let table = owner.table();
    let (access, read) = (Access::Private, Operation::Read);
    refused(table.range(0..), access, read);
    refused(table.page(0.., 1), access, read);
    refused(table.first(), access, read);
    refused(table.last(), access, read);
    refused(table.next(&0), access, read);
    refused(table.prev(&9), access, read);
    let owner: TableOwner<u32, u32, Bag> = TableOwner::new(TableConfig::default()).unwrap();
    owner.put(1, 10).unwrap();
    let table = owner.table();
    refused(
        table.delete_row(&1, &10),
        Access::Protected,
        Operation::Write,
    );
    assert_eq!(owner.delete_row(&1, &10), Ok(1));
}
