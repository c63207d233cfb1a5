//! The change feed.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use patterns_store::{Bag, Change, Changes, OrderedSet, TableOwner, TableType};
use testing::secs;

use crate::support::{Alive, owner};

fn all<T: TableType<u32, u32>>(changes: &mut Changes<u32, u32, T>) -> Vec<Change<u32, u32>> {
    std::iter::from_fn(|| changes.try_recv()).collect()
}

const fn put(key: u32, value: u32) -> Change<u32, u32> {
    Change::Put { key, value }
}

const fn deleted(key: u32, value: u32) -> Change<u32, u32> {
    Change::Deleted { key, value }
}

const fn expired(key: u32, value: u32) -> Change<u32, u32> {
    Change::Expired { key, value }
}

#[test]
fn every_change_is_told_once_and_what_changes_nothing_is_not() {
    let owner: TableOwner<u32, u32> = owner();
    owner.put(9, 90).unwrap();
    let mut changes = owner.changes(100).unwrap();
    owner.put(1, 10).unwrap();
    owner.put(1, 11).unwrap();
    owner.insert_new(1, 12).unwrap();
    owner.insert_new(2, 20).unwrap();
    owner.update_counter(&2, 1).unwrap();
    owner.update_counter(&3, 1).unwrap();
    owner.compare_and_swap(&3, &7, 8).unwrap();
    owner.compare_and_swap(&3, &1, 2).unwrap();
    owner.alter(&3, |_| Some(3)).unwrap();
    owner.alter(&3, |_| None).unwrap();
    owner.alter(&3, |_| None).unwrap();
    owner.delete(&3).unwrap();
    owner.take(&2).unwrap();
    owner.get(&1).unwrap();
    owner.select_delete(|key, _| *key == 1).unwrap();
    owner.clear().unwrap();
    assert_eq!(
        all(&mut changes),
        [
            put(1, 10),
            put(1, 11),
            put(2, 20),
            put(2, 21),
            put(3, 1),
            put(3, 2),
            put(3, 3),
            deleted(3, 3),
            deleted(2, 21),
            deleted(1, 11),
            deleted(9, 90),
        ]
    );
}

#[test]
fn rows_of_a_bag_are_told_one_by_one() {
    let owner: TableOwner<u32, u32, Bag> = owner();
    let mut changes = owner.changes(100).unwrap();
    for value in [10, 11, 12] {
        owner.put(1, value).unwrap();
    }
    owner.delete_row(&1, &11).unwrap();
    owner.delete(&1).unwrap();
    let told = [
        put(1, 10),
        put(1, 11),
        put(1, 12),
        deleted(1, 11),
        deleted(1, 10),
        deleted(1, 12),
    ];
    assert_eq!(all(&mut changes), told);
}

#[tokio::test(start_paused = true)]
async fn rows_whose_time_is_over_are_told_when_they_are_met() {
    let owner: TableOwner<u32, u32, OrderedSet> = owner();
    for key in 1..=4 {
        owner.put_with_ttl(key, key * 10, secs(1)).unwrap();
    }
    let mut changes = owner.changes(100).unwrap();
    tokio::time::advance(secs(1)).await;
    assert_eq!(all(&mut changes), []);
    owner.put(1, 11).unwrap();
    owner.delete(&2).unwrap();
    owner.alter(&3, |none| none).unwrap();
    owner.sweep().unwrap();
    assert_eq!(
        all(&mut changes),
        [put(1, 11), expired(2, 20), expired(3, 30), expired(4, 40)]
    );
}

#[test]
fn a_listener_that_falls_behind_is_told_how_many_it_missed_and_where() {
    let owner: TableOwner<u32, u32> = owner();
    let mut changes = owner.changes(2).unwrap();
    for key in 0..5 {
        owner.put(key, key).unwrap();
    }
    assert_eq!(changes.try_recv(), Some(put(0, 0)));
    owner.put(5, 5).unwrap();
    owner.put(6, 6).unwrap();
    assert_eq!(
        all(&mut changes),
        [put(1, 1), Change::Lost(3), put(5, 5), Change::Lost(1)]
    );
    owner.put(7, 7).unwrap();
    assert_eq!(all(&mut changes), [put(7, 7)]);
}

#[test]
fn without_capacity_a_listener_is_told_the_number_alone() {
    let owner: TableOwner<u32, u32> = owner();
    let mut changes = owner.changes(0).unwrap();
    owner.put(1, 1).unwrap();
    owner.alter(&1, |value| value).unwrap();
    assert_eq!(all(&mut changes), [Change::Lost(2)]);
}

