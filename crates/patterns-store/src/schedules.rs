//! The owner of a table, who goes while others read, write and listen, in every order that a schedule
//! checker tries: see `cargo xtask schedules`.

use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread;
use schedules::{AtomicBool, Mutex, assert_unlocked, block_on, check};

use crate::sync::Ordering;
use crate::{
    Access, Change, OrderedSet, Set, Table, TableConfig, TableError, TableOwner, TableType,
};

/// A value that must not be dropped under a lock, and whose copies are counted.
#[derive(Debug, Clone)]
struct Value(
    u64,
    #[expect(dead_code, reason = "its count is looked at")] Arc<()>,
);

impl Drop for Value {
    fn drop(&mut self) {
        assert_unlocked();
    }
}

fn public<V, T: TableType<u32, V>>(
    max_rows: Option<usize>,
) -> (TableOwner<u32, V, T>, Table<u32, V, T>) {
    let config = TableConfig {
        access: Access::Public,
        // One shard, so that all meet in it.
        write_concurrency: false,
        max_rows,
        ..TableConfig::default()
    };
    let owner = TableOwner::new(config).expect("the options are good");
    let table = owner.table();
    (owner, table)
}

/// Whoever has heard of the death finds nothing, and all rows are dropped by then.
fn dies<T: TableType<u32, Value, Found = Option<Value>> + crate::Lookup<u32, Value, u32>>(
    name: &str,
) {
    check(name, || {
        let (owner, table) = public::<Value, T>(None);
        let (alive, dead) = (Arc::new(()), Arc::new(AtomicBool::new(false)));
        owner
            .put(1, Value(1, Arc::clone(&alive)))
            .expect("it lives");
        let goes = {
            let dead = Arc::clone(&dead);
            thread::spawn(move || {
                drop(owner);
                dead.store(true, Ordering::SeqCst);
            })
        };
        let reads = {
            let (table, dead) = (table.clone(), Arc::clone(&dead));
            thread::spawn(move || {
                for _ in 0..2 {
                    let heard = dead.load(Ordering::SeqCst);
                    match table.get(&1) {
                        Ok(found) => {
                            assert!(!heard, "a row of a dead table");
                            assert_eq!(
                                found.map(|value| value.0),
                                Some(1),
                                "rows go with the table"
                            );
                        }
                        Err(error) => assert_eq!(error, TableError::Closed),
                    }
                }
            })
        };
        let writes = {
            let (table, alive) = (table.clone(), Arc::clone(&alive));
            thread::spawn(move || {
                let put = table.put(2, Value(2, alive));
                assert!(put.is_ok_and(|_| true) || table.is_closed());
            })
        };
        for thread in [goes, reads, writes] {
            thread.join().expect("no panics");
        }
        assert!(matches!(table.get(&2), Err(TableError::Closed)));
        assert_eq!(
            Arc::strong_count(&alive),
            1,
            "no row is left in a dead table"
        );
    });
}

#[test]
fn a_set_dies_with_its_owner() {
    dies::<Set>("the owner of a set goes");
}

#[test]
fn an_ordered_set_dies_with_its_owner() {
    dies::<OrderedSet>("the owner of an ordered set goes");
}

#[test]
fn nobody_notices_an_inheritance() {
    check("the owner goes and an heir is there", || {
        let (owner, table) = public::<u64, Set>(None);
        let inherited = Arc::new(Mutex::new(None));
        {
            let inherited = Arc::clone(&inherited);
            owner.set_heir(move |owner| {
                assert_unlocked();
                *inherited.lock() = Some(owner);
            });
        }
        let goes = thread::spawn(move || drop(owner));
        let counts = [(); 2].map(|()| {
            let table = table.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    table.update_counter(&1, 1).expect("the table lives on");
                }
            })
        });
        goes.join().expect("no panics");
        for count in counts {
            count.join().expect("no panics");
        }
        let owner = inherited.lock().take().expect("it was inherited");
        assert_eq!(owner.get(&1), Ok(Some(4)), "no step is lost");
        drop(owner);
        assert_eq!(
            table.get(&1),
            Err(TableError::Closed),
            "the heir has no heir"
        );
    });
}

#[test]
fn a_listener_hears_of_every_change_and_of_the_death() {
    check("the owner goes and one listens", || {
        let (owner, table) = public::<u64, Set>(None);
        let mut changes = owner.changes(16).expect("it lives");
        let goes = thread::spawn(move || drop(owner));
        let writes = thread::spawn(move || table.put(1, 7).is_ok());
        let mut heard = 0;
        while let Some(change) = block_on(changes.recv()) {
            assert_eq!(change, Change::Put { key: 1, value: 7 });
            heard += 1;
        }
        goes.join().expect("no panics");
        let written = writes.join().expect("no panics");
        assert_eq!(heard, u32::from(written));
    });
}

#[test]
fn one_who_begins_to_listen_hears_of_the_death() {
    check("the owner goes and one begins to listen", || {
        let (owner, table) = public::<u64, Set>(None);
        let goes = thread::spawn(move || drop(owner));
        if let Ok(mut changes) = table.changes(4) {
            assert_eq!(block_on(changes.recv()), None);
        }
        goes.join().expect("no panics");
    });
}

#[test]
fn an_index_has_what_was_put_while_it_was_made() {
    check("an index is made while two put", || {
        let (owner, table) = public::<u64, Set>(None);
        let writes = [1, 2].map(|key| {
            let table = table.clone();
            thread::spawn(move || table.put(key, 7).expect("it lives"))
        });
        let index = table.index(|_, value| *value).expect("it lives");
        for write in writes {
            write.join().expect("no panics");
        }
        let mut found = index.get(&7).expect("it lives");
        found.sort_unstable();
        assert_eq!(found, [(1, 7), (2, 7)]);
        table.delete(&1).expect("it lives");
        assert_eq!(index.get(&7), Ok(vec![(2, 7)]));
        drop(owner);
        assert_eq!(index.get(&7), Err(TableError::Closed));
    });
}

#[test]
fn the_bound_is_kept_and_its_places_come_back() {
    check("three put and one deletes, with one place", || {
        let (owner, table) = public::<u64, Set>(Some(1));
        let puts = [1, 2, 3].map(|key| {
            let table = table.clone();
            thread::spawn(move || match table.put(key, 1) {
                Ok(_) => {
                    assert!(table.size().expect("it lives") <= 1);
                    assert_eq!(table.delete(&key), Ok(true));
                    true
                }
                Err(refused) => {
                    assert_eq!(refused.error, TableError::Full);
                    false
                }
            })
        });
        let put = puts.map(|put| put.join().expect("no panics"));
        assert!(
            put.contains(&true),
            "a place is refused only to one who meets another"
        );
        assert!(owner.put(4, 1).is_ok(), "every place has come back");
        assert!(owner.put(5, 1).is_err());
    });
}
