//! The process behind a cache: its start, its end, and what works without it.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use patterns_cache::{Cache, CacheConfig, StartError, StopError};
use testing::{advance, secs, settle};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::support::{Drops, cache};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Does `work` twenty times, and checks that it leaves no process behind. A runtime in which there
/// were processes may keep a task or two for all of them.
async fn leaves_no_process(work: impl AsyncFn()) {
    for _ in 0..20 {
        work().await;
    }
    settle().await;
    let left = Handle::current().metrics().num_alive_tasks();
    assert!(left <= 2, "{left} tasks are left");
}

#[test]
fn a_start_without_a_runtime_is_an_error() {
    let start = pin!(Cache::<u64, u64>::start(CacheConfig::default()));
    let Poll::Ready(result) = start.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for a runtime that is not there");
    };
    let error = result.unwrap_err();
    assert!(matches!(error, StartError::NoRuntime));
    assert_eq!(error.to_string(), "there is no tokio runtime here");
}

#[test]
fn reads_writes_and_exact_expiry_work_after_the_runtime_was_dropped() {
    let runtime = runtime();
    let cache = runtime.block_on(cache());
    cache.put("before", 1);
    drop(runtime);
    assert_eq!(cache.get("before"), Some(1));
    assert_eq!(cache.put("after", 2), None);
    assert_eq!(cache.delete("before"), Some(1));
    assert_eq!(
        cache.put_with_ttl("short", 3, Duration::from_millis(1)),
        None
    );
    let begin = Instant::now();
    while cache.contains_key("short") {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "it never expires"
        );
    }
    assert!(begin.elapsed() >= Duration::from_micros(900));
    assert_eq!(cache.keys(), ["after"]);
    assert_eq!(cache.stats().keys, 1);
    cache.clear();
    assert!(cache.is_empty());
}

#[test]
fn sync_threads_use_a_cache_without_knowing_of_a_runtime() {
    let runtime = runtime();
    let cache = runtime.block_on(cache());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = cache.clone();
            scope.spawn(move || cache.put(thread, thread));
        }
    });
    assert_eq!(cache.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_everything_goes_on_but_the_sweeping() {
    let cache = cache().await;
    let drops = Drops::default();
    cache.put_with_ttl(1, drops.value(), secs(1));
    assert!(cache.pid().is_some());
    cache.stop().await.unwrap();
    assert!(cache.pid().is_none());
    advance(secs(100)).await;
    assert_eq!(drops.count(), 0, "nothing sweeps");
    assert!(!cache.contains_key(&1), "expiry is exact");
    assert_eq!(cache.len(), 0);
    cache.put(2, drops.value());
    assert!(cache.contains_key(&2));
}

#[tokio::test]
async fn a_stop_ends_the_process_though_handles_are_left() {
    let kept = Mutex::new(Vec::new());
    leaves_no_process(async || {
        let cache: Cache<u64, u64> = cache().await;
        cache.stop().await.unwrap();
        kept.lock().unwrap().push(cache);
    })
    .await;
}

#[tokio::test]
async fn stopping_twice_or_after_another_handle_did_finds_no_process() {
    let cache: Cache<u64, u64> = cache().await;
    let other = cache.clone();
    cache.stop().await.unwrap();
    assert!(matches!(cache.stop().await, Err(StopError::NoProc)));
    assert!(matches!(other.stop().await, Err(StopError::NoProc)));
    assert_eq!(other.put(1, 1), None);
}

#[test]
fn stopping_after_the_runtime_was_dropped_finds_no_process() {
    let first = runtime();
    let cache: Cache<u64, u64> = first.block_on(cache());
    drop(first);
    let stopped = runtime().block_on(cache.stop());
    assert!(matches!(stopped, Err(StopError::NoProc)));
}

#[tokio::test]
async fn a_stop_that_is_dropped_after_its_first_poll_still_ends_the_process() {
    let kept = Mutex::new(Vec::new());
    leaves_no_process(async || {
        let cache: Cache<u64, u64> = cache().await;
        assert!(
            pin!(cache.stop())
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        kept.lock().unwrap().push(cache);
    })
    .await;
}

#[tokio::test]
async fn the_last_handle_takes_the_entries_and_the_process_with_it() {
    leaves_no_process(async || {
        let cache = cache().await;
        let value = Arc::new(());
        cache.put(1, Arc::clone(&value));
        let other = cache.clone();
        drop(cache);
        settle().await;
        assert_eq!(Arc::strong_count(&value), 2, "a handle is left");
        drop(other);
        assert_eq!(Arc::strong_count(&value), 1, "the entries go at once");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_that_goes_during_a_sweep_ends_it() {
    leaves_no_process(async || {
        let cache = cache().await;
        let drops = Drops::default();
        for key in 0..5_000 {
            cache.put_with_ttl(key, drops.value(), secs(1));
        }
        tokio::time::advance(secs(30)).await;
        tokio::task::yield_now().await;
        assert!(
            (1..5_000).contains(&drops.count()),
            "the sweep is on its way"
        );
        drop(cache);
        assert_eq!(drops.count(), 5_000);
    })
    .await;
}

#[tokio::test]
async fn a_start_that_is_dropped_at_any_await_leaves_no_process() {
    for polls in 0..3 {
        leaves_no_process(async || {
            let mut start = pin!(Cache::<u64, u64>::start(CacheConfig::default()));
            for _ in 0..polls {
                if start
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_ready()
                {
                    break;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[test]
fn a_handle_can_be_shared_and_sent_and_so_can_its_futures() {
    fn check<T: Send + Sync + Unpin + 'static>(_: &T) {}
    fn check_future<T: Send>(_: &T) {}
    let runtime = runtime();
    let cache: Cache<String, String> = runtime.block_on(cache());
    check(&cache);
    check_future(&cache.stop());
    check_future(&Cache::<String, String>::start(CacheConfig::default()));
}
