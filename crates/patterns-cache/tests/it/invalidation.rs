//! `invalidate_if` and `peek`.

use patterns_cache::{Cache, CacheConfig};
use testing::{advance, secs};

use crate::support::{bounded, cache};

#[tokio::test(start_paused = true)]
async fn all_live_entries_for_which_it_is_said_so_go() {
    let cache: Cache<u64, u64> = cache().await;
    cache.extend((0..10_000).map(|key| (key, key * 2)));
    for key in (0..10_000).step_by(10) {
        cache.put_with_ttl(key, 1, secs(1));
    }
    advance(secs(1)).await;
    let mut asked = 0;
    let removed = cache.invalidate_if(|key, value| {
        assert_eq!(*value, key * 2, "an expired one is not asked about");
        asked += 1;
        key % 3 == 0
    });
    assert_eq!((removed, asked), (3_000, 9_000));
    assert!(cache.keys().iter().all(|key| key % 3 != 0));
    assert_eq!(cache.len(), 6_000);
}

#[tokio::test]
async fn the_predicate_may_use_the_cache_and_spares_what_was_replaced_meanwhile() {
    let cache: Cache<u64, u64> = cache().await;
    cache.extend((0..1_000).map(|key| (key, 0)));
    let removed = cache.invalidate_if(|key, value| {
        assert_eq!(*value, 0);
        match key % 4 {
            0 => drop(cache.put(*key, 1)),
            1 => drop(cache.delete(key)),
            _ => {}
        }
        true
    });
    assert_eq!(removed, 500);
    assert_eq!(cache.len(), 250);
    assert!(cache.keys().iter().all(|key| key % 4 == 0));
}

#[tokio::test]
async fn a_predicate_that_panics_leaves_the_rest() {
    let cache: Cache<u64, u64> = cache().await;
    cache.extend((0..100).map(|key| (key, 0)));
    let mut asked = 0;
    let panicking = std::panic::AssertUnwindSafe(|| {
        cache.invalidate_if(|_, _| {
            asked += 1;
            if asked == 10 {
                std::panic::resume_unwind(Box::new("oh"));
            }
            true
        })
    });
    assert!(std::panic::catch_unwind(panicking).is_err());
    assert_eq!(cache.len(), 91);
    assert_eq!(cache.invalidate_if(|_, _| true), 91);
}

#[tokio::test]
async fn a_peek_counts_as_nothing() {
    let cache = bounded(10).await;
    cache.extend((0..10).map(|key| (key, key)));
    for _ in 0..5 {
        assert_eq!(cache.peek(&0), Some(0));
        assert_eq!(cache.peek(&99), None);
        for key in 1..10 {
            cache.get(&key);
        }
    }
    assert_eq!((cache.stats().hits, cache.stats().misses), (45, 0));
    cache.put(10, 10);
    assert_eq!(cache.peek(&0), None, "the only one that was not used");
}

#[tokio::test(start_paused = true)]
async fn a_peek_at_what_is_over_finds_nothing_and_leaves_it() {
    let cache = Cache::start(CacheConfig::default()).await.unwrap();
    cache.put_with_ttl(1, 1, secs(1));
    tokio::time::advance(secs(1)).await;
    assert_eq!(cache.peek(&1), None);
    assert_eq!((cache.stats().weight, cache.stats().expired), (1, 0));
}
