//! Idle keys are forgotten, and no decision is another for it.

use std::sync::Arc;
use std::time::Duration;

use patterns_ratelimit::{KeyedConfig, KeyedRateLimiter, Quota};
use proptest::prelude::*;
use testing::{ms, secs};
use tokio::time::advance;

use crate::support::Outcome;

#[tokio::test(start_paused = true)]
async fn the_process_forgets_all_that_are_idle() -> Outcome {
    let config = KeyedConfig {
        quota: Quota::per_second(1).burst(2),
        sweep_interval: secs(10),
        ..KeyedConfig::default()
    };
    let limiter = KeyedRateLimiter::<u64>::start(config).await?;
    for key in 0..20_000 {
        assert!(limiter.allow(&key));
    }
    advance(ms(9_999)).await;
    for _ in 0..2 {
        assert!(limiter.consume(&7, 2).is_ok() || !limiter.allow(&7));
    }
    tokio::time::sleep(ms(500)).await;
    assert_eq!(limiter.len(), 1);
    assert_eq!(limiter.keys(), [7]);
    let stats = limiter.stats();
    assert_eq!((stats.keys, stats.evicted), (1, 19_999));
    assert!(!limiter.allow(&7));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_process_sweeps_at_an_interval_without_end() -> Outcome {
    let config = KeyedConfig {
        quota: Quota::per_second(1),
        sweep_interval: Duration::MAX,
        ..KeyedConfig::default()
    };
    let limiter = KeyedRateLimiter::<u64>::start(config).await?;
    assert!(limiter.allow(&1));
    tokio::time::sleep(secs(100_000)).await;
    assert_eq!(limiter.len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn new_keys_keep_the_table_small_without_a_process() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_second(1_000).burst(1))?;
    // A new key each 10 µs, each of which is idle after 1 ms: a hundred at a time.
    for key in 0..20_000 {
        assert!(limiter.allow(&key));
        advance(Duration::from_micros(10)).await;
    }
    assert!(limiter.len() < 2_000, "{}", limiter.len());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_that_owes_something_is_remembered() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_second(1).burst(1_000))?;
    assert!(limiter.consume(&0, 1_000).is_ok());
    for key in 1..20_000 {
        assert!(limiter.allow(&key));
        advance(Duration::from_micros(100)).await;
    }
    assert_eq!(limiter.tokens(&0), 1);
    assert!(limiter.keys().contains(&0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn keys_are_dropped_when_they_are_forgotten_and_with_the_last_handle() -> Outcome {
    let key = Arc::new(5_u64);
    let limiter = KeyedRateLimiter::<Arc<u64>>::start(Quota::per_second(1)).await?;
    assert!(limiter.allow(&key));
    assert_eq!(Arc::strong_count(&key), 2);
    tokio::time::sleep(secs(40)).await;
    assert_eq!(Arc::strong_count(&key), 1);
    assert!(limiter.allow(&key));
    drop(limiter.clone());
    assert_eq!(Arc::strong_count(&key), 2);
    drop(limiter);
    assert_eq!(Arc::strong_count(&key), 1);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// One limiter that forgets all the time beside one that never does.
    #[test]
    fn what_is_forgotten_is_not_missed(
        (capacity, refill, period) in (1..6_u32, 1..20_u32, 1..50_u64),
        requests in prop::collection::vec((0..6_u64, 1..4_u32, 0..20_000_u64), 1..150),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let quota = Quota::new(capacity, refill, ms(period));
            let config = KeyedConfig { quota, sweep_interval: ms(7), ..KeyedConfig::default() };
            let forgets = KeyedRateLimiter::<u64>::start(config).await.unwrap();
            let remembers: Vec<_> = (0..6).map(|_| patterns_ratelimit::RateLimiter::new(quota).unwrap()).collect();
            for (key, cost, micros) in requests {
                let one = forgets.consume(&key, cost);
                let other = remembers[key as usize].consume(cost);
                prop_assert_eq!(one.is_ok(), other.is_ok());
                prop_assert_eq!(one.err(), other.err());
                tokio::time::sleep(Duration::from_micros(micros)).await;
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            }
            Ok(())
        })?;
    }
}
