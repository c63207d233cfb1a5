//! Defects of the original that this crate ports, each of which must not come back.

use patterns_ratelimit::{Denied, KeyedRateLimiter, Quota, RateLimiter};
use testing::secs;
use tokio::time::advance;

use crate::support::keyed;

/// There, keys were never evicted, and rejected or reset keys made buckets.
#[tokio::test(start_paused = true)]
async fn keys_do_not_pile_up() {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_second(1)).unwrap();
    for round in 0..50 {
        for key in 0..1_000 {
            assert!(limiter.allow(&(round * 1_000 + key)));
        }
        advance(secs(1)).await;
    }
    assert!(limiter.len() < 3_000, "{}", limiter.len());
    limiter.reset(&u64::MAX);
    let _ = limiter.consume(&u64::MAX, 2);
    assert!(!limiter.keys().contains(&u64::MAX));
}

/// There, a cost above the capacity got a finite wait, of 8 s.
#[test]
fn a_cost_above_the_capacity_is_not_to_be_waited_for() {
    let limiter = RateLimiter::new(Quota::per_second(1).burst(2)).unwrap();
    assert_eq!(
        limiter.consume(10).unwrap_err(),
        Denied::Impossible {
            cost: 10,
            capacity: 2
        }
    );
}

/// There, a rate of zero got a wait of 1 ms.
#[test]
fn a_rate_of_zero_is_not_to_be_waited_for() {
    let limiter = RateLimiter::new(Quota::once(1)).unwrap();
    assert!(limiter.allow());
    assert_eq!(limiter.consume(1).unwrap_err().retry_after(), None);
}

/// There, a reset with a key where there are none, and without one where there are, crashed the server. Here the one limiter has `reset()` alone, and the other `reset(key)`
/// and `reset_all()`: the wrong call does not compile.
#[test]
fn each_kind_has_its_own_reset() {
    let one = RateLimiter::new(Quota::per_second(1)).unwrap();
    assert!(one.allow());
    one.reset();
    assert!(one.allow());
    let many = keyed(1);
    assert!(many.allow("a"));
    many.reset("a");
    assert!(many.allow("a"));
    many.reset_all();
    assert!(many.allow("a"));
}

/// There, an integer key was read as a cost.
#[test]
fn a_number_is_a_key_like_any_other() {
    let limiter = KeyedRateLimiter::<u32>::new(Quota::per_second(5)).unwrap();
    assert_eq!(
        limiter.consume(&5, 1).map(|allowed| allowed.remaining()),
        Ok(4)
    );
}

/// There, options were not validated.
#[test]
fn options_are_validated() {
    assert!(RateLimiter::new(Quota::new(0, 1, secs(1))).is_err());
    assert!(RateLimiter::new(Quota::new(1, 1, secs(0))).is_err());
}
