//! What a config may hold. What each option does is tested where it acts.

use std::time::Duration;

use patterns_cache::{Cache, CacheConfig, StartError};
use tokio::time::advance;

use crate::support::secs;

async fn refused(config: CacheConfig) -> (String, &'static str) {
    match Cache::<u64, u64>::start(config).await {
        Err(error) => match error {
            StartError::BadOption { option, .. } => (error.to_string(), option),
            other => panic!("{other}"),
        },
        Ok(cache) => panic!("{cache:?}"),
    }
}

#[test]
fn the_defaults_are_as_documented() {
    let documented = CacheConfig {
        default_ttl: None,
        max_entries: None,
        cleanup_interval: secs(30),
    };
    assert_eq!(CacheConfig::default(), documented);
}

#[tokio::test]
async fn a_bound_of_zero_is_refused_by_name_and_range() {
    let (text, option) = refused(CacheConfig {
        max_entries: Some(0),
        ..CacheConfig::default()
    })
    .await;
    assert_eq!(
        text,
        "option `max_entries` must be 1 or more, or `None` for no bound"
    );
    assert_eq!(option, "max_entries");
}

#[tokio::test]
async fn a_cleanup_interval_of_zero_is_refused_by_name_and_range() {
    let config = CacheConfig {
        cleanup_interval: Duration::ZERO,
        ..CacheConfig::default()
    };
    let (text, option) = refused(config).await;
    assert_eq!(
        text,
        "option `cleanup_interval` must be more than zero; `Duration::MAX` means never"
    );
    assert_eq!(option, "cleanup_interval");
}

#[tokio::test(start_paused = true)]
async fn a_default_time_to_live_of_zero_switches_the_cache_off() {
    let config = CacheConfig {
        default_ttl: Some(Duration::ZERO),
        ..CacheConfig::default()
    };
    let cache = Cache::start(config).await.unwrap();
    assert_eq!(cache.put("key", 1), None);
    assert_eq!(cache.get("key"), None);
    cache.put_with_ttl("key", 2, secs(1));
    assert_eq!(cache.get("key"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_huge_default_time_to_live_is_for_ever() {
    let config = CacheConfig {
        default_ttl: Some(Duration::MAX),
        ..CacheConfig::default()
    };
    let cache = Cache::start(config).await.unwrap();
    cache.put("key", 1);
    advance(secs(100 * 365 * 86_400)).await;
    assert_eq!(cache.get("key"), Some(1));
}

#[tokio::test]
async fn the_greatest_bound_is_allowed_and_takes_no_memory_by_itself() {
    let config = CacheConfig {
        max_entries: Some(usize::MAX),
        ..CacheConfig::default()
    };
    let cache = Cache::start(config).await.unwrap();
    cache.put("key", 1);
    assert_eq!(cache.get("key"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn the_shortest_cleanup_interval_is_allowed() {
    let cleanup_interval = Duration::from_nanos(1);
    let cache = Cache::start(CacheConfig {
        cleanup_interval,
        ..CacheConfig::default()
    })
    .await
    .unwrap();
    cache.put_with_ttl("key", 1, secs(1));
    crate::support::advance(secs(2)).await;
    assert_eq!(cache.stats().expired, 1);
}
