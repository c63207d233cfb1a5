//! Looking at all rows.

use std::collections::HashSet;

use patterns_store::{Bag, TableOwner};

use crate::support::owner;

#[test]
fn a_snapshot_holds_no_lock_and_does_not_change() {
    let owner: TableOwner<u32, u32> = owner();
    for key in 0..100 {
        owner.put(key, key).unwrap();
    }
    let snapshot = owner.snapshot().unwrap();
    for (key, value) in &snapshot {
        // Every shard can be written while the caller goes through it.
        owner.put(*key, value + 1).unwrap();
        owner.put(key + 1_000, 0).unwrap();
    }
    assert_eq!(snapshot.len(), 100);
    assert!(snapshot.iter().all(|(key, value)| key == value));
    assert_eq!(owner.size(), Ok(200));
}

#[test]
fn select_and_fold_see_each_row_once() {
    let owner: TableOwner<u32, u32> = owner();
    for key in 0..1_000 {
        owner.put(key, key * 2).unwrap();
    }
    let even = owner
        .select(|key, value| (key % 2 == 0).then_some(*value))
        .unwrap();
    assert_eq!(even.len(), 500);
    let distinct: HashSet<_> = even.into_iter().collect();
    assert_eq!(distinct, (0..1_000).step_by(2).map(|key| key * 2).collect());
    assert_eq!(owner.fold(0, |sum, _, value| sum + value), Ok(999_000));
}

#[test]
fn select_delete_removes_what_is_chosen() {
    let owner: TableOwner<u32, u32> = owner();
    for key in 0..1_000 {
        owner.put(key, key).unwrap();
    }
    assert_eq!(owner.select_delete(|key, _| key % 3 == 0), Ok(334));
    assert_eq!(owner.size(), Ok(666));
    assert_eq!(owner.select_delete(|_, _| false), Ok(0));
    assert_eq!(owner.get(&3), Ok(None));
    assert_eq!(owner.get(&4), Ok(Some(4)));
}

#[test]
fn in_a_bag_each_row_is_judged() {
    let owner: TableOwner<u32, u32, Bag> = owner();
    for value in 0..10 {
        owner.put(1, value).unwrap();
        owner.put(2, value).unwrap();
    }
    let of_one = |key: &u32, value: &u32| *key == 1 && value.is_multiple_of(2);
    assert_eq!(owner.select_delete(of_one), Ok(5));
    assert_eq!(owner.get(&1), Ok(vec![1, 3, 5, 7, 9]));
    assert_eq!(owner.get(&2).unwrap().len(), 10);
    assert_eq!(owner.select_delete(|key, _| *key == 2), Ok(10));
    assert_eq!(owner.member(&2), Ok(false));
    assert_eq!(owner.size(), Ok(5));
}
