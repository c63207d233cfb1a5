//! The process that gives the memory of expired entries back.

use std::time::Duration;

use patterns_cache::{Cache, CacheConfig};
use testing::{advance, secs};

use crate::support::{Counted, Drops, cache};

async fn swept_every(sweep_interval: Duration) -> Cache<u64, Counted> {
    Cache::start(CacheConfig {
        sweep_interval,
        ..CacheConfig::default()
    })
    .await
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn expired_entries_are_dropped_without_being_touched() {
    let cache = cache().await;
    let drops = Drops::default();
    for key in 0..1_000_u64 {
        cache.put_with_ttl(key, drops.value(), secs(1));
    }
    advance(secs(29)).await;
    assert_eq!(drops.count(), 0, "the first sweep is after 30 s");
    advance(secs(1)).await;
    assert_eq!(drops.count(), 1_000);
    assert_eq!(cache.stats().expired, 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_drops_nothing_but_what_has_expired() {
    let cache = swept_every(secs(10)).await;
    let drops = Drops::default();
    for key in 0..1_000 {
        match key % 3 {
            0 => cache.put_with_ttl(key, drops.value(), secs(1)),
            1 => cache.put_with_ttl(key, drops.value(), secs(15)),
            _ => cache.put(key, drops.value()),
        };
    }
    advance(secs(10)).await;
    assert_eq!(drops.count(), 334);
    assert!((0..1_000).all(|key| cache.contains_key(&key) == (key % 3 != 0)));
    advance(secs(10)).await;
    assert_eq!(drops.count(), 334 + 333);
    assert!((0..1_000).all(|key| cache.contains_key(&key) == (key % 3 == 2)));
}

#[tokio::test(start_paused = true)]
async fn sweeps_come_at_their_interval_again_and_again() {
    let cache = swept_every(secs(5)).await;
    let drops = Drops::default();
    for round in 1..=5 {
        cache.put_with_ttl(1, drops.value(), secs(1));
        advance(secs(4)).await;
        assert_eq!(drops.count(), round - 1);
        advance(secs(1)).await;
        assert_eq!(drops.count(), round);
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_interval_means_never_and_expiry_is_exact_all_the_same() {
    let cache = swept_every(Duration::MAX).await;
    let drops = Drops::default();
    cache.put_with_ttl(1, drops.value(), secs(1));
    for _ in 0..10 {
        advance(secs(365 * 86_400)).await;
    }
    assert_eq!(drops.count(), 0);
    assert!(!cache.contains_key(&1));
    assert_eq!(cache.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn other_tasks_run_after_every_256_entries_of_a_sweep() {
    let cache = swept_every(secs(10)).await;
    let drops = Drops::default();
    for key in 0..20_000 {
        cache.put_with_ttl(key, drops.value(), secs(1));
    }
    tokio::time::advance(secs(10)).await;
    let mut before = drops.count();
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
        let after = drops.count();
        assert!(
            after - before <= 256,
            "{} entries at a time",
            after - before
        );
        before = after;
    }
    assert_eq!(before, 20_000);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_while_a_sweep_walks_is_neither_lost_nor_forgotten() {
    let cache = swept_every(secs(10)).await;
    let drops = Drops::default();
    for key in 0..5_000 {
        cache.put_with_ttl(key, drops.value(), secs(1));
    }
    tokio::time::advance(secs(10)).await;
    // Between any two steps of the sweep, one key is deleted and another is put.
    let mut key = 5_000;
    while drops.count() < 5_000 {
        assert!(key < 15_000, "the sweep comes to its end");
        tokio::task::yield_now().await;
        cache.delete(&(key - 5_000));
        cache.put_with_ttl(key, drops.value(), secs(5));
        key += 1;
    }
    let put_meanwhile = (5_000..key).count();
    assert_eq!(cache.len(), put_meanwhile);
    advance(secs(10)).await;
    assert_eq!(drops.count(), 5_000 + put_meanwhile);
}

#[tokio::test(start_paused = true)]
async fn a_bounded_cache_is_swept_too() {
    let config = CacheConfig {
        max_entries: Some(10_000),
        sweep_interval: secs(1),
        ..CacheConfig::default()
    };
    let cache = Cache::start(config).await.unwrap();
    let drops = Drops::default();
    for key in 0..5_000_u64 {
        cache.put_with_ttl(key, drops.value(), secs(1));
    }
    advance(secs(1)).await;
    assert_eq!((drops.count(), cache.stats().evicted), (5_000, 0));
}
