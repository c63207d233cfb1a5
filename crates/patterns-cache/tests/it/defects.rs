//! What was wrong with the cache of the original, each with its test.

use patterns_cache::Cache;
use testing::secs;
use tokio::time::advance;

use crate::support::{bounded, cache};

/// There `put` is a cast: when it returns, nothing is put yet.
#[tokio::test]
async fn a_put_is_visible_to_the_putter_at_once() {
    let cache = cache().await;
    for key in 0..1_000_u64 {
        cache.put(key, key * 2);
        assert_eq!(cache.get(&key), Some(key * 2));
    }
}

/// There they count as keys until somebody reads them or a sweep comes.
#[tokio::test(start_paused = true)]
async fn expired_entries_are_no_keys_before_any_sweep_or_read() {
    let cache = cache().await;
    cache.put("stays", 0);
    for key in ["a", "b", "c"] {
        cache.put_with_ttl(key, 1, secs(1));
    }
    assert_eq!(cache.stats().keys, 4);
    advance(secs(1)).await;
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.keys), (0, 0, 1));
    assert_eq!((stats.evicted, stats.expired), (0, 0));
}

/// There nothing but time ends an entry, and memory grows with the keys.
#[tokio::test]
async fn the_bound_is_never_passed() {
    for max in [1, 2, 3, 10, 63, 64, 65, 127, 128, 1_000, 4_097] {
        let cache: Cache<usize, usize> = bounded(max).await;
        for key in 0..3 * max {
            cache.put(key, key);
            assert!(cache.len() <= max, "{} of {max}", cache.len());
            assert_eq!(cache.get(&key), Some(key), "what was just put is there");
        }
        let stats = cache.stats();
        assert_eq!(stats.keys, max, "and all its places are used");
        assert_eq!(stats.evicted, 2 * max as u64);
    }
}
