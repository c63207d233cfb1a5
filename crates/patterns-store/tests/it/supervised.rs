//! A store whose process is a child of a supervisor, and its restarts.

use std::collections::HashSet;

use otp_core::{Strategy, Supervisor};
use patterns_store::{Store, StoreConfig, StoreError, TableError};
use testing::secs;

use crate::support::{Alive, Counted};

fn keeping(keep_over_restart: bool) -> StoreConfig {
    StoreConfig {
        keep_over_restart,
        ..StoreConfig::default()
    }
}

#[tokio::test]
async fn without_keeping_a_restart_begins_with_an_empty_table() {
    let (child, store) = Store::<u32, u32>::child("store", keeping(false)).unwrap();
    assert_eq!(
        store.fetch(&1),
        Err(TableError::Closed),
        "it has not started"
    );
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    store.put(1, 10).await.unwrap();
    let table = store.table();
    store.pid().unwrap().kill();
    assert_eq!(store.get(1).await.unwrap(), None);
    assert_eq!(
        table.get(&1),
        Err(TableError::Closed),
        "that was another table"
    );
    store.put(1, 11).await.unwrap();
    assert_eq!(store.fetch(&1), Ok(Some(11)));
    tree.stop().await.unwrap();
}

#[tokio::test]
async fn with_keeping_rows_handles_indexes_and_listeners_survive_any_number_of_restarts() {
    let alive = Alive::default();
    let (child, store) = Store::<u32, Counted>::child("store", keeping(true)).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .intensity(100, secs(1))
        .child(child)
        .start()
        .await
        .unwrap();
    store.put(0, alive.value()).await.unwrap();
    let table = store.table();
    let index = store
        .with_owner(|owner| owner.index(|key, _| *key))
        .await
        .unwrap()
        .unwrap();
    let mut changes = table.changes(100).unwrap();
    let mut pids = HashSet::new();
    for round in 1..=20 {
        let pid = store.pid().unwrap();
        if round % 2 == 0 {
            pid.kill();
        } else {
            pid.crash("as told");
        }
        assert!(pids.insert(pid.to_string()));
        store.put(round, alive.value()).await.unwrap();
        assert_eq!(table.size().unwrap(), round as usize + 1);
        assert_eq!(index.get(&round).unwrap().len(), 1);
        assert!(changes.recv().await.is_some());
    }
    assert_eq!(alive.count(), 21);
    tree.stop().await.unwrap();
    assert!(table.is_closed());
    assert!(changes.recv().await.is_none());
    drop((changes, index));
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn a_kept_table_dies_when_the_child_is_forgotten() {
    let alive = Alive::default();
    let (child, store) = Store::<u32, Counted>::child("store", keeping(true)).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    store.put(1, alive.value()).await.unwrap();
    tree.terminate_child("store").await.unwrap();
    assert_eq!(alive.count(), 1, "it may be started again");
    tree.restart_child("store").await.unwrap();
    assert!(store.get(1).await.unwrap().is_some());
    tree.terminate_child("store").await.unwrap();
    tree.delete_child("store").await.unwrap();
    assert_eq!(alive.count(), 0);
    assert!(store.table().is_closed());
    tree.stop().await.unwrap();
}

#[tokio::test]
async fn a_specification_that_is_never_started_leaves_nothing() {
    let (child, store) = Store::<u32, u32>::child("store", keeping(true)).unwrap();
    drop(child);
    assert!(matches!(store.get(1).await, Err(StoreError::Call(_))));
    assert_eq!(store.fetch(&1), Err(TableError::Closed));
}
