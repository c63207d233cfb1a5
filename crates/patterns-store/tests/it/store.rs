//! The process that owns a table.

use patterns_store::{
    Access, Bag, OrderedSet, Store, StoreConfig, StoreError, StorePutError, TableConfig, TableError,
};

use crate::support::store;

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
