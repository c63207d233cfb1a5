//! Any history of operations, against a plain map with a clock.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use patterns_cache::{Cache, CacheConfig};
use proptest::prelude::*;
use testing::{advance, ms};

#[derive(Debug, Clone)]
enum Op {
    Put(u8),
    PutWithTtl(u8, u64),
    Get(u8),
    Contains(u8),
    Delete(u8),
    Extend(Vec<u8>),
    Clear,
    ResetStats,
    /// Past a whole number of cleanup intervals now and then, so that sweeps fall in between.
    Advance(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = || 0_u8..30;
    let ttl = prop_oneof![Just(0), 1_u64..100, Just(u64::MAX)];
    let op = prop_oneof![
        4 => key().prop_map(Op::Put),
        8 => (key(), ttl).prop_map(|(key, ttl)| Op::PutWithTtl(key, ttl)),
        10 => key().prop_map(Op::Get),
        4 => key().prop_map(Op::Contains),
        4 => key().prop_map(Op::Delete),
        1 => prop::collection::vec(key(), 0..10).prop_map(Op::Extend),
        1 => Just(Op::Clear),
        1 => Just(Op::ResetStats),
        5 => (0_u64..60).prop_map(Op::Advance),
    ];
    prop::collection::vec(op, 0..150)
}

/// The plain map: for each key its value and its deadline.
#[derive(Default)]
struct Model {
    entries: HashMap<u8, (u64, Option<u64>)>,
    now: u64,
}

impl Model {
    fn live(&self, key: u8) -> Option<u64> {
        let (value, deadline) = self.entries.get(&key)?;
        deadline
            .is_none_or(|deadline| deadline > self.now)
            .then_some(*value)
    }

    fn put(&mut self, key: u8, value: u64, ttl: Option<u64>) -> Option<u64> {
        let old = self.live(key);
        let deadline = ttl.and_then(|ttl| self.now.checked_add(ttl));
        self.entries.insert(key, (value, deadline));
        old
    }

    fn delete(&mut self, key: u8) -> Option<u64> {
        let old = self.live(key);
        self.entries.remove(&key);
        old
    }

    fn live_keys(&self) -> HashSet<u8> {
        self.entries
            .keys()
            .copied()
            .filter(|&key| self.live(key).is_some())
            .collect()
    }
}

fn paused<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(work)
}

fn ttl(millis: u64) -> Duration {
    if millis == u64::MAX {
        Duration::MAX
    } else {
        ms(millis)
    }
}

async fn agrees(default_ttl: Option<u64>, ops: Vec<Op>) -> Result<(), TestCaseError> {
    let config = CacheConfig {
        default_ttl: default_ttl.map(ttl),
        sweep_interval: ms(50),
        ..CacheConfig::default()
    };
    let cache: Cache<u8, u64> = Cache::start(config).await.unwrap();
    let mut model = Model::default();
    let (mut hits, mut misses) = (0, 0);
    for (value, op) in (0_u64..).zip(ops) {
        match op {
            Op::Put(key) => {
                prop_assert_eq!(cache.put(key, value), model.put(key, value, default_ttl));
            }
            Op::PutWithTtl(key, millis) => {
                let old = cache.put_with_ttl(key, value, ttl(millis));
                prop_assert_eq!(old, model.put(key, value, Some(millis)));
            }
            Op::Get(key) => {
                let expected = model.live(key);
                *(if expected.is_some() {
                    &mut hits
                } else {
                    &mut misses
                }) += 1;
                prop_assert_eq!(cache.get(&key), expected);
            }
            Op::Contains(key) => {
                prop_assert_eq!(cache.contains_key(&key), model.live(key).is_some());
            }
            Op::Delete(key) => prop_assert_eq!(cache.delete(&key), model.delete(key)),
            Op::Extend(keys) => {
                cache.extend(keys.iter().map(|&key| (key, value)));
                for key in keys {
                    model.put(key, value, default_ttl);
                }
            }
            Op::Clear => {
                cache.clear();
                model.entries.clear();
            }
            Op::ResetStats => {
                cache.reset_stats();
                (hits, misses) = (0, 0);
            }
            Op::Advance(millis) => {
                model.now += millis;
                advance(ms(millis)).await;
            }
        }
        let keys = cache.keys();
        let live = model.live_keys();
        let stats = cache.stats();
        prop_assert_eq!(
            (keys.len(), cache.len(), stats.keys),
            (live.len(), live.len(), live.len())
        );
        prop_assert_eq!(keys.into_iter().collect::<HashSet<_>>(), live.clone());
        prop_assert_eq!(cache.is_empty(), live.is_empty());
        prop_assert_eq!((stats.hits, stats.misses, stats.evicted), (hits, misses, 0));
    }
    Ok(())
}

/// With a bound, which entries are there is the policy's choice. What is there must be right, there
/// must be no more than the bound, and every put must be accounted for.
async fn stays_within(max_entries: usize, ops: Vec<Op>) -> Result<(), TestCaseError> {
    let config = CacheConfig {
        max_entries: Some(max_entries),
        sweep_interval: ms(50),
        ..CacheConfig::default()
    };
    let cache: Cache<u8, u64> = Cache::start(config).await.unwrap();
    let mut model = Model::default();
    let (mut puts, mut gone) = (0, 0);
    for (value, op) in (0_u64..).zip(ops) {
        match op {
            Op::Put(key) | Op::PutWithTtl(key, _) => {
                let millis = if let Op::PutWithTtl(_, millis) = op {
                    millis
                } else {
                    u64::MAX
                };
                let expected = model.put(key, value, Some(millis));
                let old = cache.put_with_ttl(key, value, ttl(millis));
                prop_assert!(old.is_none() || old == expected);
                prop_assert_eq!(
                    cache.contains_key(&key),
                    millis > 0,
                    "a put is there at once"
                );
                puts += 1;
                gone += u64::from(old.is_some());
            }
            Op::Get(key) => {
                let got = cache.get(&key);
                prop_assert!(got.is_none() || got == model.live(key));
            }
            Op::Contains(key) => {
                prop_assert!(!cache.contains_key(&key) || model.live(key).is_some());
            }
            Op::Delete(key) => {
                let expected = model.delete(key);
                let old = cache.delete(&key);
                prop_assert!(old.is_none() || old == expected);
                gone += u64::from(old.is_some());
            }
            Op::Advance(millis) => {
                model.now += millis;
                advance(ms(millis)).await;
            }
            Op::Extend(_) | Op::Clear | Op::ResetStats => {}
        }
        let keys = cache.keys();
        prop_assert_eq!((cache.len(), cache.stats().keys), (keys.len(), keys.len()));
        prop_assert!(keys.len() <= max_entries);
        prop_assert!(
            keys.into_iter()
                .collect::<HashSet<_>>()
                .is_subset(&model.live_keys())
        );
    }
    // Everything still in the table is read, so that all that has expired is counted.
    for key in 0..30 {
        cache.get(&key);
    }
    let stats = cache.stats();
    prop_assert_eq!(
        puts,
        gone + stats.evicted + stats.expired + stats.keys as u64
    );
    Ok(())
}

proptest! {
    #[test]
    fn an_unbounded_cache_is_a_map_with_a_clock(
        default_ttl in prop::option::of(0_u64..100),
        ops in ops(),
    ) {
        paused(agrees(default_ttl, ops))?;
    }

    #[test]
    fn a_bounded_cache_holds_a_part_of_that_map_and_accounts_for_the_rest(
        max_entries in 1_usize..40,
        ops in ops(),
    ) {
        paused(stays_within(max_entries, ops))?;
    }
}
