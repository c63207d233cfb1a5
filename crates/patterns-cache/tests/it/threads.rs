//! Many threads on one cache, with a sweep running all the time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use patterns_cache::{Cache, CacheConfig};

const THREADS: u64 = 4;
const ROUNDS: u64 = 20_000;

/// A value that says what it is, so that one that nobody put, or that was put elsewhere, is seen.
#[derive(Debug, Clone, PartialEq)]
struct Stamp {
    key: u64,
    round: u64,
    seal: u64,
}

impl Stamp {
    fn new(key: u64, round: u64) -> Self {
        Self {
            key,
            round,
            seal: Self::seal(key, round),
        }
    }

    fn seal(key: u64, round: u64) -> u64 {
        (key.rotate_left(32) ^ round).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn check(&self, key: u64) {
        assert_eq!(
            (self.key, self.seal),
            (key, Self::seal(key, self.round)),
            "{self:?}"
        );
    }
}

async fn busy_cache<V: Send + Sync + 'static>(max_entries: Option<usize>) -> Cache<u64, V> {
    let sweep_interval = Duration::from_millis(1);
    let config = CacheConfig {
        max_entries,
        sweep_interval,
        ..CacheConfig::default()
    };
    Cache::start(config).await.unwrap()
}

/// Runs `work` in `THREADS` threads at once, with each one's number.
fn in_threads(work: impl Fn(u64) + Sync) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_key_is_read_as_its_one_writer_last_wrote_it_and_never_goes_back() {
    let cache: Cache<u64, Stamp> = busy_cache(None).await;
    let reads = AtomicU64::new(0);
    in_threads(|thread| {
        let mut newest = [0; 64];
        for round in 1..=ROUNDS {
            // Each thread writes its own keys and reads everybody's.
            let mine = (round % 16) * THREADS + thread;
            let old = cache.put(mine, Stamp::new(mine, round));
            assert_eq!(old.map(|old| old.round), (round > 16).then(|| round - 16));
            assert_eq!(cache.get(&mine), Some(Stamp::new(mine, round)));
            let other = (round * 7) % 64;
            if let Some(stamp) = cache.get(&other) {
                stamp.check(other);
                assert!(newest[other as usize] <= stamp.round, "{stamp:?}");
                newest[other as usize] = stamp.round;
            }
            reads.fetch_add(2, Ordering::Relaxed);
        }
    });
    let stats = cache.stats();
    assert_eq!(stats.hits + stats.misses, reads.into_inner());
    assert_eq!((stats.keys, stats.expired), (64, 0));
}

/// What the threads themselves count.
#[derive(Default)]
struct Tally {
    puts: AtomicU64,
    returned: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Tally {
    fn put(&self, key: u64, old: Option<Stamp>) {
        self.puts.fetch_add(1, Ordering::Relaxed);
        self.take(key, old);
    }

    fn take(&self, key: u64, old: Option<Stamp>) {
        if let Some(old) = old {
            old.check(key);
            self.returned.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn get(&self, key: u64, got: Option<Stamp>) {
        let count = if got.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        count.fetch_add(1, Ordering::Relaxed);
        if let Some(got) = got {
            got.check(key);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_put_and_every_read_is_accounted_for_however_entries_come_and_go() {
    for max_entries in [None, Some(100)] {
        let cache: Cache<u64, Stamp> = busy_cache(max_entries).await;
        let tally = Tally::default();
        in_threads(|thread| {
            let mut random = thread + 1;
            for round in 0..ROUNDS {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let (key, what) = (random % 300, (random >> 32) % 6);
                let stamp = Stamp::new(key, round);
                let ttl = Duration::from_micros(random >> 48);
                match what {
                    0 => tally.put(key, cache.put(key, stamp)),
                    1 => tally.put(key, cache.put_with_ttl(key, stamp, ttl)),
                    2 => tally.take(key, cache.delete(&key)),
                    _ => tally.get(key, cache.get(&key)),
                }
            }
        });
        // What is left is taken out, which counts each as returned or as expired.
        for key in 0..300 {
            tally.take(key, cache.delete(&key));
        }
        let Tally {
            puts,
            returned,
            hits,
            misses,
        } = tally;
        let stats = cache.stats();
        assert_eq!(
            (stats.hits, stats.misses),
            (hits.into_inner(), misses.into_inner())
        );
        let gone = returned.into_inner() + stats.evicted + stats.expired;
        assert_eq!((puts.into_inner(), stats.keys), (gone, 0), "{stats:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_bound_holds_at_every_moment() {
    let cache: Cache<u64, u64> = busy_cache(Some(200)).await;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut looks = 0_u64;
            while !done.load(Ordering::Acquire) {
                let (len, keys, stats) = (cache.len(), cache.keys(), cache.stats());
                assert!(len <= 200 && keys.len() <= 200 && stats.keys <= 200);
                looks += 1;
            }
            looks
        });
        in_threads(|thread| {
            for key in 0..ROUNDS {
                cache.put(key * THREADS + thread, key);
                if key % 3 == 0 {
                    cache.delete(&(key.saturating_sub(10) * THREADS + thread));
                }
            }
        });
        done.store(true, Ordering::Release);
        assert!(watcher.join().unwrap() > 0);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn clearing_beside_writers_leaves_a_whole_cache() {
    let cache: Cache<u64, Stamp> = busy_cache(Some(1_000)).await;
    in_threads(|thread| {
        for round in 0..ROUNDS / 4 {
            let key = round % 500;
            if thread == 0 {
                cache.clear();
            } else if let Some(old) = cache.put(key, Stamp::new(key, round)) {
                old.check(key);
            }
        }
    });
    cache.clear();
    assert_eq!((cache.len(), cache.stats().keys), (0, 0));
    cache.extend((0..500).map(|key| (key, Stamp::new(key, 0))));
    assert!((0..500).all(|key| cache.get(&key).is_some()));
}
