//! `max_entries`: that it is never passed, and that what is worth keeping is kept.

use std::collections::{HashMap, VecDeque};

use patterns_cache::{Cache, CacheConfig};
use testing::secs;
use tokio::time::advance;

use crate::support::{Counted, Drops, bounded, cache};

#[tokio::test]
async fn a_cache_of_one_entry_holds_the_last() {
    let cache = bounded(1).await;
    for key in 0..10 {
        assert_eq!(cache.put(key, key), None);
        // Used as much as can be, it makes room all the same.
        for _ in 0..5 {
            assert_eq!(cache.get(&key), Some(key));
        }
        assert_eq!(cache.keys(), [key]);
    }
    assert_eq!(cache.put(9, 10), Some(9));
    assert_eq!(cache.stats().evicted, 9);
}

#[tokio::test]
async fn without_a_bound_nothing_is_evicted() {
    let cache = cache().await;
    cache.extend((0..100_000_u64).map(|key| (key, key)));
    assert_eq!((cache.len(), cache.stats().evicted), (100_000, 0));
}

#[tokio::test]
async fn replacing_a_value_evicts_nothing() {
    let cache = bounded(10).await;
    cache.extend((0..10).map(|key| (key, 0)));
    cache.extend((0..10).map(|key| (key, 1)));
    assert_eq!((cache.len(), cache.stats().evicted), (10, 0));
}

#[tokio::test]
async fn a_deleted_entry_makes_room() {
    let cache = bounded(10).await;
    cache.extend((0..10).map(|key| (key, 0)));
    cache.delete(&3);
    cache.put(10, 0);
    assert_eq!((cache.len(), cache.stats().evicted), (10, 0));
}

#[tokio::test]
async fn a_cleared_cache_can_be_filled_to_its_bound_again() {
    let cache = bounded(100).await;
    for _ in 0..3 {
        cache.extend((0..100).map(|key| (key, 0)));
        assert_eq!((cache.len(), cache.stats().evicted), (100, 0));
        cache.clear();
    }
}

#[tokio::test]
async fn a_scan_of_ten_times_the_bound_leaves_the_hot_entries_alone() {
    let cache: Cache<u64, u64> = bounded(1_000).await;
    let hot = 0..500;
    cache.extend(hot.clone().map(|key| (key, key)));
    for key in hot.clone() {
        cache.get(&key);
        cache.get(&key);
    }
    cache.extend((10_000..20_000).map(|key| (key, key)));
    let left = hot.filter(|key| cache.contains_key(key)).count();
    assert!(left >= 495, "{left} of 500 are left");
}

#[tokio::test]
async fn contains_key_is_no_use_that_keeps_an_entry() {
    let cache = bounded(10).await;
    cache.extend((0..10).map(|key| (key, 0)));
    for _ in 0..5 {
        assert!(cache.contains_key(&0));
        cache.get(&1);
    }
    cache.put(10, 0);
    assert!(
        !cache.contains_key(&0),
        "the oldest unread entry is the first to go"
    );
    assert!(cache.contains_key(&1));
}

#[tokio::test(start_paused = true)]
async fn an_expired_entry_makes_room_before_a_live_one_of_its_queue_has_to() {
    let cache = bounded(10).await;
    cache.put_with_ttl(0, 0, secs(1));
    cache.extend((1..10).map(|key| (key, 0)));
    for _ in 0..3 {
        cache.get(&0);
    }
    advance(secs(1)).await;
    cache.put(10, 0);
    let stats = cache.stats();
    assert_eq!((stats.keys, stats.evicted, stats.expired), (10, 0, 1));
}

#[tokio::test]
async fn evicted_values_are_dropped() {
    let cache: Cache<u64, Counted> = bounded(100).await;
    let drops = Drops::default();
    for key in 0..1_000 {
        cache.put(key, drops.value());
        assert!(key + 1 - drops.count() as u64 <= 100);
    }
    assert_eq!(drops.count(), 900);
}

#[tokio::test]
async fn the_bound_holds_with_a_default_time_to_live_as_well() {
    let config = CacheConfig {
        default_ttl: Some(secs(60)),
        max_entries: Some(500),
        ..CacheConfig::default()
    };
    let cache = Cache::start(config).await.unwrap();
    cache.extend((0..5_000_u64).map(|key| (key, key)));
    assert_eq!((cache.len(), cache.stats().evicted), (500, 4_500));
}

/// Requests whose keys follow Zipf's law with exponent 1: key `k` is asked for 1/k times as often
/// as key 1.
fn zipf(keys: u64, requests: usize) -> impl Iterator<Item = u64> {
    let mut sum = 0.0;
    let cumulated: Vec<f64> = (1..=keys)
        .map(|key| {
            sum += 1.0 / key as f64;
            sum
        })
        .collect();
    let mut random = 0x853C_49E6_748F_EA9B_u64;
    (0..requests).map(move |_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let point = (random >> 11) as f64 / (1_u64 << 53) as f64 * sum;
        cumulated.partition_point(|&below| below < point) as u64
    })
}

/// The hits of a cache that drops what was used least recently.
fn hits_of_lru(capacity: usize, requests: impl Iterator<Item = u64>) -> usize {
    let (mut last_use, mut uses) = (HashMap::new(), VecDeque::new());
    let mut hits = 0;
    for (at, key) in requests.enumerate() {
        hits += usize::from(last_use.insert(key, at).is_some());
        uses.push_back((key, at));
        while last_use.len() > capacity {
            let (key, at) = uses.pop_front().unwrap();
            if last_use[&key] == at {
                last_use.remove(&key);
            }
        }
        while uses.front().is_some_and(|(key, at)| last_use[key] != *at) {
            uses.pop_front();
        }
    }
    hits
}

#[tokio::test]
async fn on_zipf_requests_it_hits_clearly_more_often_than_least_recently_used() {
    let requests = || zipf(20_000, 200_000);
    let cache: Cache<u64, u64> = bounded(1_000).await;
    for key in requests() {
        if cache.get(&key).is_none() {
            cache.put(key, key);
        }
    }
    let ours = cache.stats().hit_ratio().unwrap();
    let lru = hits_of_lru(1_000, requests()) as f64 / 200_000.0;
    assert!(ours > lru + 0.03, "hit ratios: {ours} here, {lru} with LRU");
}
