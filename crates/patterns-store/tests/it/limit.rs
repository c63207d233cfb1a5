//! The bound on the number of rows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use patterns_store::{Bag, OrderedSet, TableError, TableOwner};
use testing::secs;

use crate::support::{bounded, panic_of};

#[test]
fn a_row_too_many_comes_back_and_one_that_replaces_does_not() {
    let owner: TableOwner<u32, u32> = bounded(2);
    owner.put(1, 10).unwrap();
    owner.put(2, 20).unwrap();
    let refused = owner.put(3, 30).unwrap_err();
    assert_eq!(refused.error, TableError::Full);
    assert_eq!(refused.into_row(), (3, 30));
    assert_eq!(owner.put(2, 21).unwrap(), Some(20));
    assert_eq!(owner.insert_new(3, 30).unwrap_err().error, TableError::Full);
    assert!(!owner.insert_new(2, 22).unwrap());
    assert_eq!(owner.update_counter(&3, 1), Err(TableError::Full));
    assert_eq!(owner.update_counter(&2, 1), Ok(22));
    let mut called = false;
    let altered = owner.alter(&3, |_| {
        called = true;
        Some(1)
    });
    assert_eq!((altered, called), (Err(TableError::Full), false));
    assert_eq!(owner.size(), Ok(2));
}

#[test]
fn every_way_out_of_a_table_makes_room() {
    let owner: TableOwner<u32, u32> = bounded(1);
    let fill = || {
        owner.put(1, 10).unwrap();
        assert!(owner.put(2, 20).is_err());
    };
    fill();
    owner.delete(&1).unwrap();
    fill();
    owner.take(&1).unwrap();
    fill();
    owner.clear().unwrap();
    fill();
    owner.select_delete(|_, _| true).unwrap();
    fill();
    owner.alter(&1, |_| None).unwrap();
    fill();
    panic_of(|| owner.alter(&1, |_| panic!("as told")));
    fill();
    owner.alter(&1, |_| Some(10)).unwrap();
    assert!(owner.put(2, 20).is_err());
}

#[test]
fn a_change_that_puts_nothing_takes_no_room() {
    let owner: TableOwner<u32, u8> = bounded(1);
    owner.alter(&1, |none| none).unwrap();
    assert_eq!(owner.update_counter(&1, -1), Err(TableError::Overflow));
    panic_of(|| owner.alter(&1, |_| panic!("as told")));
    owner.put(2, 1).unwrap();
    assert_eq!(owner.size(), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn rows_whose_time_is_over_take_no_room() {
    let owner: TableOwner<u32, u32> = bounded(100);
    for round in 0..10 {
        for key in 0..100 {
            owner.put_with_ttl(round * 1_000 + key, 0, secs(1)).unwrap();
        }
        assert!(owner.put(99_999, 0).is_err());
        tokio::time::advance(secs(1)).await;
    }
    assert_eq!(owner.update_counter(&7, 1), Ok(1));
    assert_eq!(owner.alter(&8, |_| Some(1)), Ok(true));
    assert_eq!(owner.size(), Ok(2));
}

#[test]
fn each_row_of_a_bag_counts() {
    let owner: TableOwner<u32, u32, Bag> = bounded(3);
    for value in [1, 2, 3] {
        assert!(owner.put(1, value).unwrap());
    }
    assert!(!owner.put(1, 3).unwrap());
    assert_eq!(owner.put(1, 4).unwrap_err().error, TableError::Full);
    owner.delete_row(&1, &2).unwrap();
    owner.put(2, 4).unwrap();
    assert!(owner.put(2, 5).is_err());
    owner.delete(&1).unwrap();
    owner.put(2, 5).unwrap();
    owner.put(2, 6).unwrap();
    assert!(owner.put(2, 7).is_err());
}

#[test]
fn the_bound_is_never_passed_by_any_number_of_threads() {
    for _ in 0..50 {
        let owner: TableOwner<u64, u64> = bounded(64);
        let table = owner.table();
        let (put, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for thread in 0..4_u64 {
                let (table, put, refused) = (&table, &put, &refused);
                scope.spawn(move || {
                    for key in 0..100 {
                        match table.put(thread * 1_000 + key, key) {
                            Ok(None) => put.fetch_add(1, Ordering::Relaxed),
                            Ok(Some(_)) => unreachable!("all keys differ"),
                            Err(_) => refused.fetch_add(1, Ordering::Relaxed),
                        };
                        assert!(table.size().unwrap() <= 64);
                    }
                });
            }
        });
        assert_eq!(put.into_inner(), 64, "every place is used");
        assert_eq!(refused.into_inner(), 336);
        assert_eq!(owner.size(), Ok(64));
    }
}

#[test]
fn the_greatest_bound_takes_no_memory_by_itself() {
    let owner: TableOwner<u32, u32, OrderedSet> = bounded(usize::MAX);
    owner.put(1, 10).unwrap();
    assert_eq!(owner.info().unwrap().max_rows, Some(usize::MAX));
}
