//! `max_weight`: a bound in the user's own unit.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use patterns_cache::{Cache, CacheConfig, Hooks};

/// A cache of one shard, whose values are their weights.
async fn weighing(max_weight: u64) -> Cache<u64, u32> {
    sharded(max_weight, 1).await
}

async fn sharded(max_weight: u64, shards: usize) -> Cache<u64, u32> {
    let config = CacheConfig {
        max_weight: Some(max_weight),
        shards: NonZeroUsize::new(shards),
        ..CacheConfig::default()
    };
    let hooks = Hooks::new().weigher(|_: &u64, value: &u32| *value);
    Cache::start_with(config, hooks).await.unwrap()
}

#[tokio::test]
async fn the_weight_is_never_passed_and_agrees_with_the_entries() {
    for shards in [1, 4] {
        let cache = sharded(1_000, shards).await;
        for key in 0..5_000_u64 {
            cache.put(key % 700, (key * 7_919 % 90) as u32 + 1);
            let weight = cache.stats().weight;
            assert!(weight <= 1_000, "{weight}");
            if key % 100 == 0 {
                let keys = cache.keys();
                let weights = keys.iter().map(|key| u64::from(cache.peek(key).unwrap()));
                assert_eq!(weights.sum::<u64>(), weight);
            }
        }
        assert!(
            cache.stats().weight > 700,
            "and its room is used: {}",
            cache.stats().weight
        );
    }
}

#[tokio::test]
async fn a_heavy_entry_drives_out_as_many_as_it_must() {
    let cache = weighing(100).await;
    cache.extend((0..10).map(|key| (key, 10)));
    assert_eq!((cache.len(), cache.stats().evicted), (10, 0));
    cache.put(10, 35);
    let stats = cache.stats();
    assert_eq!((stats.keys, stats.evicted, stats.weight), (7, 4, 95));
    assert_eq!(cache.get(&10), Some(35));
    cache.put(11, 100);
    assert_eq!((cache.keys(), cache.stats().weight), (vec![11], 100));
}

#[tokio::test]
async fn an_entry_that_is_too_heavy_is_not_kept_and_nothing_else_goes_for_it() {
    let cache = weighing(100).await;
    cache.extend([(1, 10), (2, 10)]);
    assert_eq!(cache.put(3, 101), None);
    assert_eq!((cache.len(), cache.stats().evicted), (2, 1));
    assert_eq!(
        cache.put(1, u32::MAX),
        Some(10),
        "what the key had is replaced all the same"
    );
    assert_eq!((cache.get(&1), cache.get(&2)), (None, Some(10)));
    assert_eq!(cache.stats().weight, 10);
}

#[tokio::test]
async fn a_value_that_becomes_heavier_makes_its_room() {
    let cache = weighing(100).await;
    cache.extend((0..10).map(|key| (key, 10)));
    for _ in 0..3 {
        cache.get(&9);
    }
    assert_eq!(cache.put(9, 50), Some(10));
    assert_eq!(cache.get(&9), Some(50));
    assert_eq!((cache.stats().weight, cache.stats().evicted), (100, 4));
    assert_eq!(cache.put(9, 1), Some(50));
    assert_eq!(cache.stats().weight, 51);
}

#[tokio::test]
async fn a_weight_of_zero_counts_as_one() {
    let cache = weighing(10).await;
    cache.extend((0..100).map(|key| (key, 0)));
    assert_eq!((cache.len(), cache.stats().weight), (10, 10));
}

#[tokio::test]
async fn what_is_deleted_and_cleared_weighs_nothing() {
    let cache = weighing(100).await;
    cache.extend([(1, 60), (2, 40)]);
    cache.delete(&1);
    assert_eq!(cache.stats().weight, 40);
    cache.put(3, 60);
    assert_eq!((cache.len(), cache.stats().evicted), (2, 0));
    cache.clear();
    assert_eq!(cache.stats().weight, 0);
}

#[tokio::test]
async fn the_greatest_bound_takes_no_memory_by_itself() {
    let cache = weighing(u64::MAX).await;
    cache.extend([(1, u32::MAX), (2, u32::MAX)]);
    assert_eq!(cache.stats().weight, 2 * u64::from(u32::MAX));
}

#[tokio::test]
async fn without_a_weigher_each_entry_weighs_one() {
    let cache = Cache::start(CacheConfig::default()).await.unwrap();
    cache.extend((0..7).map(|key| (key, key)));
    assert_eq!(cache.stats().weight, 7);
}

#[tokio::test]
async fn a_weigher_that_panics_changes_nothing_and_its_panic_reaches_the_caller() {
    let config = CacheConfig {
        max_weight: Some(100),
        ..CacheConfig::default()
    };
    let hooks = Hooks::new().weigher(|_: &u64, value: &u32| match value {
        13 => resume_unwind(Box::new("oh")),
        value => *value,
    });
    let cache = Cache::start_with(config, hooks).await.unwrap();
    cache.put(1, 5);
    assert!(catch_unwind(AssertUnwindSafe(|| cache.put(1, 13))).is_err());
    assert_eq!((cache.get(&1), cache.stats().weight), (Some(5), 5));
    let load = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_load(&2, async || Ok::<_, ()>(13)).await }
    });
    assert!(load.await.unwrap_err().is_panic());
    assert_eq!(
        cache.get_or_load(&2, async || Ok::<_, ()>(7)).await,
        Ok(7),
        "the key is free"
    );
}
