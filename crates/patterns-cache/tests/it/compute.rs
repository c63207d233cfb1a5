//! `compute`: a change of one key as one step.

use std::cell::Cell;
use std::convert::Infallible;

use patterns_cache::{Cache, Compute};
use testing::{advance, secs, settle};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::support::cache;

#[tokio::test(start_paused = true)]
async fn it_does_what_is_computed() {
    let cache: Cache<&str, u32> = cache().await;
    let put = async |value: Option<u32>| Compute::Put(value.map_or(1, |value| value + 1));
    assert_eq!(cache.compute(&"k", put).await, Some(1));
    assert_eq!(cache.compute(&"k", put).await, Some(2));
    assert_eq!(cache.compute(&"k", async |_| Compute::Keep).await, Some(2));
    assert_eq!(cache.get("k"), Some(2));
    assert_eq!(cache.compute(&"k", async |_| Compute::Delete).await, None);
    assert_eq!(cache.get("k"), None);
    assert_eq!(cache.compute(&"k", async |_| Compute::Keep).await, None);
    assert!(cache.is_empty(), "keeping nothing puts nothing");
    let short = async |_| Compute::PutWithTtl(5, secs(1));
    assert_eq!(cache.compute(&"k", short).await, Some(5));
    advance(secs(1)).await;
    let over = async |value: Option<u32>| {
        assert_eq!(value, None, "what is over is not there");
        Compute::Keep
    };
    assert_eq!(cache.compute(&"k", over).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_is_lost_however_many_compute_and_put_at_the_same_time() {
    let cache: Cache<String, u64> = cache().await;
    let tasks: Vec<_> = (0..100)
        .map(|task| {
            let cache = cache.clone();
            tokio::spawn(async move {
                let key = ["a", "b", "c"][task % 3];
                for _ in 0..50 {
                    let add = async |value: Option<u64>| {
                        yield_now().await;
                        Compute::Put(value.unwrap_or(0) + 1)
                    };
                    assert!(cache.compute(key, add).await.is_some());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let sums = ["a", "b", "c"].map(|key| cache.get(key).unwrap());
    assert_eq!(sums, [1_700, 1_650, 1_650]);
}

#[tokio::test]
async fn it_is_asked_again_if_the_entry_was_put_or_deleted_meanwhile() {
    let cache: Cache<&str, u32> = cache().await;
    cache.put("k", 1);
    let asked = Cell::new(0);
    let after = cache.compute(&"k", async |value| {
        asked.set(asked.get() + 1);
        match asked.get() {
            1 => {
                assert_eq!(value, Some(1));
                cache.put("k", 10);
            }
            2 => {
                assert_eq!(value, Some(10));
                cache.delete("k");
            }
            _ => assert_eq!(value, None),
        }
        Compute::Put(value.unwrap_or(100) + 1)
    });
    assert_eq!(after.await, Some(101));
    assert_eq!((asked.get(), cache.get("k")), (3, Some(101)));
}

#[tokio::test]
async fn computes_and_loads_of_a_key_take_turns() {
    let cache: Cache<&str, u32> = cache().await;
    let (gate, opened) = oneshot::channel::<()>();
    let computing = tokio::spawn({
        let (cache, mut opened) = (cache.clone(), Some(opened));
        async move {
            let slow = |_| {
                let opened = opened.take();
                async move {
                    opened.unwrap().await.unwrap();
                    Compute::Put(1)
                }
            };
            cache.compute(&"k", slow).await
        }
    });
    settle().await;
    let loading = tokio::spawn({
        let cache = cache.clone();
        async move {
            let load = async || -> Result<u32, Infallible> { unreachable!("computed by then") };
            cache.get_or_load(&"k", load).await
        }
    });
    settle().await;
    assert!(!loading.is_finished());
    gate.send(()).unwrap();
    assert_eq!(computing.await.unwrap(), Some(1));
    assert_eq!(loading.await.unwrap(), Ok(1));
}

#[tokio::test]
async fn a_panic_or_a_dropped_future_changes_nothing_and_frees_the_key() {
    let cache: Cache<&str, u32> = cache().await;
    cache.put("k", 1);
    let panicking = tokio::spawn({
        let cache = cache.clone();
        async move {
            let panics = async |_: Option<u32>| -> Compute<u32> {
                std::panic::resume_unwind(Box::new("oh"))
            };
            cache.compute(&"k", panics).await
        }
    });
    assert!(panicking.await.unwrap_err().is_panic());
    let hanging = tokio::spawn({
        let cache = cache.clone();
        async move { cache.compute(&"k", |_| std::future::pending()).await }
    });
    settle().await;
    hanging.abort();
    assert!(hanging.await.is_err());
    assert_eq!(cache.get("k"), Some(1));
    let put = async |value: Option<u32>| Compute::Put(value.unwrap() + 1);
    assert_eq!(cache.compute(&"k", put).await, Some(2));
    assert_eq!(cache.stats().failed_loads, 0, "it is no load");
}

#[tokio::test]
async fn a_compute_inside_a_compute_of_the_same_key_panics_where_it_would_wait_for_itself() {
    let cache: Cache<&str, u32> = cache().await;
    let nested = tokio::spawn(async move {
        let inner = cache.clone();
        let outer = async |_| {
            inner.compute(&"k", async |_| Compute::Put(1)).await;
            Compute::Keep
        };
        cache.compute(&"k", outer).await
    });
    let panic = nested.await.unwrap_err().into_panic();
    assert!(
        panic
            .downcast_ref::<&str>()
            .unwrap()
            .contains("asks for that key")
    );
}
