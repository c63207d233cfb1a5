//! The process that owns a table: alone, as a child, and over restarts.

use std::collections::HashSet;

use otp_core::{Strategy, Supervisor};
use patterns_store::{
    Access, Bag, OrderedSet, Store, StoreConfig, StoreError, StorePutError, TableConfig, TableError,
};

use crate::support::{Alive, Counted, secs, settle, store};

#[tokio::test]
async fn what_is_put_through_the_owner_is_read_either_way() {
    let store: Store<&str, u32> = store().await;
    assert_eq!(store.put("a", 1).await.unwrap(), None);
    assert_eq!(store.put("a", 2).await.unwrap(), Some(1));
    assert_eq!(store.get("a").await.unwrap(), Some(2));
    assert_eq!(store.fetch("a"), Ok(Some(2)));
    assert_eq!(store.table().get("a"), Ok(Some(2)));
    assert!(store.member("a").await.unwrap());
    assert!(store.delete("a").await.unwrap());
    assert!(!store.delete("a").await.unwrap());
    store.put("b", 1).await.unwrap();
    assert_eq!(store.size().await.unwrap(), 1);
    store.clear().await.unwrap();
    assert_eq!(store.size().await.unwrap(), 0);
    assert_eq!(&*store.info().await.unwrap().name, "store");
}

#[tokio::test]
async fn every_type_of_table_can_have_a_process() {
    let bag: Store<&str, u32, Bag> = store().await;
    assert!(bag.put("a", 1).await.unwrap());
    assert!(!bag.put("a", 1).await.unwrap());
    assert_eq!(bag.get("a").await.unwrap(), [1]);
    assert_eq!(bag.fetch("a"), Ok(vec![1]));
    let ordered: Store<u32, u32, OrderedSet> = store().await;
    ordered.put(2, 20).await.unwrap();
    ordered.put(1, 10).await.unwrap();
    assert_eq!(ordered.table().first(), Ok(Some((1, 10))));
}

#[tokio::test]
async fn what_the_owner_refuses_comes_back_with_the_row() {
    let config = StoreConfig {
        table: TableConfig {
            max_rows: Some(1),
            ..TableConfig::default()
        },
        ..StoreConfig::default()
    };
    let store: Store<u32, u32> = Store::start(config).await.unwrap();
    store.put(1, 10).await.unwrap();
    let Err(StorePutError::Refused(refused)) = store.put(2, 20).await else {
        panic!("there was room");
    };
    assert_eq!(refused.error, TableError::Full);
    assert_eq!(refused.into_row(), (2, 20));
    let error = StoreError::from(store.put(2, 20).await.unwrap_err());
    assert!(matches!(error, StoreError::Table(TableError::Full)));
}

#[tokio::test]
async fn the_owner_may_do_everything_in_a_private_table_and_others_nothing() {
    let config = StoreConfig {
        table: TableConfig {
            access: Access::Private,
            ..TableConfig::default()
        },
        ..StoreConfig::default()
    };
    let store: Store<u32, u32> = Store::start(config).await.unwrap();
    store.put(1, 10).await.unwrap();
    assert_eq!(store.get(1).await.unwrap(), Some(10));
    let added = store.with_owner(|owner| owner.update_counter(&1, 5)).await;
    assert_eq!(added.unwrap(), Ok(15));
    assert!(matches!(
        store.fetch(&1),
        Err(TableError::NotAllowed { .. })
    ));
    let compared = store.compare_reads(10).await;
    assert!(matches!(
        compared,
        Err(StoreError::Table(TableError::NotAllowed { .. }))
    ));
}

#[tokio::test]
async fn a_stopped_store_says_so_and_its_table_is_dead() {
    let alive = Alive::default();
    let store: Store<u32, Counted> = store().await;
    store.put(1, alive.value()).await.unwrap();
    let table = store.table();
    store.stop().await.unwrap();
    assert_eq!(alive.count(), 0);
    assert!(store.pid().is_none());
    assert!(table.is_closed());
    assert!(matches!(store.fetch(&1), Err(TableError::Closed)));
    assert!(matches!(store.get(1).await, Err(StoreError::Call(_))));
    assert!(matches!(
        store.put(1, alive.value()).await,
        Err(StorePutError::Call(_))
    ));
    assert!(store.stop().await.is_err());
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn the_last_handle_takes_the_table_along_and_direct_handles_do_not_keep_it() {
    let store: Store<u32, u32> = store().await;
    let table = store.table();
    let other = store.clone();
    drop(store);
    settle().await;
    assert!(!table.is_closed());
    drop(other);
    settle().await;
    assert!(table.is_closed());
}

#[tokio::test]
async fn twenty_stores_leave_no_process_behind() {
    for _ in 0..20 {
        let store: Store<u32, u32> = store().await;
        store.put(1, 1).await.unwrap();
    }
    settle().await;
    let left = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert!(left <= 2, "{left} tasks are left");
}

#[test]
fn a_table_dies_with_the_runtime_of_its_store() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let store: Store<u32, u32> = runtime.block_on(store());
    runtime.block_on(store.put(1, 10)).unwrap();
    let table = store.table();
    assert_eq!(table.get(&1), Ok(Some(10)));
    drop(runtime);
    assert_eq!(table.get(&1), Err(TableError::Closed));
}

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
            pid.crash("on purpose");
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

#[tokio::test]
async fn a_comparison_tells_both_times_and_leaves_nothing() {
    let store: Store<u32, u32> = store().await;
    assert!(matches!(
        store.compare_reads(10).await,
        Err(StoreError::Empty)
    ));
    store.put(1, 10).await.unwrap();
    let before = store.stats().await.unwrap();
    let compared = store.compare_reads(2_000).await.unwrap();
    assert_eq!(compared.iterations, 2_000);
    assert!(compared.through_owner > std::time::Duration::ZERO);
    assert!(compared.direct > std::time::Duration::ZERO);
    let ratio = compared.through_owner.as_secs_f64() / compared.direct.as_secs_f64();
    assert_eq!(compared.speedup(), Some(ratio));
    assert_eq!(store.stats().await.unwrap(), before);
    assert_eq!(store.table().snapshot(), Ok(vec![(1, 10)]));
    assert_eq!(store.compare_reads(0).await.unwrap().speedup(), None);
}
