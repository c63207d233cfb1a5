//! A bucket for each key.

use patterns_ratelimit::{Denied, KeyedRateLimiter, Quota};
use testing::secs;
use tokio::time::advance;

use crate::support::{Outcome, keyed, limited};

#[tokio::test(start_paused = true)]
async fn each_key_has_tokens_of_its_own() {
    let limiter = keyed(2);
    assert_eq!([(); 3].map(|()| limiter.allow("ada")), [true, true, false]);
    assert_eq!(
        limiter
            .consume("grace", 2)
            .map(|allowed| allowed.remaining()),
        Ok(0)
    );
    assert_eq!(limiter.consume("ada", 2).unwrap_err(), limited(secs(2)));
    advance(secs(1)).await;
    assert!(limiter.allow("ada"));
    assert_eq!(limiter.tokens("grace"), 1);
    assert_eq!(limiter.tokens("nobody"), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_are_looked_up_by_what_they_borrow_as() {
    let names = keyed(1);
    assert!(names.allow("ada"));
    assert!(!names.allow(&"ada".to_string()[..]));
    let numbers = KeyedRateLimiter::<u64>::new(Quota::per_second(1)).unwrap();
    assert!(numbers.allow(&7));
    assert!(!numbers.allow(&7));
    let pairs = KeyedRateLimiter::<(u32, &'static str)>::new(Quota::per_second(1)).unwrap();
    assert!(pairs.allow(&(1, "get")));
    assert!(pairs.allow(&(1, "put")));
    assert!(!pairs.allow(&(1, "get")));
}

#[tokio::test(start_paused = true)]
async fn stats_say_what_was_and_what_is() {
    let quota = Quota::per_second(1).burst(2);
    let limiter = KeyedRateLimiter::<String>::new(quota).unwrap();
    for key in ["a", "a", "a", "b"] {
        let _ = limiter.consume(key, 1);
    }
    let stats = limiter.stats();
    assert_eq!(
        (
            stats.allowed,
            stats.rejected,
            stats.keys,
            stats.evicted,
            stats.waiting,
            stats.quota
        ),
        (3, 1, 2, 0, 0, quota)
    );
    let mut keys = limiter.keys();
    keys.sort();
    assert_eq!(keys, ["a", "b"]);
    limiter.reset_stats();
    let stats = limiter.stats();
    assert_eq!((stats.allowed, stats.rejected, stats.keys), (0, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_reset_fills_one_bucket_or_all() {
    let limiter = keyed(1);
    for key in ["a", "b", "c"] {
        assert!(limiter.allow(key));
    }
    limiter.reset("a");
    assert_eq!(["a", "b"].map(|key| limiter.allow(key)), [true, false]);
    limiter.reset_all();
    assert!(limiter.is_empty());
    assert_eq!(["a", "b", "c"].map(|key| limiter.allow(key)), [true; 3]);
    assert_eq!(limiter.stats().allowed, 7);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_at_first_is_not_remembered() {
    let limiter = keyed(2);
    assert_eq!(
        limiter.consume("a", 3).unwrap_err(),
        Denied::Impossible {
            cost: 3,
            capacity: 2
        }
    );
    assert!(limiter.check("b", 1).is_ok());
    assert_eq!(limiter.tokens("c"), 2);
    assert!(limiter.consume("d", 0).is_ok());
    limiter.reset("e");
    assert_eq!(limiter.keys(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_check_takes_nothing_of_a_key() {
    let limiter = keyed(2);
    assert_eq!([(); 3].map(|()| limiter.check("a", 2)), [Ok(()); 3]);
    limiter.consume("a", 2).unwrap();
    assert_eq!(limiter.check("a", 1), Err(limited(secs(1))));
    assert_eq!(limiter.stats().rejected, 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_refill_a_key_has_its_capacity_once() {
    let limiter = KeyedRateLimiter::<u32>::new(Quota::once(2)).unwrap();
    assert!(limiter.consume(&1, 2).is_ok());
    advance(secs(1_000_000)).await;
    // New keys look for idle ones: a key that is spent for good is none.
    for key in 100..2_000 {
        assert!(limiter.allow(&key));
    }
    assert_eq!(
        limiter.consume(&1, 1).unwrap_err(),
        Denied::Impossible {
            cost: 1,
            capacity: 2
        }
    );
}

#[test]
fn no_runtime_is_needed() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_hour(1))?;
    assert!(limiter.allow(&1));
    assert!(!limiter.allow(&1));
    assert!(limiter.allow(&2));
    Ok(())
}
