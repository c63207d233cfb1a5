//! `time_to_idle`: entries that nobody reads.

use std::time::Duration;

use patterns_cache::{Cache, CacheConfig};
use testing::{advance, ms, secs};

async fn idle(time_to_idle: Duration) -> Cache<&'static str, u32> {
    let time_to_idle = Some(time_to_idle);
    Cache::start(CacheConfig {
        time_to_idle,
        ..CacheConfig::default()
    })
    .await
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_read_lives_on_and_one_that_is_not_is_gone_to_the_millisecond() {
    let cache = idle(secs(10)).await;
    cache.extend([("read", 1), ("unread", 2)]);
    for _ in 0..5 {
        advance(ms(9_999)).await;
        assert_eq!(cache.get("read"), Some(1));
    }
    assert_eq!(cache.get("unread"), None);
    advance(secs(10)).await;
    assert_eq!(cache.get("read"), None);
    assert_eq!((cache.len(), cache.stats().expired), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn only_get_and_put_are_uses() {
    let cache = idle(secs(10)).await;
    cache.extend([("peek", 1), ("contains", 2), ("put", 3)]);
    advance(secs(6)).await;
    assert!(cache.peek("peek").is_some() && cache.contains_key("contains"));
    assert_eq!((cache.keys().len(), cache.stats().keys), (3, 3));
    assert_eq!(cache.put("put", 4), Some(3));
    advance(secs(6)).await;
    assert_eq!(cache.keys(), ["put"]);
}

#[tokio::test(start_paused = true)]
async fn whichever_time_is_over_first_counts() {
    let cache = idle(secs(10)).await;
    cache.put_with_ttl("k", 1, secs(12));
    cache.put_with_ttl("for ever", 2, Duration::MAX);
    advance(secs(9)).await;
    assert!(cache.get("k").is_some() && cache.get("for ever").is_some());
    advance(ms(2_999)).await;
    assert_eq!(cache.get("k"), Some(1));
    advance(ms(1)).await;
    assert_eq!(cache.get("k"), None, "its time to live");
    advance(secs(7)).await;
    assert_eq!(cache.get("for ever"), None, "its time to idle");
}

#[tokio::test(start_paused = true)]
async fn a_huge_time_to_idle_is_for_ever() {
    let cache = idle(Duration::MAX).await;
    cache.put("k", 1);
    advance(secs(100 * 365 * 86_400)).await;
    assert_eq!(cache.get("k"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn what_idles_is_swept_out_and_what_is_read_is_not() {
    let cache = idle(secs(40)).await;
    cache.extend([("read", 1), ("unread", 2)]);
    for _ in 0..3 {
        advance(secs(30)).await;
        cache.get("read");
    }
    assert_eq!((cache.stats().weight, cache.stats().expired), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn in_a_full_cache_what_idled_too_long_goes_first() {
    let cache = Cache::start(CacheConfig {
        time_to_idle: Some(secs(10)),
        max_entries: Some(10),
        sweep_interval: Duration::MAX,
        ..CacheConfig::default()
    })
    .await
    .unwrap();
    cache.put(0, 0);
    advance(secs(5)).await;
    cache.extend((1..10).map(|key| (key, key)));
    advance(secs(5)).await;
    cache.put(10, 10);
    let stats = cache.stats();
    assert_eq!((stats.expired, stats.evicted, stats.keys), (1, 0, 10));
}
