//! Code of the program's under a lock: it can use no table, and is told so.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use patterns_store::{Bag, OrderedSet, Table, TableError, TableOwner};

use crate::support::{owner, public};

fn one_row() -> TableOwner<u32, u32> {
    let owner = owner();
    owner.put(1, 10).unwrap();
    owner
}

/// Everything that one can do with a table is refused.
fn all_refused(table: &Table<u32, u32>) {
    let no = TableError::Reentrant;
    assert_eq!(table.get(&1), Err(no));
    assert_eq!(table.put(2, 2).unwrap_err().error, no);
    assert_eq!(table.insert_new(2, 2).unwrap_err().error, no);
    assert_eq!(table.member(&1), Err(no));
    assert_eq!(table.with(&1, |_| ()), Err(no));
    assert_eq!(table.take(&1), Err(no));
    assert_eq!(table.clear(), Err(no));
    assert_eq!(table.size(), Err(no));
    assert_eq!(table.snapshot(), Err(no));
    assert_eq!(table.select_delete(|_, _| true), Err(no));
    assert_eq!(table.alter(&1, |_| None), Err(no));
    assert_eq!(table.update_counter(&1, 1), Err(no));
    assert_eq!(table.compare_and_swap(&1, &10, 1), Err(no));
    assert!(table.index(|_, _| ()).is_err());
    assert!(table.changes(1).is_err());
}

#[test]
fn a_closure_under_a_lock_can_use_no_table() {
    let owner = one_row();
    let other = one_row();
    let runs = Cell::new(0);
    let check = || {
        runs.set(runs.get() + 1);
        all_refused(&owner.table());
        all_refused(&other.table());
    };
    owner.with(&1, |_| check()).unwrap();
    owner
        .alter(&1, |value| {
            check();
            value
        })
        .unwrap();
    owner
        .select(|_, _| {
            check();
            None::<()>
        })
        .unwrap();
    owner.fold((), |(), _, _| check()).unwrap();
    owner
        .select_delete(|_, _| {
            check();
            false
        })
        .unwrap();
    assert_eq!(runs.get(), 5);
    assert_eq!(owner.snapshot(), Ok(vec![(1, 10)]));
    assert_eq!(other.snapshot(), Ok(vec![(1, 10)]));
}

#[test]
fn an_index_under_a_lock_is_refused_as_well() {
    let owner = one_row();
    let index = owner.index(|_, value| *value).unwrap();
    let inside = owner.with(&1, |_| index.get(&10)).unwrap().unwrap();
    assert_eq!(inside, Err(TableError::Reentrant));
    assert_eq!(index.get(&10), Ok(vec![(1, 10)]));
}

#[test]
fn what_an_index_computes_can_use_no_table() {
    let owner = one_row();
    let table = owner.table();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let index = owner
        .index(move |_, value| {
            log.lock().unwrap().push(table.size());
            *value
        })
        .unwrap();
    owner.put(2, 20).unwrap();
    let refused = Err(TableError::Reentrant);
    assert_eq!(*seen.lock().unwrap(), [refused, refused]);
    drop(index);
}

/// A key whose `Eq` and `Clone`, and a value whose `Clone`, use a table.
struct Nosy(u32, Arc<dyn Fn() + Send + Sync>);

impl Nosy {
    fn look(&self) {
        (self.1)();
    }
}

impl Clone for Nosy {
    fn clone(&self) -> Self {
        self.look();
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Nosy {
    fn eq(&self, other: &Self) -> bool {
        self.look();
        self.0 == other.0
    }
}

impl Eq for Nosy {}

impl std::hash::Hash for Nosy {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn eq_and_clone_of_rows_can_use_no_table() {
    let owner: TableOwner<Nosy, Nosy> = owner();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, table) = (Arc::clone(&seen), owner.table());
    let look: Arc<dyn Fn() + Send + Sync> =
        Arc::new(move || log.lock().unwrap().push(table.size()));
    let nosy = |number| Nosy(number, Arc::clone(&look));
    owner.put(nosy(1), nosy(1)).unwrap();
    owner.put(nosy(1), nosy(2)).unwrap();
    assert!(owner.get(&nosy(1)).unwrap().is_some());
    owner.snapshot().unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(seen.len() >= 5);
    assert!(seen.iter().all(|size| *size == Err(TableError::Reentrant)));
    owner.clear().unwrap();
}

#[test]
fn after_a_closure_that_panicked_the_thread_is_outside_again() {
    let owner = one_row();
    crate::support::panic_of(|| owner.with(&1, |_| panic!("as told")));
    assert_eq!(owner.size(), Ok(1));
}

#[test]
fn other_types_refuse_what_they_have_more() {
    let bag: TableOwner<u32, u32, Bag> = TableOwner::new(public()).unwrap();
    let ordered: TableOwner<u32, u32, OrderedSet> = TableOwner::new(public()).unwrap();
    let owner = one_row();
    let inside = owner.with(&1, |_| {
        assert_eq!(bag.delete_row(&1, &1), Err(TableError::Reentrant));
        assert_eq!(ordered.range(1..), Err(TableError::Reentrant));
        assert_eq!(ordered.first(), Err(TableError::Reentrant));
        assert_eq!(ordered.prev(&1), Err(TableError::Reentrant));
        assert_eq!(ordered.sweep(), Err(TableError::Reentrant));
    });
    assert_eq!(inside, Ok(Some(())));
}

/// The table is dead at once; its rows go with the last handle.
#[test]
fn an_owner_dropped_under_a_lock_ends_its_table_without_waiting() {
    let alive = crate::support::Alive::default();
    let owner: TableOwner<u32, crate::support::Counted> = owner();
    owner.put(1, alive.value()).unwrap();
    let table = owner.table();
    let mut changes = owner.changes(1).unwrap();
    let mut held = Some(owner);
    table.with(&1, |_| drop(held.take())).unwrap();
    assert_eq!(table.size(), Err(TableError::Closed));
    assert!(changes.is_finished() && changes.try_recv().is_none());
    assert_eq!(alive.count(), 1);
    drop(table);
    assert_eq!(alive.count(), 0);
}
