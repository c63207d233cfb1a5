//! What is counted, and that it agrees with what happened.

use patterns_cache::{Cache, CacheStats};
use testing::secs;
use tokio::time::advance;

use crate::support::{bounded, cache};

fn counts(stats: CacheStats) -> (u64, u64, usize, u64, u64) {
    (
        stats.hits,
        stats.misses,
        stats.keys,
        stats.evicted,
        stats.expired,
    )
}

#[tokio::test]
async fn hits_misses_and_keys_are_counted() {
    let cache = cache().await;
    assert_eq!(cache.stats(), CacheStats::default());
    cache.extend([("a", 1), ("b", 2)]);
    cache.get("a");
    cache.get("a");
    cache.get("c");
    assert_eq!(counts(cache.stats()), (2, 1, 2, 0, 0));
}

#[tokio::test]
async fn nothing_but_get_counts_as_a_read() {
    let cache = cache().await;
    cache.put("a", 1);
    cache.put("a", 2);
    cache.contains_key("a");
    cache.contains_key("b");
    assert_eq!(cache.keys(), ["a"]);
    cache.delete("a");
    cache.delete("b");
    assert_eq!(counts(cache.stats()), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn each_expired_entry_is_counted_once_whoever_drops_it() {
    let cache = cache().await;
    for key in ["read", "deleted", "replaced", "swept"] {
        cache.put_with_ttl(key, 1, secs(1));
    }
    cache.put_with_ttl("cleared", 1, secs(100));
    advance(secs(1)).await;
    cache.get("read");
    assert_eq!(cache.stats().expired, 1);
    cache.delete("deleted");
    assert_eq!(cache.stats().expired, 2);
    cache.put("replaced", 2);
    assert_eq!(cache.stats().expired, 3);
    testing::advance(secs(30)).await;
    assert_eq!(cache.stats().expired, 4);
    cache.clear();
    assert_eq!(counts(cache.stats()), (0, 1, 0, 0, 4));
}

#[tokio::test]
async fn a_clear_keeps_the_counts() {
    let cache = bounded(1).await;
    cache.extend([("a", 1), ("b", 2)]);
    cache.get("b");
    cache.get("c");
    cache.clear();
    assert_eq!(counts(cache.stats()), (1, 1, 0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_reset_sets_the_counts_to_zero_and_keeps_the_entries() {
    let cache = bounded(2).await;
    cache.extend([("a", 1), ("b", 2), ("c", 3)]);
    cache.put_with_ttl("c", 1, secs(1));
    advance(secs(1)).await;
    for key in ["a", "b", "c"] {
        cache.get(key);
    }
    assert_eq!(counts(cache.stats()), (1, 2, 1, 1, 1));
    cache.reset_stats();
    assert_eq!(counts(cache.stats()), (0, 0, 1, 0, 0));
    assert_eq!(cache.len(), 1);
}

#[tokio::test]
async fn the_hit_ratio_is_of_reads_and_there_is_none_before_the_first() {
    let cache: Cache<&str, u8> = cache().await;
    assert_eq!(cache.stats().hit_ratio(), None);
    cache.get("a");
    assert_eq!(cache.stats().hit_ratio(), Some(0.0));
    cache.put("a", 1);
    for _ in 0..3 {
        cache.get("a");
    }
    assert_eq!(cache.stats().hit_ratio(), Some(0.75));
}
