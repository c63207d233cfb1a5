//! `get_or_revalidate`: stale values while the next one is loaded.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use patterns_cache::{Cache, CacheConfig, Source};
use testing::{advance, ms, secs, settle};
use tokio::sync::Notify;

async fn stale_for(stale_for: Duration) -> Cache<&'static str, u32> {
    let config = CacheConfig {
        default_ttl: Some(secs(10)),
        stale_for,
        ..CacheConfig::default()
    };
    Cache::start(config).await.unwrap()
}

/// A load that counts how often it is begun, and returns that.
fn counted(
    loads: &Arc<AtomicU32>,
) -> impl FnOnce() -> std::future::Ready<Result<u32, &'static str>> + use<> {
    let loads = Arc::clone(loads);
    move || std::future::ready(Ok(loads.fetch_add(1, Ordering::SeqCst) + 1))
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_is_returned_at_once_while_the_next_is_loaded() {
    let (cache, loads) = (stale_for(secs(5)).await, Arc::default());
    let got = cache.get_or_revalidate(&"k", counted(&loads)).await;
    assert_eq!(got, Ok((1, Source::Loaded)));
    advance(ms(9_999)).await;
    let got = cache.get_or_revalidate(&"k", counted(&loads)).await;
    assert_eq!(got, Ok((1, Source::Fresh)));
    advance(ms(1)).await;
    let got = cache.get_or_revalidate(&"k", counted(&loads)).await;
    assert_eq!(got, Ok((1, Source::Stale)));
    settle().await;
    let got = cache.get_or_revalidate(&"k", counted(&loads)).await;
    assert_eq!(got, Ok((2, Source::Fresh)));
    let stats = cache.stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.stale, stats.loads),
        (2, 2, 1, 2)
    );
    assert_eq!(stats.expired, 1, "the stale one");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_staleness_is_exact() {
    let (cache, loads) = (stale_for(secs(5)).await, Arc::default());
    cache.put("k", 100);
    advance(ms(14_999)).await;
    let hang = || pending::<Result<u32, &str>>();
    assert_eq!(
        cache.get_or_revalidate(&"k", hang).await,
        Ok((100, Source::Stale))
    );
    cache.delete("k");
    cache.put("k", 100);
    advance(ms(15_000)).await;
    let got = cache.get_or_revalidate(&"k", counted(&loads)).await;
    assert_eq!(got, Ok((1, Source::Loaded)));
}

#[tokio::test(start_paused = true)]
async fn for_everything_else_a_stale_value_is_expired() {
    let cache = stale_for(secs(5)).await;
    cache.put("k", 1);
    advance(secs(12)).await;
    assert_eq!((cache.get("k"), cache.peek("k")), (None, None));
    assert!(!cache.contains_key("k") && cache.is_empty() && cache.keys().is_empty());
    assert_eq!(
        (cache.stats().keys, cache.stats().weight),
        (0, 1),
        "it keeps its memory"
    );
    let hang = || pending::<Result<u32, &str>>();
    assert_eq!(
        cache.get_or_revalidate(&"k", hang).await,
        Ok((1, Source::Stale)),
        "and is still here"
    );
    assert_eq!(cache.put("k", 2), None);
    assert_eq!(cache.get("k"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn sweeps_keep_what_is_stale_and_no_longer() {
    let cache = stale_for(secs(60)).await;
    cache.put("k", 1);
    advance(secs(30)).await;
    advance(secs(30)).await;
    assert_eq!((cache.stats().weight, cache.stats().expired), (1, 0));
    advance(secs(30)).await;
    assert_eq!((cache.stats().weight, cache.stats().expired), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn one_load_runs_for_a_stale_value_however_many_ask() {
    let (cache, loads) = (stale_for(secs(5)).await, Arc::new(AtomicU32::new(0)));
    let gate = Arc::new(Notify::new());
    cache.put("k", 0);
    advance(secs(11)).await;
    for _ in 0..100 {
        let (loads, gate) = (Arc::clone(&loads), Arc::clone(&gate));
        let load = move || async move {
            loads.fetch_add(1, Ordering::SeqCst);
            gate.notified().await;
            Ok::<_, &str>(7)
        };
        assert_eq!(
            cache.get_or_revalidate(&"k", load).await,
            Ok((0, Source::Stale))
        );
        settle().await;
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    let strict = tokio::spawn({
        let cache = cache.clone();
        async move {
            let load = async || -> Result<u32, &str> { unreachable!("one is under way") };
            cache.get_or_load_with_source(&"k", load).await
        }
    });
    settle().await;
    assert!(!strict.is_finished(), "who takes no stale value waits");
    gate.notify_one();
    assert_eq!(strict.await.unwrap(), Ok((7, Source::Coalesced)));
    assert_eq!(cache.get("k"), Some(7));
}

#[tokio::test(start_paused = true)]
async fn a_failed_or_panicking_load_leaves_the_stale_value() {
    let (cache, loads) = (stale_for(secs(5)).await, Arc::default());
    cache.put("k", 100);
    advance(secs(11)).await;
    let fails = || async { Err::<u32, _>("down") };
    assert_eq!(
        cache.get_or_revalidate(&"k", fails).await,
        Ok((100, Source::Stale))
    );
    settle().await;
    let panics = || async { std::panic::resume_unwind(Box::new("oh")) };
    let got = cache
        .get_or_revalidate::<_, _, _, u32, &str>(&"k", panics)
        .await;
    assert_eq!(got, Ok((100, Source::Stale)));
    settle().await;
    assert_eq!(cache.stats().failed_loads, 2);
    let got = cache.get_or_revalidate(&"k", counted(&loads)).await;
    assert_eq!(got, Ok((100, Source::Stale)));
    settle().await;
    assert_eq!(cache.get("k"), Some(1), "the next call begins another load");
}

#[tokio::test(start_paused = true)]
async fn without_its_process_a_cache_loads_when_the_stale_value_is_over() {
    let (cache, loads) = (stale_for(secs(5)).await, Arc::default());
    cache.put("k", 100);
    cache.stop().await.unwrap();
    advance(secs(11)).await;
    let got = cache.get_or_revalidate(&"k", counted(&loads)).await;
    assert_eq!(got, Ok((100, Source::Stale)));
    settle().await;
    assert_eq!(loads.load(Ordering::SeqCst), 0);
    advance(secs(5)).await;
    let got = cache.get_or_revalidate(&"k", counted(&loads)).await;
    assert_eq!(got, Ok((1, Source::Loaded)));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_nobody_waits_for_ends_with_the_last_handle() {
    let cache = stale_for(secs(5)).await;
    cache.put("k", 100);
    advance(secs(11)).await;
    let held = Arc::new(());
    let holds = Arc::clone(&held);
    let hangs = move || async move {
        let _holds = holds;
        pending::<Result<u32, &str>>().await
    };
    cache.get_or_revalidate(&"k", hangs).await.unwrap();
    settle().await;
    assert_eq!(Arc::strong_count(&held), 2);
    drop(cache);
    settle().await;
    assert_eq!(Arc::strong_count(&held), 1);
}
