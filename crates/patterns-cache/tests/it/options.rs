//! What a config may hold. What each option does is tested where it acts.

use std::time::Duration;

use patterns_cache::{BadOption, Cache, CacheConfig, Hooks, StartError};
use testing::secs;
use tokio::time::advance;

async fn refused(config: CacheConfig) -> (String, &'static str) {
    match Cache::<u64, u64>::start(config).await {
        Err(error) => match error {
            StartError::BadOption(BadOption { option, .. }) => (error.to_string(), option),
            other => panic!("{other}"),
        },
        Ok(cache) => panic!("{cache:?}"),
    }
}

#[test]
fn the_defaults_are_as_documented() {
    let documented = CacheConfig {
        default_ttl: None,
        time_to_idle: None,
        stale_for: Duration::ZERO,
        max_entries: None,
        max_weight: None,
        shards: None,
        sweep_interval: secs(30),
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
async fn a_time_to_idle_or_a_weight_of_zero_is_refused_by_name_and_range() {
    let (text, _) = refused(CacheConfig {
        time_to_idle: Some(Duration::ZERO),
        ..CacheConfig::default()
    })
    .await;
    assert_eq!(
        text,
        "option `time_to_idle` must be more than zero, or `None` for ever"
    );
    let (text, _) = refused(CacheConfig {
        max_weight: Some(0),
        ..CacheConfig::default()
    })
    .await;
    assert_eq!(
        text,
        "option `max_weight` must be 1 or more, or `None` for no bound"
    );
}

#[tokio::test]
async fn a_weight_and_a_weigher_go_together_and_not_with_a_number_of_entries() {
    let weight = || CacheConfig {
        max_weight: Some(10),
        ..CacheConfig::default()
    };
    let weigher = || Hooks::new().weigher(|_: &u64, _: &u64| 1);
    let text = |result: Result<Cache<u64, u64>, StartError>| result.unwrap_err().to_string();
    assert_eq!(
        text(Cache::start(weight()).await),
        "option `max_weight` must be `None` without a weigher, see `Hooks::weigher`"
    );
    assert_eq!(
        text(Cache::start_with(CacheConfig::default(), weigher()).await),
        "option `max_weight` must be set where there is a weigher"
    );
    assert_eq!(
        text(Cache::start_with(both(weight()), weigher()).await),
        "option `max_weight` must be `None` where `max_entries` is set"
    );
    assert!(Cache::child("cache", both(weight()), weigher()).is_err());
    drop(Cache::start_with(weight(), weigher()).await.unwrap());
}

fn both(mut config: CacheConfig) -> CacheConfig {
    config.max_entries = Some(10);
    config
}

#[tokio::test]
async fn a_sweep_interval_of_zero_is_refused_by_name_and_range() {
    let config = CacheConfig {
        sweep_interval: Duration::ZERO,
        ..CacheConfig::default()
    };
    let (text, option) = refused(config).await;
    assert_eq!(
        text,
        "option `sweep_interval` must be more than zero; `Duration::MAX` means never"
    );
    assert_eq!(option, "sweep_interval");
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
async fn the_shortest_sweep_interval_is_allowed() {
    let sweep_interval = Duration::from_nanos(1);
    let cache = Cache::start(CacheConfig {
        sweep_interval,
        ..CacheConfig::default()
    })
    .await
    .unwrap();
    cache.put_with_ttl("key", 1, secs(1));
    testing::advance(secs(2)).await;
    assert_eq!(cache.stats().expired, 1);
}