#[test]
fn one_place_is_enough_for_an_alter() {
    let owner: TableOwner<u32, u32> = owner();
    owner.put(1, 1).unwrap();
    let mut changes = owner.changes(1).unwrap();
    owner.alter(&1, |_| Some(2)).unwrap();
    assert_eq!(all(&mut changes), [put(1, 2)]);
}

#[test]
fn what_is_lost_keeps_no_value_alive() {
    let alive = Alive::default();
    let owner: TableOwner<u32, crate::support::Counted> = owner();
    let mut changes = owner.changes(1).unwrap();
    for _ in 0..10 {
        owner.put(1, alive.value()).unwrap();
    }
    assert_eq!(alive.count(), 2, "the row, and the one change that is kept");
    drop(changes.try_recv());
    drop(owner);
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn a_waiting_listener_is_woken_by_a_change_and_by_the_end() {
    let owner: TableOwner<u32, u32> = owner();
    let mut changes = owner.changes(4).unwrap();
    let listener = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(change) = changes.recv().await {
            seen.push(change);
        }
        seen
    });
    testing::settle().await;
    owner.put(1, 10).unwrap();
    testing::settle().await;
    owner.put(1, 11).unwrap();
    testing::settle().await;
    drop(owner);
    assert_eq!(listener.await.unwrap(), [put(1, 10), put(1, 11)]);
}

#[tokio::test]
async fn what_came_before_the_end_is_received_after_it() {
    let owner: TableOwner<u32, u32> = owner();
    let mut changes = owner.changes(1).unwrap();
    owner.put(1, 10).unwrap();
    owner.put(2, 20).unwrap();
    drop(owner);
    assert!(!changes.is_finished());
    assert_eq!(changes.recv().await, Some(put(1, 10)));
    assert_eq!(changes.recv().await, Some(Change::Lost(1)));
    assert!(changes.is_finished());
    assert_eq!(changes.recv().await, None);
    assert_eq!(changes.recv().await, None);
}

#[tokio::test]
async fn a_dropped_receive_loses_no_change() {
    let owner: TableOwner<u32, u32> = owner();
    let mut changes = owner.changes(4).unwrap();
    for round in 0..5 {
        {
            let recv = pin!(changes.recv());
            assert!(
                recv.poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
        owner.put(1, round).unwrap();
        drop(changes.recv());
        assert_eq!(changes.recv().await, Some(put(1, round)));
    }
}

#[test]
fn a_dropped_listener_costs_nothing_any_more() {
    let alive = Alive::default();
    let owner: TableOwner<u32, crate::support::Counted> = owner();
    let changes = owner.changes(4).unwrap();
    owner.put(1, alive.value()).unwrap();
    assert_eq!(alive.count(), 2);
    drop(changes);
    assert_eq!(alive.count(), 1);
    assert_eq!(owner.info().unwrap().watchers, 0);
    owner.put(1, alive.value()).unwrap();
    assert_eq!(alive.count(), 1);
}

#[test]
fn a_listener_does_not_keep_the_rows_of_a_dead_table() {
    let alive = Alive::default();
    let owner: TableOwner<u32, crate::support::Counted> = owner();
    owner.put(1, alive.value()).unwrap();
    let changes = owner.changes(4).unwrap();
    drop(owner);
    assert_eq!(alive.count(), 0);
    drop(changes);
}

#[test]
fn two_listeners_hear_the_same() {
    let owner: TableOwner<u32, u32> = owner();
    let (mut one, mut two) = (owner.changes(9).unwrap(), owner.changes(9).unwrap());
    owner.put(1, 10).unwrap();
    owner.delete(&1).unwrap();
    assert_eq!(all(&mut one), [put(1, 10), deleted(1, 10)]);
    assert_eq!(all(&mut two), [put(1, 10), deleted(1, 10)]);
}

/// Under a lock it cannot be taken out of the table. It gathers nothing all the same.
#[test]
fn a_listener_that_is_dropped_under_a_lock_gathers_nothing() {
    let alive = Alive::default();
    let owner: TableOwner<u32, crate::support::Counted> = owner();
    owner.put(1, alive.value()).unwrap();
    let mut changes = Some(owner.changes(100).unwrap());
    owner.put(1, alive.value()).unwrap();
    owner.with(&1, |_| drop(changes.take())).unwrap();
    for _ in 0..50 {
        owner.put(1, alive.value()).unwrap();
    }
    assert_eq!(alive.count(), 1);
    drop(owner);
    assert_eq!(alive.count(), 0);
}
