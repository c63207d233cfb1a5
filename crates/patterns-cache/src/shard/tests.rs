//! A shard alone, with a clock that the test turns by hand.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::walks::STEP;
use super::*;

impl<K: Eq, V> Shard<K, V> {
    /// Checks the invariants at the head of the module.
    fn check(&self) {
        assert_eq!(
            self.table.len(),
            self.entries.len(),
            "as many in the table as in the store"
        );
        let mut listed: Vec<u32> = self.table.iter().copied().collect();
        listed.sort_unstable();
        assert!(
            listed.into_iter().eq(0..to_index(self.entries.len())),
            "each index once"
        );
        for (index, entry) in self.entries.iter().enumerate() {
            assert_eq!(
                self.find(entry.hash, &entry.key),
                Some(to_index(index)),
                "found, and once"
            );
            assert!(
                self.soonest <= self.expires(index),
                "`soonest` is a lower bound"
            );
            assert!(
                index < self.walk.rest || self.walk.soonest <= self.expires(index),
                "`walk.soonest` is one for what was passed"
            );
        }
        if let Some(policy) = &self.policy {
            policy.check(self.entries.len());
        }
    }
}

/// A hash that makes many keys collide.
fn hash(key: u64) -> u64 {
    (key % 97).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Entries are counted and live until their deadline.
const PLAIN: Terms = Terms {
    time_to_idle: None,
    grace: 0,
    weighs: false,
};

/// Puts as a table does, where entries are counted. Returns the live value that was replaced.
fn put(shard: &mut Shard<u64, u64>, key: u64, value: u64, deadline: u64, now: u64) -> Option<u64> {
    put_heavy(shard, key, value, deadline, 1, now)
}

fn put_heavy(
    shard: &mut Shard<u64, u64>,
    key: u64,
    value: u64,
    deadline: u64,
    weight: u32,
    now: u64,
) -> Option<u64> {
    let found = shard.find(hash(key), &key);
    let mut gone = Vec::new();
    let old = match found {
        _ if !shard.can_hold(weight) => {
            let (entry, live) = shard.take(found?, || now);
            live.then_some(entry.value)
        }
        Some(index) => {
            let (old, live) = shard.replace(index, value, deadline, weight, || now);
            shard.make_room(0, || now, &mut gone);
            live.then_some(old)
        }
        None => {
            if shard.terms.weighs {
                shard.make_room(weight, || now, &mut gone);
            }
            let evicted = shard.insert(hash(key), key, value, deadline, weight, || now);
            assert!(!shard.terms.weighs || evicted.is_none());
            gone.extend(evicted);
            None
        }
    };
    for (entry, cause) in gone {
        let over = entry.deadline.saturating_add(shard.terms.grace) <= now;
        assert!(cause == RemovalCause::Expired || !over);
    }
    old
}

fn get(shard: &Shard<u64, u64>, key: u64, now: u64) -> Option<u64> {
    let index = shard.find(hash(key), &key)?;
    assert!(shard.is_kept(index, || now) || !shard.is_live(index, || now));
    shard
        .touch(index, || now)
        .then_some(shard.entry(index).value)
}

fn sweep(shard: &mut Shard<u64, u64>, now: u64) -> Vec<u64> {
    let mut swept = Vec::new();
    if shard.begin_sweep(now) {
        while shard.sweep_step(now, &mut swept) {}
    }
    drop(shard.outgrown());
    swept.into_iter().map(|entry| entry.key).collect()
}

#[test]
fn a_step_of_a_sweep_looks_at_a_bounded_number_of_entries() {
    let mut shard = Shard::new(None, PLAIN);
    for key in 0..10_000 {
        shard.insert(key, key, key, 1, 1, || 0);
    }
    let mut swept = Vec::new();
    assert!(shard.begin_sweep(1));
    let mut before = 0;
    let mut steps = 0;
    loop {
        let more = shard.sweep_step(1, &mut swept);
        steps += 1;
        assert!(
            swept.len() - before <= 256,
            "{} entries in one step",
            swept.len() - before
        );
        before = swept.len();
        if !more {
            break;
        }
    }
    assert_eq!((swept.len(), steps), (10_000, 10_000_usize.div_ceil(256)));
    shard.check();
}

#[test]
fn a_sweep_of_a_shard_in_which_nothing_can_have_expired_looks_at_nothing() {
    let mut shard = Shard::new(None, PLAIN);
    for key in 0..1_000 {
        put(&mut shard, key, key, 100 + key, 0);
    }
    assert!(!shard.begin_sweep(99));
    assert!(shard.begin_sweep(100));
    assert_eq!(sweep(&mut shard, 100), [0]);
    assert!(
        !shard.begin_sweep(100),
        "the sweep has found out that 101 is next"
    );
    assert!(shard.begin_sweep(101));
}

#[test]
fn a_shard_that_a_crowd_has_left_gives_its_memory_back() {
    let mut shard = Shard::new(Some(200_000), PLAIN);
    for key in 0..100_000 {
        shard.insert(key, key, key, if key < 100 { 2 } else { 1 }, 1, || 0);
    }
    assert!(shard.entries.capacity() >= 100_000);
    sweep(&mut shard, 1);
    assert_eq!(shard.entries.len(), 100);
    assert!(shard.entries.capacity() <= STEP);
    assert!(shard.table.capacity() <= 2 * STEP);
    assert!(shard.policy.as_mut().unwrap().links().capacity() <= STEP);
    shard.check();
}

#[test]
fn clearing_hands_out_all_entries_and_keeps_bound_and_counts() {
    let mut shard = Shard::new(Some(2), PLAIN);
    for key in 0..3 {
        put(&mut shard, key, key, NEVER, 0);
    }
    let cleared = shard.clear();
    assert_eq!(cleared.entries.len(), 2);
    assert_eq!((shard.entries.len(), shard.evicted), (0, 1));
    for key in 0..3 {
        put(&mut shard, key, key, NEVER, 0);
    }
    assert_eq!(shard.entries.len(), 2);
    shard.check();
}

#[test]
fn the_clock_is_read_only_where_a_deadline_is_met() {
    let no_clock = || -> u64 { panic!("the clock was read") };
    let mut shard = Shard::new(Some(2), PLAIN);
    for key in 0..4 {
        shard.insert(hash(key), key, key, NEVER, 1, no_clock);
    }
    let index = shard.find(hash(3), &3).unwrap();
    assert!(shard.touch(index, no_clock) && shard.is_live(index, no_clock));
    assert_eq!(shard.replace(index, 9, NEVER, 1, no_clock), (3, true));
    assert_eq!(shard.count_live(no_clock), 2);
    assert!(shard.take(index, no_clock).1);
}

#[derive(Debug, Clone)]
enum Step {
    Put { key: u64, ttl: Option<u64> },
    Get(u64),
    Take(u64),
    Clear,
    Advance(u64),
    BeginSweep,
    SweepOn,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0_u64..600;
    let step = prop_oneof![
        40 => (key(), prop::option::of(0_u64..50)).prop_map(|(key, ttl)| Step::Put { key, ttl }),
        10 => key().prop_map(Step::Get),
        10 => key().prop_map(Step::Take),
        1 => Just(Step::Clear),
        10 => (0_u64..20).prop_map(Step::Advance),
        3 => Just(Step::BeginSweep),
        10 => Just(Step::SweepOn),
    ];
    prop::collection::vec(step, 0..200)
}

/// What the plain map knows of a key.
#[derive(Clone, Copy)]
struct Known {
    value: u64,
    deadline: u64,
    idles: u64,
}

impl Known {
    fn is_live(&self, now: u64) -> bool {
        self.deadline.min(self.idles) > now
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let idle = prop::option::of(1_u64..40);
    (idle, 0_u64..40, any::<bool>()).prop_map(|(time_to_idle, grace, weighs)| Terms {
        time_to_idle,
        grace: grace.saturating_sub(20),
        weighs,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Steps of sweeps fall between all other operations here, as they do in a running cache.
    #[test]
    fn any_history_agrees_with_a_plain_map_and_keeps_the_invariants(
        terms in terms(),
        capacity in prop::option::of(1_u64..700),
        crowd in 0_u64..500,
        steps in steps(),
    ) {
        let mut shard = Shard::new(capacity, terms);
        let mut model: HashMap<u64, Known> = HashMap::new();
        let mut now = 0;
        let idles = |now: u64| terms.time_to_idle.map_or(NEVER, |idle| now + idle);
        let crowd = (0..crowd).map(|key| Step::Put { key, ttl: Some(key % 50) });
        for (value, step) in (0_u64..).zip(crowd.chain(steps)) {
            match step {
                Step::Put { key, ttl } => {
                    let deadline = ttl.map_or(NEVER, |ttl| now + ttl);
                    let known = Known { value, deadline, idles: idles(now) };
                    let expected = model.insert(key, known).filter(|old| old.is_live(now));
                    let weight = if terms.weighs { (value % 7) as u32 + 1 } else { 1 };
                    let old = put_heavy(&mut shard, key, value, deadline, weight, now);
                    // With a bound, the old value may have been evicted.
                    prop_assert!(old == expected.map(|old| old.value) || old.is_none() && capacity.is_some());
                }
                Step::Get(key) => {
                    let expected = model.get_mut(&key).filter(|known| known.is_live(now)).map(|known| {
                        known.idles = idles(now);
                        known.value
                    });
                    let got = get(&shard, key, now);
                    prop_assert!(got == expected || got.is_none() && capacity.is_some());
                    if got.is_none() {
                        model.remove(&key);
                    }
                }
                Step::Take(key) => {
                    let expected = model.remove(&key).filter(|known| known.is_live(now));
                    let taken = shard.find(hash(key), &key).map(|index| shard.take(index, || now));
                    let taken = taken.and_then(|(entry, live)| live.then_some(entry.value));
                    prop_assert!(taken == expected.map(|known| known.value) || taken.is_none() && capacity.is_some());
                }
                Step::Clear => {
                    let cleared = shard.clear();
                    let live = cleared.count_live(|| now);
                    prop_assert_eq!(cleared.into_entries(now).filter(|(_, live)| *live).count(), live);
                    model.clear();
                }
                Step::Advance(by) => now += by,
                Step::BeginSweep => {
                    shard.begin_sweep(now);
                }
                Step::SweepOn => {
                    let mut swept = Vec::new();
                    if !shard.sweep_step(now, &mut swept) {
                        drop(shard.outgrown());
                    }
                    for entry in swept {
                        let gone = model.get(&entry.key).filter(|known| known.value == entry.value);
                        let goes = gone.map(|known| known.idles.min(known.deadline.saturating_add(terms.grace)));
                        prop_assert!(goes.is_none_or(|goes| goes <= now));
                    }
                }
            }
            if value % 16 == 0 {
                shard.check();
            }
            let mut keys = Vec::new();
            shard.keys(now, &mut keys);
            prop_assert_eq!(keys.len(), shard.count_live(|| now));
            let (mut copies, mut from) = (Vec::new(), usize::MAX);
            while from > 0 {
                from = shard.copy_step(from, now, &mut copies);
            }
            prop_assert_eq!(copies.len(), keys.len());
            if capacity.is_none() {
                let live = model.iter().filter(|(_, known)| known.is_live(now)).map(|(key, _)| *key);
                prop_assert_eq!(keys.into_iter().collect::<HashSet<_>>(), live.collect::<HashSet<_>>());
            }
        }
        sweep(&mut shard, now);
        let kept = shard.entries.len();
        let stale = (0..kept).filter(|&at| shard.expires(at) <= now && shard.goes(at) > now).count();
        prop_assert_eq!(kept, shard.count_live(|| now) + stale, "a whole sweep leaves only what is kept");
        shard.check();
    }
}
