//! What is kept, against plain lists.

use patterns_breaker::{BreakerConfig, BreakerSet, State, WindowConfig, WindowSize};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::breaker;

proptest! {
    /// At every call, what the breaker says is in its window is the end of the list of all outcomes.
    #[test]
    fn at_every_call_a_window_equals_the_list(
        size in 1..30_u32,
        outcomes in vec(0..4_u8, 0..100),
    ) {
        let breaker = breaker(BreakerConfig {
            failure_threshold: Some(1_000_000),
            window: Some(WindowConfig { size: WindowSize::Calls(size), minimum_calls: size, failure_percent: 100, slow_call: None }),
            ..BreakerConfig::default()
        });
        let mut list = Vec::new();
        for outcome in outcomes {
            let permit = breaker.try_acquire().unwrap();
            match outcome {
                0 => { permit.success(); list.push(false); }
                1 => { permit.failure(); list.push(true); }
                2 => permit.ignore(),
                _ => drop(permit),
            }
            let last = &list[list.len().saturating_sub(size as usize)..];
            if last.len() == size as usize && last.iter().all(|failed| *failed) {
                prop_assert_eq!(breaker.state(), State::Open);
                return Ok(());
            }
            let window = breaker.stats().window.unwrap();
            prop_assert_eq!(window.calls, last.len());
            prop_assert_eq!(window.failures, last.iter().filter(|failed| **failed).count());
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Op {
    Get(u64),
    Peek(u64),
    Remove(u64),
    Fail(u64),
    Succeed(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..12_u64;
    prop_oneof![
        4 => key().prop_map(Op::Get),
        1 => key().prop_map(Op::Peek),
        1 => key().prop_map(Op::Remove),
        2 => key().prop_map(Op::Fail),
        2 => key().prop_map(Op::Succeed),
    ]
}

proptest! {
    /// A set against a list: which keys are there, and which of them are in trouble, after each step.
    #[test]
    fn a_set_equals_a_list(room in 1..8_usize, ops in vec(op(), 0..200)) {
        let set = BreakerSet::<u64>::new(BreakerConfig::default(), room).unwrap();
        // The latest last, each with whether it is in trouble.
        let mut list: Vec<(u64, bool)> = Vec::new();
        let asked = |list: &mut Vec<(u64, bool)>, key: u64| {
            if let Some(at) = list.iter().position(|(other, _)| *other == key) {
                let entry = list.remove(at);
                list.push(entry);
                return;
            }
            if list.len() == room {
                let cold = list.iter().position(|(_, hot)| !hot);
                list.remove(cold.unwrap_or(0));
            }
            list.push((key, false));
        };
        for op in ops {
            match op {
                Op::Get(key) => {
                    let _ = set.get(&key);
                    asked(&mut list, key);
                }
                Op::Peek(key) => {
                    let is_there = list.iter().any(|(other, _)| *other == key);
                    prop_assert_eq!(set.peek(&key).is_some(), is_there);
                }
                Op::Remove(key) => {
                    let is_there = list.iter().any(|(other, _)| *other == key);
                    prop_assert_eq!(set.remove(&key).is_some(), is_there);
                    list.retain(|(other, _)| *other != key);
                }
                Op::Fail(key) => {
                    let _ = set.get(&key).try_acquire().map(patterns_breaker::Permit::failure);
                    asked(&mut list, key);
                    list.last_mut().unwrap().1 = true;
                }
                Op::Succeed(key) => {
                    let breaker = set.get(&key);
                    breaker.reset();
                    asked(&mut list, key);
                    list.last_mut().unwrap().1 = false;
                }
            }
            let mut keys = set.keys();
            keys.sort_unstable();
            let mut expected: Vec<_> = list.iter().map(|(key, _)| *key).collect();
            expected.sort_unstable();
            prop_assert_eq!(keys, expected);
        }
    }
}
