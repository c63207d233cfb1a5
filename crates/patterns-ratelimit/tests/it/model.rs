//! Whole limiters beside a model in exact fractions, under random use.

use std::collections::HashMap;
use std::time::Duration;

use patterns_ratelimit::{Denied, KeyedRateLimiter, Quota, RateLimiter, consume_all};
use proptest::prelude::*;

/// What is owed, in tokens times the period's nanoseconds.
#[derive(Clone, Default)]
struct Bucket {
    owed: u128,
    at: u128,
}

impl Bucket {
    fn settle(&mut self, quota: Quota, now: u128) {
        let back = (now - self.at) * u128::from(quota.refill);
        self.owed = self.owed.saturating_sub(back);
        self.at = now;
    }

    /// Whether it is allowed, and if not, how long it takes until it is.
    fn ask(&mut self, quota: Quota, now: u128, cost: u32) -> Result<(), Option<u128>> {
        self.settle(quota, now);
        let period = quota.period.as_nanos();
        let over = (self.owed + u128::from(cost) * period)
            .saturating_sub(u128::from(quota.capacity) * period);
        if over == 0 {
            Ok(())
        } else if cost > quota.capacity || quota.refill == 0 {
            Err(None)
        } else {
            Err(Some(over.div_ceil(u128::from(quota.refill))))
        }
    }

    fn take(&mut self, quota: Quota, cost: u32) {
        self.owed += u128::from(cost) * quota.period.as_nanos();
    }
}

#[derive(Debug, Clone)]
enum Step {
    One(u32),
    Key(u8, u32),
    All(u8, u32),
    Reset,
    ResetKey(u8),
    Advance(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..4_u32).prop_map(Step::One),
        4 => (0..4_u8, 0..4_u32).prop_map(|(key, cost)| Step::Key(key, cost)),
        4 => (0..4_u8, 0..4_u32).prop_map(|(key, cost)| Step::All(key, cost)),
        1 => Just(Step::Reset),
        1 => (0..4_u8).prop_map(Step::ResetKey),
        5 => (0..2_000_u64).prop_map(Step::Advance),
    ];
    prop::collection::vec(step, 1..80)
}

/// Quotas whose moments are whole nanoseconds, so that the model needs no grid.
fn quotas() -> impl Strategy<Value = Quota> {
    (1..6_u32, 0..3_u32, 1..5_u64).prop_map(|(capacity, refill, period)| {
        Quota::new(capacity, refill, Duration::from_millis(period * 200))
    })
}

fn same(asked: Result<(), Denied>, model: Result<(), Option<u128>>) -> bool {
    match (asked, model) {
        (Ok(()), Ok(())) => true,
        (Err(denied), Err(wait)) => denied.retry_after().map(|wait| wait.as_nanos()) == wait,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn limiters_do_as_the_model_does(one in quotas(), many in quotas(), steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limiter = RateLimiter::new(one).unwrap();
            let keyed = KeyedRateLimiter::<u8>::new(many).unwrap();
            let (mut bucket, mut buckets) = (Bucket::default(), HashMap::<u8, Bucket>::new());
            let mut now = 0;
            let mut counts = [0_u64; 4];
            for step in steps {
                match step {
                    Step::One(cost) => {
                        let asked = bucket.ask(one, now, cost);
                        if asked.is_ok() {
                            bucket.take(one, cost);
                        }
                        counts[usize::from(asked.is_err())] += 1;
                        prop_assert!(same(limiter.consume(cost).map(drop), asked));
                    }
                    Step::Key(key, cost) => {
                        let bucket = buckets.entry(key).or_default();
                        let asked = bucket.ask(many, now, cost);
                        if asked.is_ok() {
                            bucket.take(many, cost);
                        }
                        counts[2 + usize::from(asked.is_err())] += 1;
                        prop_assert!(same(keyed.check(&key, cost), asked));
                        prop_assert!(same(keyed.consume(&key, cost).map(drop), asked));
                    }
                    Step::All(key, cost) => {
                        let of_key = buckets.entry(key).or_default();
                        let (first, second) = (of_key.ask(many, now, cost), bucket.ask(one, now, cost));
                        if first.is_ok() && second.is_ok() {
                            of_key.take(many, cost);
                            bucket.take(one, cost);
                            counts[0] += 1;
                            counts[2] += 1;
                        } else {
                            counts[1] += u64::from(second.is_err());
                            counts[3] += u64::from(first.is_err());
                        }
                        let asked = consume_all([&keyed.at(&key), &limiter], cost);
                        let waits: Vec<_> = [first, second].into_iter().filter_map(Result::err).collect();
                        match asked {
                            Ok(_) => prop_assert!(waits.is_empty()),
                            Err(refused) => {
                                prop_assert_eq!(refused.level, usize::from(first.is_ok()));
                                let worst = if waits.contains(&None) { None } else { waits.into_iter().flatten().max() };
                                prop_assert_eq!(refused.retry_after().map(|wait| wait.as_nanos()), worst);
                            }
                        }
                    }
                    Step::Reset => {
                        limiter.reset();
                        bucket = Bucket { owed: 0, at: now };
                    }
                    Step::ResetKey(key) => {
                        keyed.reset(&key);
                        buckets.insert(key, Bucket { owed: 0, at: now });
                    }
                    Step::Advance(millis) => {
                        tokio::time::advance(Duration::from_millis(millis)).await;
                        now += u128::from(millis) * 1_000_000;
                    }
                }
                bucket.settle(one, now);
                let left = (u128::from(one.capacity) * one.period.as_nanos() - bucket.owed) / one.period.as_nanos();
                prop_assert_eq!(u128::from(limiter.stats().tokens), left);
            }
            let (stats, keyed) = (limiter.stats(), keyed.stats());
            prop_assert_eq!(counts, [stats.allowed, stats.rejected, keyed.allowed, keyed.rejected]);
            Ok(())
        })?;
    }
}
