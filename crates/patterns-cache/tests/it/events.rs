//! The removal listener: each entry that leaves, once, with the cause.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use patterns_cache::{Cache, CacheConfig, Compute, Hooks, RemovalCause};
use proptest::prelude::*;
use testing::{advance, ms, secs};

type Told = Arc<Mutex<Vec<(u8, u64, RemovalCause)>>>;

async fn listening(config: CacheConfig) -> (Cache<u8, u64>, Told) {
    let told = Told::default();
    let listener = {
        let told = Arc::clone(&told);
        move |key: &u8, value: &u64, cause| told.lock().unwrap().push((*key, *value, cause))
    };
    let hooks = Hooks::new().on_removal(listener);
    (Cache::start_with(config, hooks).await.unwrap(), told)
}

fn take(told: &Told) -> Vec<(u8, u64, RemovalCause)> {
    std::mem::take(&mut told.lock().unwrap())
}

#[tokio::test(start_paused = true)]
async fn each_cause_is_told() {
    use RemovalCause::{Deleted, Dropped, Expired, Replaced};

    let (cache, told) = listening(CacheConfig::default()).await;
    cache.put(1, 10);
    cache.put(1, 11);
    assert_eq!(take(&told), [(1, 10, Replaced)]);
    cache.delete(&1);
    assert_eq!(take(&told), [(1, 11, Deleted)]);
    cache.put(2, 20);
    cache.clear();
    assert_eq!(take(&told), [(2, 20, Deleted)]);
    cache.put(3, 30);
    assert_eq!(cache.invalidate_if(|_, value| *value == 30), 1);
    assert_eq!(take(&told), [(3, 30, Deleted)]);
    cache.put(3, 31);
    cache.compute(&3, async |_| Compute::Put(32)).await;
    cache.compute(&3, async |_| Compute::Delete).await;
    assert_eq!(take(&told), [(3, 31, Replaced), (3, 32, Deleted)]);

    for key in 4..8 {
        cache.put_with_ttl(key, 0, ms(10));
    }
    advance(ms(10)).await;
    assert_eq!(cache.get(&4), None);
    assert_eq!(take(&told), [(4, 0, Expired)], "by a read");
    cache.put(5, 1);
    assert_eq!(take(&told), [(5, 0, Expired)], "by a put");
    cache.delete(&6);
    assert_eq!(take(&told), [(6, 0, Expired)], "by a delete");
    advance(secs(30)).await;
    assert_eq!(take(&told), [(7, 0, Expired)], "by a sweep");
    cache.put_with_ttl(8, 0, Duration::ZERO);
    assert_eq!(take(&told), [(8, 0, Expired)], "at once");

    cache.put_with_ttl(9, 0, ms(10));
    advance(ms(10)).await;
    drop(cache);
    let mut last = take(&told);
    last.sort_by_key(|told| told.0);
    assert_eq!(last, [(5, 1, Dropped), (9, 0, Expired)]);
}

#[tokio::test]
async fn what_is_evicted_is_told_of() {
    let config = CacheConfig {
        max_entries: Some(10),
        ..CacheConfig::default()
    };
    let (cache, told) = listening(config).await;
    cache.extend((0..25).map(|key| (key, u64::from(key))));
    let told = take(&told);
    assert_eq!(told.len(), 15);
    for (key, value, cause) in told {
        assert_eq!((u64::from(key), cause), (value, RemovalCause::Evicted));
        assert!(!cache.contains_key(&key));
    }
}

#[tokio::test]
async fn what_is_too_heavy_is_told_of_as_evicted() {
    let told = Told::default();
    let hooks = {
        let told = Arc::clone(&told);
        Hooks::new()
            .weigher(|_: &u8, value: &u64| u32::try_from(*value).unwrap())
            .on_removal(move |key, value, cause| told.lock().unwrap().push((*key, *value, cause)))
    };
    let config = CacheConfig {
        max_weight: Some(10),
        shards: NonZeroUsize::new(1),
        ..CacheConfig::default()
    };
    let cache = Cache::start_with(config, hooks).await.unwrap();
    cache.put(1, 5);
    cache.put(1, 11);
    assert_eq!(
        take(&told),
        [
            (1, 5, RemovalCause::Replaced),
            (1, 11, RemovalCause::Evicted)
        ]
    );
}

#[tokio::test]
async fn a_listener_may_use_the_cache() {
    let this: Arc<OnceLock<Cache<u32, u32>>> = Arc::default();
    let hooks = {
        let this = Arc::clone(&this);
        Hooks::new().on_removal(move |key: &u32, value: &u32, cause| {
            let cache = this.get().unwrap();
            assert!(!cache.contains_key(key) || cause == RemovalCause::Replaced);
            if *key < 100 {
                cache.put(key + 100, *value);
            }
            assert!(cache.stats().keys > 0);
        })
    };
    let config = CacheConfig {
        max_entries: Some(1_000),
        ..CacheConfig::default()
    };
    let cache = Cache::start_with(config, hooks).await.unwrap();
    this.set(cache.clone()).unwrap();
    cache.extend((0..50).map(|key| (key, key)));
    for key in 0..50 {
        cache.delete(&key);
    }
    assert_eq!(cache.len(), 50);
    assert!((100..150).all(|key| cache.contains_key(&key)));
}

