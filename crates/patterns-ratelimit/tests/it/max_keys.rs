//! A bound on the number of keys.

use patterns_ratelimit::{Denied, KeyedConfig, KeyedRateLimiter, Quota, consume_all};
use testing::secs;
use tokio::time::advance;

use crate::support::{Outcome, limiter};

fn bounded(max_keys: usize) -> KeyedRateLimiter<u64> {
    let config = KeyedConfig {
        quota: Quota::per_second(1).burst(2),
        max_keys: Some(max_keys),
        ..KeyedConfig::default()
    };
    KeyedRateLimiter::new(config).expect("the options are good")
}

#[tokio::test(start_paused = true)]
async fn a_new_key_without_room_is_refused_and_the_old_ones_go_on() {
    let limiter = bounded(10);
    for key in 0..10 {
        assert!(limiter.allow(&key));
    }
    for key in 10..100 {
        assert_eq!(
            limiter.consume(&key, 1).unwrap_err(),
            Denied::TooManyKeys { max_keys: 10 }
        );
    }
    assert_eq!(limiter.len(), 10);
    assert!(limiter.allow(&3));
    assert!(!limiter.allow(&3));
    let stats = limiter.stats();
    assert_eq!((stats.allowed, stats.rejected), (11, 91));
}

#[tokio::test(start_paused = true)]
async fn those_who_are_idle_make_room() {
    let limiter = bounded(100);
    for key in 0..100 {
        assert!(limiter.allow(&key));
    }
    assert!(!limiter.allow(&1_000));
    advance(secs(1)).await;
    let mut refused = 0;
    for key in 1_000..1_100 {
        refused += u32::from(!limiter.allow(&key));
        assert!(limiter.len() <= 100);
    }
    assert_eq!(refused, 0, "all are idle");
}

#[tokio::test(start_paused = true)]
async fn a_place_comes_back_by_reset_and_by_refusal() {
    let limiter = bounded(1);
    assert!(limiter.allow(&1));
    limiter.reset(&1);
    assert!(limiter.allow(&2));
    limiter.reset_all();
    assert!(limiter.allow(&3));
    limiter.reset_all();
    let none = limiter_that_refuses();
    for _ in 0..5 {
        assert!(consume_all([&limiter.at(&4), &none], 1).is_err());
    }
    assert!(limiter.is_empty());
    assert!(limiter.allow(&5));
}

fn limiter_that_refuses() -> patterns_ratelimit::RateLimiter {
    let none = limiter(1);
    assert!(none.allow());
    none
}

#[tokio::test(start_paused = true)]
async fn a_level_without_room_refuses() -> Outcome {
    let (limiter, all) = (bounded(1), limiter(5));
    assert!(limiter.allow(&1));
    let refused = consume_all([&limiter.at(&2), &all], 1).unwrap_err();
    assert_eq!(
        (refused.level, refused.denied),
        (0, Denied::TooManyKeys { max_keys: 1 })
    );
    assert_eq!(all.stats().tokens, 5);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_needs_no_place_is_allowed_without_room() {
    let limiter = bounded(1);
    assert!(limiter.allow(&1));
    assert!(limiter.consume(&2, 0).is_ok());
    assert!(limiter.check(&2, 1).is_ok());
    assert_eq!(limiter.tokens(&2), 2);
}

#[tokio::test(start_paused = true)]
async fn a_huge_bound_is_none() {
    let limiter = bounded(usize::MAX);
    for key in 0..1_000 {
        assert!(limiter.allow(&key));
    }
    assert_eq!(limiter.len(), 1_000);
}
