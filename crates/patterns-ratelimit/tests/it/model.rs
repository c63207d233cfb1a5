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
                    Step::Advance(ms) => {
                        tokio::time::advance(Duration::from_millis(ms)).await;
                        now += u128::from(ms) * 1_000_000;
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

#[derive(Debug, Clone)]
enum Use {
    Take(u32),
    Reserve(u32),
    /// One of those that are open, and what share of it was used.
    Settle(usize, u32),
    Advance(u64),
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let one = prop_oneof![
        4 => (1..8_u32).prop_map(Use::Take),
        4 => (1..8_u32).prop_map(Use::Reserve),
        4 => (0..8_usize, 0..8_u32).prop_map(|(which, used)| Use::Settle(which, used)),
        3 => (1..6_u64).prop_map(Use::Advance),
    ];
    prop::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// What is used, reserved or not, is counted at the moment at which it was taken: in no interval more than the quota says.
    #[test]
    fn reservations_never_make_more_than_the_quota_says(capacity in 1..12_u32, uses in uses()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let quota = Quota::per_second(1).burst(capacity);
            let limiter = RateLimiter::new(quota).unwrap();
            let keyed = KeyedRateLimiter::<u8>::new(quota).unwrap();
            // Moments and tokens; those of an open reservation count as none until it is settled.
            let mut used: Vec<(u64, u64)> = Vec::new();
            let mut open = Vec::new();
            let mut now = 0;
            for step in uses {
                match step {
                    Use::Take(cost) => {
                        let taken = limiter.consume(cost).is_ok();
                        prop_assert_eq!(taken, keyed.consume(&1, cost).is_ok());
                        if taken {
                            used.push((now, cost.into()));
                        }
                    }
                    Use::Reserve(cost) => {
                        let reserved = limiter.try_reserve(cost);
                        let of_key = keyed.try_reserve(&1, cost);
                        prop_assert_eq!(reserved.is_ok(), of_key.is_ok());
                        if let (Ok(reserved), Ok(of_key)) = (reserved, of_key) {
                            used.push((now, 0));
                            open.push((used.len() - 1, reserved, of_key));
                        }
                    }
                    Use::Settle(which, share) => {
                        if !open.is_empty() {
                            let (place, reserved, of_key) = open.swap_remove(which % open.len());
                            let part = share.min(reserved.tokens());
                            used[place].1 = part.into();
                            reserved.settle(part);
                            of_key.settle(part);
                        }
                    }
                    Use::Advance(seconds) => {
                        tokio::time::advance(Duration::from_secs(seconds)).await;
                        now += seconds;
                    }
                }
                prop_assert_eq!(limiter.stats().tokens, keyed.tokens(&1));
            }
            for (first, (begin, _)) in used.iter().enumerate() {
                let mut sum = 0;
                for (end, tokens) in &used[first..] {
                    sum += tokens;
                    prop_assert!(sum <= u64::from(capacity) + (end - begin), "{sum} from {begin} to {end}");
                }
            }
            Ok(())
        })?;
    }
}