#[tokio::test]
async fn a_listener_that_panics_hinders_nobody() {
    let told = Arc::new(Mutex::new(0));
    let hooks = {
        let told = Arc::clone(&told);
        Hooks::new().on_removal(move |_: &u32, _: &u32, _| {
            *told.lock().unwrap() += 1;
            std::panic::resume_unwind(Box::new("oh"))
        })
    };
    let cache = Cache::start_with(CacheConfig::default(), hooks)
        .await
        .unwrap();
    cache.extend((0..10).map(|key| (key, key)));
    assert_eq!(cache.put(0, 1), Some(0));
    assert_eq!(cache.delete(&0), Some(1));
    cache.clear();
    assert_eq!((*told.lock().unwrap(), cache.len()), (11, 0));
}

#[derive(Debug, Clone)]
enum Op {
    Put(u8, Option<u64>),
    Get(u8),
    Delete(u8),
    Clear,
    InvalidateBelow(u8),
    Compute(u8, bool),
    Load(u8, u64),
    Advance(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = || 0_u8..40;
    let op = prop_oneof![
        20 => (key(), prop::option::of(0_u64..60)).prop_map(|(key, ttl)| Op::Put(key, ttl)),
        10 => key().prop_map(Op::Get),
        4 => key().prop_map(Op::Delete),
        1 => Just(Op::Clear),
        1 => key().prop_map(Op::InvalidateBelow),
        4 => (key(), any::<bool>()).prop_map(|(key, puts)| Op::Compute(key, puts)),
        6 => (key(), 0_u64..60).prop_map(|(key, ttl)| Op::Load(key, ttl)),
        8 => (0_u64..40).prop_map(Op::Advance),
    ];
    prop::collection::vec(op, 0..200)
}

/// Each value that was ever put is unique, and is either still there or was told of once.
async fn conserves(config: CacheConfig, weighs: bool, ops: Vec<Op>) -> Result<(), TestCaseError> {
    let told = Told::default();
    let mut hooks = {
        let told = Arc::clone(&told);
        Hooks::new()
            .on_removal(move |key, value, cause| told.lock().unwrap().push((*key, *value, cause)))
    };
    if weighs {
        hooks = hooks.weigher(|_, value: &u64| u32::try_from(*value % 9).unwrap());
    }
    let cache: Cache<u8, u64> = Cache::start_with(config, hooks).await.unwrap();
    let mut put = Vec::new();
    for (value, op) in (0_u64..).zip(ops) {
        match op {
            Op::Put(key, ttl) => {
                put.push((key, value));
                match ttl {
                    Some(ttl) => cache.put_with_ttl(key, value, ms(ttl)),
                    None => cache.put(key, value),
                };
            }
            Op::Get(key) => {
                cache.get(&key);
            }
            Op::Delete(key) => {
                cache.delete(&key);
            }
            Op::Clear => cache.clear(),
            Op::InvalidateBelow(below) => {
                cache.invalidate_if(|key, _| *key < below);
            }
            Op::Compute(key, puts) => {
                if puts {
                    put.push((key, value));
                }
                let computed = async |_| {
                    if puts {
                        Compute::Put(value)
                    } else {
                        Compute::Delete
                    }
                };
                cache.compute(&key, computed).await;
            }
            Op::Load(key, ttl) => {
                let mut loaded = false;
                let load = async || {
                    loaded = true;
                    Ok::<_, ()>(patterns_cache::Loaded::with_ttl(value, ms(ttl)))
                };
                cache.get_or_load(&key, load).await.unwrap();
                if loaded {
                    put.push((key, value));
                }
            }
            Op::Advance(by) => advance(ms(by)).await,
        }
    }
    drop(cache);
    let mut left: Vec<_> = take(&told)
        .into_iter()
        .map(|(key, value, _)| (key, value))
        .collect();
    left.sort_unstable();
    put.sort_unstable();
    prop_assert_eq!(left, put);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_value_ever_put_is_told_of_exactly_once(
        bound in prop::option::of(1_u32..60),
        weighs in any::<bool>(),
        idle in prop::option::of(1_u64..60),
        stale in 0_u64..40,
        ops in ops(),
    ) {
        let weighs = weighs && bound.is_some();
        let config = CacheConfig {
            time_to_idle: idle.map(ms),
            stale_for: ms(stale.saturating_sub(20)),
            max_entries: bound.filter(|_| !weighs).map(|bound| bound as usize),
            max_weight: bound.filter(|_| weighs).map(u64::from),
            sweep_interval: ms(50),
            ..CacheConfig::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.unwrap().block_on(conserves(config, weighs, ops))?;
    }
}

/// Threads that put, delete, expire and evict at once: each value is told of once.
#[test]
fn on_many_threads_every_value_is_told_of_exactly_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let seen = Arc::new(Mutex::new(vec![0_u8; 40_000]));
    let cache = runtime.block_on(async {
        let seen = Arc::clone(&seen);
        let hooks = Hooks::new()
            .on_removal(move |_: &u64, value: &usize, _| seen.lock().unwrap()[*value] += 1);
        let config = CacheConfig {
            max_entries: Some(200),
            sweep_interval: ms(1),
            ..CacheConfig::default()
        };
        Cache::start_with(config, hooks).await.unwrap()
    });
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = cache.clone();
            scope.spawn(move || {
                for value in (thread..40_000).step_by(4) {
                    let key = (value as u64).wrapping_mul(2_654_435_761) % 500;
                    match value % 5 {
                        0 => cache.put_with_ttl(key, value, Duration::from_micros(50)),
                        _ => cache.put(key, value),
                    };
                    match value % 97 {
                        0 => cache.clear(),
                        1..20 => drop(cache.delete(&(key + 1))),
                        20..40 => drop(cache.get(&(key + 2))),
                        _ => {}
                    }
                }
            });
        }
    });
    runtime.block_on(cache.stop()).unwrap();
    drop(cache);
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|told| *told == 1), "each once");
}
