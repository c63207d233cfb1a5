//! What a config may hold.

use std::time::Duration;

use patterns_store::{Access, OrderedSet, Store, StoreConfig, TableConfig, TableOwner};
use testing::secs;

fn refused(config: TableConfig) -> (String, &'static str) {
    match TableOwner::<u32, u32>::new(config) {
        Err(error) => (error.to_string(), error.option),
        Ok(owner) => panic!("{owner:?}"),
    }
}

#[test]
fn the_defaults_are_as_documented() {
    let table = TableConfig {
        name: "table".into(),
        access: Access::Protected,
        write_concurrency: true,
        max_rows: None,
    };
    assert_eq!(TableConfig::default(), table);
    let store = StoreConfig {
        table: TableConfig {
            name: "store".into(),
            ..table
        },
        sweep_interval: secs(30),
        keep_over_restart: false,
    };
    assert_eq!(StoreConfig::default(), store);
}

#[tokio::test]
async fn a_bound_of_zero_is_refused_by_name_and_range() {
    let config = TableConfig {
        max_rows: Some(0),
        ..TableConfig::default()
    };
    let text = "option `max_rows` must be 1 or more, or `None` for no bound";
    assert_eq!(refused(config.clone()), (text.to_owned(), "max_rows"));
    let config = StoreConfig {
        table: config,
        ..StoreConfig::default()
    };
    let error = Store::<u32, u32>::start(config.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), text);
    assert!(Store::<u32, u32>::child("child", config).is_err());
}

#[tokio::test]
async fn a_sweep_interval_of_zero_is_refused_by_name_and_range() {
    let config = StoreConfig {
        sweep_interval: Duration::ZERO,
        ..StoreConfig::default()
    };
    let error = Store::<u32, u32>::start(config).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "option `sweep_interval` must be more than zero; `Duration::MAX` means never"
    );
}

#[tokio::test(start_paused = true)]
async fn the_longest_sweep_interval_is_never() {
    let config = StoreConfig {
        sweep_interval: Duration::MAX,
        ..StoreConfig::default()
    };
    let alive = crate::support::Alive::default();
    let store = Store::<u32, crate::support::Counted>::start(config)
        .await
        .unwrap();
    store.put_with_ttl(1, alive.value(), secs(1)).await.unwrap();
    testing::advance(secs(1_000_000)).await;
    assert_eq!(alive.count(), 1);
    assert_eq!(store.size().await.unwrap(), 0);
}

#[test]
fn without_write_concurrency_there_is_one_lock() {
    let info = |write_concurrency| {
        let config = TableConfig {
            write_concurrency,
            ..TableConfig::default()
        };
        let owner = TableOwner::<u32, u32>::new(config).unwrap();
        for key in 0..1_000 {
            owner.put(key, key).unwrap();
        }
        assert_eq!(owner.get(&7), Ok(Some(7)));
        owner.info().unwrap()
    };
    assert_eq!(info(false).shards, 1);
    assert!(info(true).shards >= 8);
    assert_eq!(info(true).size, 1_000);
}

#[test]
fn an_ordered_set_has_one_lock_in_any_case() {
    let owner: TableOwner<u32, u32, OrderedSet> = TableOwner::new(TableConfig::default()).unwrap();
    let info = owner.info().unwrap();
    assert_eq!((info.shards, info.table_type), (1, "ordered_set"));
}

#[test]
fn the_name_is_told() {
    let config = TableConfig {
        name: "sessions".into(),
        ..TableConfig::default()
    };
    let owner = TableOwner::<u32, u32>::new(config).unwrap();
    assert_eq!(&*owner.info().unwrap().name, "sessions");
    assert!(format!("{owner:?}").contains("sessions"));
}
