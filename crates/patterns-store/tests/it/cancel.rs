//! Every future of a store, dropped at each of its `.await`s.

use std::future::Future;

use patterns_store::{Store, StoreConfig};
use testing::{at_each_await, polled, secs, settle};

use crate::support::{Alive, Counted};

/// Drops `make`'s future after ever more polls until one is done. After each the store works, and in the end nothing is left.
async fn dropped_at_each_await<F, T>(make: impl Fn(Store<u32, Counted>, Alive) -> F)
where
    F: Future<Output = T>,
{
    at_each_await(async |times| {
        let alive = Alive::default();
        let store: Store<u32, Counted> = Store::start(StoreConfig::default()).await.unwrap();
        store.put(1, alive.value()).await.unwrap();
        let table = store.table();
        let done = polled(make(store.clone(), alive.clone()), times).await;
        settle().await;
        if store.pid().is_some() {
            store.put(9, alive.value()).await.unwrap();
            assert!(store.get(9).await.unwrap().is_some());
            assert_eq!(alive.count(), store.size().await.unwrap());
        }
        drop(store);
        settle().await;
        assert!(table.is_closed());
        assert_eq!(alive.count(), 0);
        done
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_put_can_be_given_up_at_any_time() {
    dropped_at_each_await(|store, alive| async move { store.put(2, alive.value()).await.is_ok() })
        .await;
    dropped_at_each_await(|store, alive| async move {
        store.put_with_ttl(2, alive.value(), secs(60)).await.is_ok()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn reads_and_questions_can_be_given_up_at_any_time() {
    dropped_at_each_await(|store, _| async move { store.get(1).await.is_ok() }).await;
    dropped_at_each_await(|store, _| async move { store.member(1).await.is_ok() }).await;
    dropped_at_each_await(|store, _| async move { store.size().await.is_ok() }).await;
    dropped_at_each_await(|store, _| async move { store.stats().await.is_ok() }).await;
    dropped_at_each_await(|store, _| async move { store.info().await.is_ok() }).await;
}

#[tokio::test(start_paused = true)]
async fn removals_can_be_given_up_at_any_time() {
    dropped_at_each_await(|store, _| async move { store.delete(1).await.is_ok() }).await;
    dropped_at_each_await(|store, _| async move { store.clear().await.is_ok() }).await;
}

#[tokio::test(start_paused = true)]
async fn work_in_the_owner_can_be_given_up_at_any_time() {
    dropped_at_each_await(|store, alive| async move {
        let value = alive.value();
        let work = store.with_owner(move |owner| owner.insert_new(3, value).is_ok());
        work.await.is_ok()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_comparison_can_be_given_up_at_any_time() {
    dropped_at_each_await(|store, _| async move { store.compare_reads(20).await.is_ok() }).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_can_be_given_up_at_any_time() {
    dropped_at_each_await(|store, _| async move { store.stop().await.is_ok() }).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_can_be_given_up_at_any_time() {
    at_each_await(async |times| {
        let done = polled(Store::<u32, u32>::start(StoreConfig::default()), times).await;
        settle().await;
        done
    })
    .await;
    let left = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert!(left <= 2, "{left} tasks are left");
}
