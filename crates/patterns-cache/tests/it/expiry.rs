//! When an entry is over. Nothing here depends on a sweep: the first is due after 30 s.

use std::time::Duration;

use patterns_cache::{Cache, CacheConfig};
use testing::{ms, secs};
use tokio::time::advance;

use crate::support::cache;

const NANO: Duration = Duration::from_nanos(1);

#[tokio::test(start_paused = true)]
async fn an_entry_lives_until_the_very_nanosecond_of_its_deadline() {
    let cache = cache().await;
    cache.put_with_ttl("key", 1, secs(1));
    advance(secs(1) - NANO).await;
    assert_eq!(cache.get("key"), Some(1));
    advance(NANO).await;
    assert_eq!(cache.get("key"), None);
}

#[tokio::test(start_paused = true)]
async fn an_expired_entry_is_gone_for_every_operation() {
    let cache = cache().await;
    let expired = || async {
        cache.put_with_ttl("key", 1, secs(1));
        assert!(cache.contains_key("key"));
        assert_eq!((cache.len(), cache.keys()), (1, vec!["key"]));
        advance(secs(1)).await;
    };
    expired().await;
    assert_eq!(cache.len(), 0);
    expired().await;
    assert!(cache.is_empty());
    expired().await;
    assert_eq!(cache.keys(), Vec::<&str>::new());
    expired().await;
    assert!(!cache.contains_key("key"));
    expired().await;
    assert_eq!(cache.delete("key"), None);
    expired().await;
    assert_eq!(cache.put("key", 2), None);
    assert_eq!(cache.delete("key"), Some(2));
    expired().await;
    assert_eq!(cache.put_with_ttl("key", 2, Duration::ZERO), None);
    expired().await;
    assert_eq!(cache.get("key"), None);
    expired().await;
    assert_eq!(cache.stats().keys, 0);
}

#[tokio::test(start_paused = true)]
async fn an_expired_read_is_a_miss_and_removes_the_entry() {
    let cache = cache().await;
    cache.put_with_ttl("key", 1, secs(1));
    advance(secs(1)).await;
    assert_eq!(cache.stats().expired, 0);
    assert_eq!(cache.get("key"), None);
    let stats = cache.stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.keys, stats.expired),
        (0, 1, 0, 1)
    );
    assert_eq!(cache.get("key"), None);
    assert_eq!(cache.stats().expired, 1, "it was removed by the first read");
}

#[tokio::test(start_paused = true)]
async fn without_a_time_to_live_an_entry_stays() {
    let cache = cache().await;
    cache.put("key", 1);
    advance(secs(100 * 365 * 86_400)).await;
    assert_eq!(cache.get("key"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_of_zero_expires_at_once_and_ends_what_was_there() {
    let cache = cache().await;
    assert_eq!(cache.put_with_ttl("key", 1, Duration::ZERO), None);
    assert_eq!(cache.get("key"), None);
    cache.put("key", 2);
    assert_eq!(cache.put_with_ttl("key", 3, Duration::ZERO), Some(2));
    assert_eq!(cache.get("key"), None);
    assert!(cache.is_empty());
    assert_eq!(cache.stats().expired, 2);
}

#[tokio::test(start_paused = true)]
async fn a_huge_time_to_live_is_for_ever_and_overflows_nothing() {
    let cache = cache().await;
    let nearly = [
        Duration::MAX,
        Duration::MAX - NANO,
        Duration::from_secs(u64::MAX),
        Duration::from_nanos(u64::MAX),
        Duration::from_nanos(u64::MAX) - NANO,
        Duration::from_nanos(u64::MAX) + NANO,
    ];
    advance(secs(1)).await;
    for (key, ttl) in nearly.into_iter().enumerate() {
        cache.put_with_ttl(key, key, ttl);
    }
    advance(secs(100 * 365 * 86_400)).await;
    assert_eq!(cache.len(), nearly.len());
    assert_eq!(cache.get(&0), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_put_replaces_the_time_to_live_too() {
    let cache = cache().await;
    cache.put_with_ttl("longer", 1, secs(1));
    cache.put_with_ttl("longer", 2, secs(10));
    cache.put_with_ttl("for ever", 1, secs(1));
    cache.put("for ever", 2);
    cache.put("shorter", 1);
    cache.put_with_ttl("shorter", 2, secs(1));
    advance(secs(1)).await;
    assert_eq!(cache.get("longer"), Some(2));
    assert_eq!(cache.get("for ever"), Some(2));
    assert_eq!(cache.get("shorter"), None);
}

#[tokio::test(start_paused = true)]
async fn reading_does_not_prolong_a_life() {
    let cache = cache().await;
    cache.put_with_ttl("key", 1, ms(1_000));
    for _ in 0..9 {
        advance(ms(100)).await;
        assert_eq!(cache.get("key"), Some(1));
    }
    advance(ms(100)).await;
    assert_eq!(cache.get("key"), None);
}

#[tokio::test(start_paused = true)]
async fn a_put_after_the_expiry_starts_anew() {
    let cache = cache().await;
    cache.put_with_ttl("key", 1, secs(1));
    advance(secs(1)).await;
    assert_eq!(cache.put_with_ttl("key", 2, secs(1)), None);
    advance(ms(999)).await;
    assert_eq!(cache.get("key"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn live_and_expired_entries_are_told_apart_whatever_their_order() {
    let cache: Cache<u64, u64> = cache().await;
    for key in 0..1_000 {
        cache.put_with_ttl(key, key, ms(1 + (key * 7) % 1_000));
    }
    for _ in 0..10 {
        advance(ms(95)).await;
        let live = cache.keys();
        assert_eq!(live.len(), cache.len());
        for key in 0..1_000 {
            assert_eq!(cache.contains_key(&key), live.contains(&key));
        }
    }
    assert_eq!(cache.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn the_default_time_to_live_is_for_a_plain_put_and_a_given_one_goes_before_it() {
    let config = CacheConfig {
        default_ttl: Some(secs(10)),
        ..CacheConfig::default()
    };
    let cache = Cache::start(config).await.unwrap();
    cache.put("default", 1);
    cache.extend([("warmed up", 1)]);
    cache.put_with_ttl("shorter", 1, secs(5));
    cache.put_with_ttl("for ever", 1, Duration::MAX);
    advance(secs(5)).await;
    assert_eq!(cache.get("shorter"), None);
    assert_eq!(
        (cache.get("default"), cache.get("warmed up")),
        (Some(1), Some(1))
    );
    advance(secs(5)).await;
    assert_eq!((cache.get("default"), cache.get("warmed up")), (None, None));
    assert_eq!(cache.get("for ever"), Some(1));
}
