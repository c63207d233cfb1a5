//! What happens to keys and values that leave: each is dropped once, and outside all locks.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use patterns_cache::{Cache, CacheConfig};
use testing::{advance, ms};

use crate::support::{Counted, Drops, bounded};

#[tokio::test(start_paused = true)]
async fn every_key_and_value_is_dropped_exactly_once() {
    #[derive(Debug)]
    struct Key(
        u64,
        #[expect(dead_code, reason = "its drop is what counts")] Counted,
    );
    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Key {}
    impl std::hash::Hash for Key {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }
    impl std::borrow::Borrow<u64> for Key {
        fn borrow(&self) -> &u64 {
            &self.0
        }
    }

    let (keys, values) = (Drops::default(), Drops::default());
    let cache: Cache<Key, Counted> = bounded(300).await;
    let (mut puts, mut taken) = (0, Vec::new());
    for round in 0..10_u64 {
        for id in 0..400 {
            let ttl = [Duration::ZERO, ms(20), ms(40_000), Duration::MAX][(id % 4) as usize];
            taken.extend(cache.put_with_ttl(
                Key(id * (round + 1), keys.value()),
                values.value(),
                ttl,
            ));
            puts += 1;
        }
        advance(ms(11_000)).await;
        taken.extend((0..50).filter_map(|id| cache.delete(&id)));
        cache.contains_key(&(60 * round));
        if round == 5 {
            cache.clear();
        }
    }
    let live = cache.len();
    assert!(live > 0 && !taken.is_empty());
    drop(cache);
    assert_eq!(keys.count(), puts);
    assert_eq!(values.count(), puts - taken.len());
    taken.clear();
    assert_eq!(values.count(), puts);
}

/// A value whose drop uses the cache in which it was.
struct Nosy(Cache<u64, Arc<Nosy>>);

impl Drop for Nosy {
    fn drop(&mut self) {
        // Takes every lock of the table, one after the other.
        self.0.reset_stats();
        self.0.delete(&1_000_000);
    }
}

/// Runs `work` on a cache of such values, which it gets from the function that is passed to it. It
/// runs in another thread, so that a deadlock is a failure and not a hang.
fn with_nosy_values<F>(
    config: CacheConfig,
    work: impl FnOnce(Cache<u64, Arc<Nosy>>, fn(&Cache<u64, Arc<Nosy>>) -> Arc<Nosy>) -> F
    + Send
    + 'static,
) where
    F: Future<Output = ()>,
{
    let (done, end) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.unwrap().block_on(async {
            let cache = Cache::start(config).await.unwrap();
            work(cache.clone(), |cache| Arc::new(Nosy(cache.clone()))).await;
            cache.clear();
        });
        done.send(()).unwrap();
    });
    assert_eq!(
        end.recv_timeout(Duration::from_secs(60)),
        Ok(()),
        "a deadlock or a panic"
    );
}

#[test]
fn a_replaced_value_may_use_the_cache_when_it_is_dropped() {
    with_nosy_values(CacheConfig::default(), |cache, value| async move {
        cache.put(1, value(&cache));
        cache.put_with_ttl(1, value(&cache), ms(1));
        advance(ms(1)).await;
        cache.put(1, value(&cache));
        cache.put_with_ttl(1, value(&cache), Duration::ZERO);
    });
}

#[test]
fn a_deleted_value_may_use_the_cache_when_it_is_dropped() {
    with_nosy_values(CacheConfig::default(), |cache, value| async move {
        cache.put(1, value(&cache));
        cache.delete(&1);
        cache.put_with_ttl(1, value(&cache), ms(1));
        advance(ms(1)).await;
        assert!(cache.delete(&1).is_none());
    });
}

#[test]
fn a_value_that_a_read_finds_expired_may_use_the_cache_when_it_is_dropped() {
    with_nosy_values(CacheConfig::default(), |cache, value| async move {
        cache.put_with_ttl(1, value(&cache), ms(1));
        advance(ms(1)).await;
        assert!(cache.get(&1).is_none());
    });
}

#[test]
fn a_cleared_value_may_use_the_cache_when_it_is_dropped() {
    with_nosy_values(CacheConfig::default(), |cache, value| async move {
        cache.extend((0..100).map(|key| (key, value(&cache))));
        cache.clear();
    });
}

#[test]
fn an_evicted_value_may_use_the_cache_when_it_is_dropped() {
    let config = CacheConfig {
        max_entries: Some(10),
        ..CacheConfig::default()
    };
    with_nosy_values(config, |cache, value| async move {
        cache.extend((0..100).map(|key| (key, value(&cache))));
        assert_eq!(cache.len(), 10);
    });
}

#[test]
fn a_swept_value_may_use_the_cache_when_it_is_dropped() {
    with_nosy_values(CacheConfig::default(), |cache, value| async move {
        for key in 0..100 {
            cache.put_with_ttl(key, value(&cache), ms(1));
        }
        let probe = value(&cache);
        cache.put_with_ttl(100, Arc::clone(&probe), ms(1));
        advance(ms(30_000)).await;
        assert_eq!(Arc::strong_count(&probe), 1, "it was swept");
    });
}
