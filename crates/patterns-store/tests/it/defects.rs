//! What was wrong with the store of the original, each with its test.

use patterns_store::{
    Access, Bag, OrderedSet, Store, StoreConfig, StoreError, TableConfig, TableError, TableOwner,
};
use testing::settle;

use crate::support::{public, store};

/// There, `:public` followed by `:protected` left the table public, and every process could write it.
#[tokio::test]
async fn a_store_is_protected_unless_it_is_told_otherwise() {
    let store: Store<u32, u32> = store().await;
    store.put(1, 10).await.unwrap();
    let table = store.table();
    let elsewhere =
        std::thread::spawn(move || (table.put(1, 11).unwrap_err().error, table.clear()));
    let refused = elsewhere.join().unwrap();
    assert!(matches!(
        refused.0,
        TableError::NotAllowed {
            access: Access::Protected,
            ..
        }
    ));
    assert!(refused.1.is_err());
    assert_eq!(store.get(1).await.unwrap(), Some(10));
}

/// There, the options were a list in which one silently undid another.
#[test]
fn an_access_is_one_value_and_cannot_contradict_itself() {
    for access in [Access::Public, Access::Protected, Access::Private] {
        let owner: TableOwner<u32, u32> = TableOwner::new(TableConfig {
            access,
            ..TableConfig::default()
        })
        .unwrap();
        assert_eq!(owner.info().unwrap().access, access);
    }
}

/// There, direct reads and `member?` were missing in the stats.
#[tokio::test]
async fn direct_reads_and_member_are_counted() {
    let store: Store<u32, u32> = store().await;
    store.put(1, 10).await.unwrap();
    store.fetch(&1).unwrap();
    store.fetch(&2).unwrap();
    store.member(1).await.unwrap();
    store.table().member(&2).unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.hits, stats.misses), (2, 2));
}

/// There, a key of a bag with one value gave the value, and with two a list.
#[tokio::test]
async fn a_bag_gives_a_list_of_one_value_too() {
    let store: Store<&str, Vec<u32>, Bag> = store().await;
    store.put("a", vec![1, 2]).await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), [vec![1, 2]]);
    assert_eq!(store.fetch("a"), Ok(vec![vec![1, 2]]));
}

/// There, asking an ordered set for 1.0 where 1 is stored ended the owner, and the table with it. Here keys have one type; of
/// those that compare equal without being the same, one is found by the other.
#[tokio::test]
async fn a_key_that_compares_equal_finds_the_row_and_ends_nobody() {
    #[derive(Debug, Clone, Copy)]
    enum Number {
        Whole(i32),
        Real(f64),
    }
    impl Number {
        fn value(self) -> f64 {
            match self {
                Self::Whole(number) => f64::from(number),
                Self::Real(number) => number,
            }
        }
    }
    impl PartialEq for Number {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }
    impl Eq for Number {}
    impl PartialOrd for Number {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Number {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.value().total_cmp(&other.value())
        }
    }
    let store: Store<Number, u32, OrderedSet> = store().await;
    store.put(Number::Whole(1), 10).await.unwrap();
    assert_eq!(store.get(Number::Real(1.0)).await.unwrap(), Some(10));
    assert_eq!(store.fetch(&Number::Real(1.0)), Ok(Some(10)));
    assert!(store.pid().is_some());
    assert_eq!(store.size().await.unwrap(), 1);
}

/// There, a comparison counted its own reads as hits, and destroyed a row of the user's under its fixed key.
#[tokio::test]
async fn a_comparison_counts_nothing_and_touches_no_row() {
    let store: Store<String, u32> = store().await;
    for key in ["a", "bench", "__bench__", "compare_reads"] {
        store.put(key.to_owned(), 7).await.unwrap();
    }
    let before = store.table().snapshot().unwrap();
    let stats = store.stats().await.unwrap();
    store.compare_reads(100).await.unwrap();
    let sorted = |mut rows: Vec<(String, u32)>| {
        rows.sort_unstable();
        rows
    };
    assert_eq!(sorted(store.table().snapshot().unwrap()), sorted(before));
    assert_eq!(store.stats().await.unwrap(), stats);
}

/// There, a direct read after the owner's end raised in the reader.
#[tokio::test]
async fn a_direct_read_after_the_owners_end_is_an_error_and_no_panic() {
    let store: Store<u32, u32> = store().await;
    store.put(1, 10).await.unwrap();
    let table = store.table();
    store.pid().unwrap().kill();
    settle().await;
    assert_eq!(table.get(&1), Err(TableError::Closed));
    assert_eq!(store.fetch(&1), Err(TableError::Closed));
    assert!(matches!(store.get(1).await, Err(StoreError::Call(_))));
}

/// There, no heir could be named, so a crash of the owner cost the rows.
#[test]
fn an_heir_keeps_the_rows() {
    let owner: TableOwner<u32, u32> = TableOwner::new(public()).unwrap();
    owner.put(1, 10).unwrap();
    let (send, heir) = std::sync::mpsc::channel();
    owner.set_heir(move |owner| send.send(owner).unwrap());
    drop(owner);
    assert_eq!(heir.recv().unwrap().get(&1), Ok(Some(10)));
}

/// There, each start made an atom that was never freed. Here a name is a text that goes with the table.
#[test]
fn a_name_goes_with_its_table() {
    let name: std::sync::Arc<str> = "a name".into();
    let owner: TableOwner<u32, u32> = TableOwner::new(TableConfig {
        name: std::sync::Arc::clone(&name),
        ..TableConfig::default()
    })
    .unwrap();
    assert_eq!(std::sync::Arc::strong_count(&name), 2);
    drop(owner);
    assert_eq!(std::sync::Arc::strong_count(&name), 1);
}

/// There, a bad table type failed when the process started. Here it does not compile; what can still be wrong is refused
/// before any process is started.
#[tokio::test]
async fn a_bad_option_is_refused_before_a_process_is_started() {
    let config = StoreConfig {
        table: TableConfig {
            max_rows: Some(0),
            ..TableConfig::default()
        },
        ..StoreConfig::default()
    };
    assert!(Store::<u32, u32>::start(config).await.is_err());
    let alive = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(alive, 0);
}

/// There, the docs said that a direct read copies nothing. It does here as well, and where it must not, there is `with`.
#[test]
fn a_value_can_be_looked_at_without_a_copy() {
    struct Large([u8; 4_096]);
    let owner: TableOwner<u32, Large> = TableOwner::new(public()).unwrap();
    owner.put(1, Large([7; 4_096])).unwrap();
    assert_eq!(owner.with(&1, |large| large.0[4_095]), Ok(Some(7)));
}
