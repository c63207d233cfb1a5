//! A shard alone, with a clock that the test turns by hand.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

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
            assert!(self.soonest <= entry.deadline, "`soonest` is a lower bound");
        }
        for entry in self.entries.iter().skip(self.walk.rest) {
            assert!(
                self.walk.soonest <= entry.deadline,
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

fn put(shard: &mut Shard<u64, u64>, key: u64, value: u64, deadline: u64, now: u64) -> Option<u64> {
    match shard.find(hash(key), &key) {
        Some(index) => {
            let (old, live) = shard.replace(index, value, deadline, || now);
            live.then_some(old)
        }
        None => {
            shard.insert(hash(key), key, value, deadline, || now);
            None
        }
    }
}

fn get(shard: &Shard<u64, u64>, key: u64, now: u64) -> Option<u64> {
    let entry = shard.entry(shard.find(hash(key), &key)?);
    shard.count_use(entry);
    (!entry.is_expired(|| now)).then_some(entry.value)
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
    let mut shard = Shard::new(None);
    for key in 0..10_000 {
        shard.insert(key, key, key, 1, || 0);
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
    let mut shard = Shard::new(None);
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
    let mut shard = Shard::new(Some(200_000));
    for key in 0..100_000 {
        shard.insert(key, key, key, if key < 100 { 2 } else { 1 }, || 0);
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
    let mut shard = Shard::new(Some(2));
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
    let mut shard = Shard::new(Some(2));
    for key in 0..4 {
        shard.insert(hash(key), key, key, NEVER, no_clock);
    }
    let index = shard.find(hash(3), &3).unwrap();
    assert!(!shard.entry(index).is_expired(no_clock));
    assert_eq!(shard.replace(index, 9, NEVER, no_clock), (3, true));
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Steps of sweeps fall between all other operations here, as they do in a running cache.
    #[test]
    fn any_history_agrees_with_a_plain_map_and_keeps_the_invariants(
        capacity in prop::option::of(1_usize..700),
        crowd in 0_u64..500,
        steps in steps(),
    ) {
        let mut shard = Shard::new(capacity);
        let mut model: HashMap<u64, (u64, u64)> = HashMap::new();
        let mut now = 0;
        let crowd = (0..crowd).map(|key| Step::Put { key, ttl: Some(key % 50) });
        for (value, step) in (0_u64..).zip(crowd.chain(steps)) {
            match step {
                Step::Put { key, ttl } => {
                    let deadline = ttl.map_or(NEVER, |ttl| now + ttl);
                    let expected = model.insert(key, (value, deadline)).filter(|old| old.1 > now);
                    let old = put(&mut shard, key, value, deadline, now);
                    // With a bound, the old value may have been evicted.
                    prop_assert!(old == expected.map(|old| old.0) || old.is_none() && capacity.is_some());
                }
                Step::Get(key) => {
                    let expected = model.get(&key).filter(|entry| entry.1 > now).map(|entry| entry.0);
                    let got = get(&shard, key, now);
                    prop_assert!(got == expected || got.is_none() && capacity.is_some());
                }
                Step::Take(key) => {
                    let expected = model.remove(&key).filter(|entry| entry.1 > now);
                    let taken = shard.find(hash(key), &key).map(|index| shard.take(index, || now));
                    let taken = taken.and_then(|(entry, live)| live.then_some(entry.value));
                    prop_assert!(taken == expected.map(|entry| entry.0) || taken.is_none() && capacity.is_some());
                }
                Step::Clear => {
                    shard.clear();
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
                    prop_assert!(swept.iter().all(|entry| entry.deadline <= now));
                }
            }
            if value % 16 == 0 {
                shard.check();
            }
            let mut keys = Vec::new();
            shard.keys(now, &mut keys);
            prop_assert_eq!(keys.len(), shard.count_live(|| now));
            if capacity.is_none() {
                let live = model.iter().filter(|(_, entry)| entry.1 > now).map(|(key, _)| *key);
                prop_assert_eq!(keys.into_iter().collect::<HashSet<_>>(), live.collect::<HashSet<_>>());
            }
        }
        sweep(&mut shard, now);
        prop_assert_eq!(shard.entries.len(), shard.count_live(|| now), "a whole sweep leaves nothing expired");
        shard.check();
    }
}
