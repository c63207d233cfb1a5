//! One limiter for all.

use patterns_ratelimit::{Denied, Quota, RateLimiter};
use testing::{ms, secs};
use tokio::time::advance;

use crate::support::{Outcome, limited, limiter};

#[tokio::test(start_paused = true)]
async fn the_capacity_is_there_at_once_and_then_one_by_one() {
    let limiter = limiter(3);
    assert_eq!([(); 4].map(|()| limiter.allow()), [true, true, true, false]);
    advance(ms(999)).await;
    assert!(!limiter.allow());
    advance(ms(1)).await;
    assert!(limiter.allow());
    assert!(!limiter.allow());
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_capacity_comes_back() {
    let limiter = limiter(3);
    assert!(limiter.allow());
    advance(secs(1_000)).await;
    assert_eq!(limiter.stats().tokens, 3);
    assert!(limiter.consume(3).is_ok());
    assert!(!limiter.allow());
}

#[tokio::test(start_paused = true)]
async fn a_cost_is_taken_whole_or_not_at_all() {
    let limiter = limiter(5);
    assert_eq!(limiter.consume(3).map(|allowed| allowed.remaining()), Ok(2));
    assert_eq!(limiter.consume(4).unwrap_err(), limited(secs(2)));
    assert_eq!(limiter.stats().tokens, 2);
    assert_eq!(limiter.consume(2).map(|allowed| allowed.remaining()), Ok(0));
}

#[tokio::test(start_paused = true)]
async fn at_the_time_that_a_refusal_names_it_is_time_and_not_before() {
    let limiter = RateLimiter::new(Quota::per_second(3)).unwrap();
    limiter.consume(3).unwrap();
    let wait = limiter.consume(1).unwrap_err().retry_after().unwrap();
    assert_eq!(wait.as_nanos(), 333_333_334);
    advance(wait - std::time::Duration::from_nanos(1)).await;
    assert!(limiter.consume(1).is_err());
    advance(std::time::Duration::from_nanos(1)).await;
    assert!(limiter.consume(1).is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_allowed_says_when_all_is_back() {
    let limiter = limiter(5);
    let allowed = limiter.consume(2).unwrap();
    assert_eq!(
        (
            allowed.remaining(),
            allowed.capacity(),
            allowed.full_after()
        ),
        (3, 5, Some(secs(2)))
    );
    advance(ms(500)).await;
    assert_eq!(limiter.consume(1).unwrap().full_after(), Some(ms(2_500)));
}

#[tokio::test(start_paused = true)]
async fn more_than_the_capacity_is_impossible() {
    let limiter = limiter(5);
    let never = Denied::Impossible {
        cost: 6,
        capacity: 5,
    };
    assert_eq!(limiter.consume(6).unwrap_err(), never);
    assert_eq!(never.retry_after(), None);
    assert_eq!(
        limiter.consume(u32::MAX).unwrap_err(),
        Denied::Impossible {
            cost: u32::MAX,
            capacity: 5
        }
    );
    assert_eq!(limiter.stats().tokens, 5);
}

#[tokio::test(start_paused = true)]
async fn without_a_refill_the_capacity_is_there_once() {
    let limiter = RateLimiter::new(Quota::once(2)).unwrap();
    assert!(limiter.allow());
    let allowed = limiter.consume(1).unwrap();
    assert_eq!((allowed.remaining(), allowed.full_after()), (0, None));
    advance(secs(30 * 365 * 86_400)).await;
    assert_eq!(
        limiter.consume(1).unwrap_err(),
        Denied::Impossible {
            cost: 1,
            capacity: 2
        }
    );
    limiter.reset();
    assert!(limiter.allow());
}

#[tokio::test(start_paused = true)]
async fn what_costs_nothing_takes_nothing_and_is_counted() {
    let limiter = limiter(1);
    assert!(limiter.allow());
    assert_eq!(limiter.consume(0).map(|allowed| allowed.remaining()), Ok(0));
    assert_eq!(limiter.stats().allowed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_check_takes_nothing_and_counts_nothing() {
    let limiter = limiter(2);
    assert_eq!([(); 5].map(|()| limiter.check(2)), [Ok(()); 5]);
    limiter.consume(2).unwrap();
    assert_eq!(limiter.check(1), Err(limited(secs(1))));
    assert_eq!(
        limiter.check(3),
        Err(Denied::Impossible {
            cost: 3,
            capacity: 2
        })
    );
    let stats = limiter.stats();
    assert_eq!((stats.allowed, stats.rejected), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn stats_say_what_was_and_what_is() {
    let quota = Quota::per_second(1).burst(3);
    let limiter = RateLimiter::new(quota).unwrap();
    let allowed = [(); 5].map(|()| limiter.allow());
    assert_eq!(allowed, [true, true, true, false, false]);
    let stats = limiter.stats();
    assert_eq!(
        (
            stats.allowed,
            stats.rejected,
            stats.tokens,
            stats.waiting,
            stats.quota
        ),
        (3, 2, 0, 0, quota)
    );
    advance(ms(2_999)).await;
    assert_eq!(limiter.stats().tokens, 2);
    limiter.reset_stats();
    let stats = limiter.stats();
    assert_eq!((stats.allowed, stats.rejected, stats.tokens), (0, 0, 2));
    assert!(limiter.allow());
    assert_eq!(limiter.stats().allowed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_fills_the_bucket_and_keeps_the_counts() {
    let limiter = limiter(2);
    limiter.consume(2).unwrap();
    limiter.reset();
    let stats = limiter.stats();
    assert_eq!((stats.tokens, stats.allowed), (2, 1));
    assert!(limiter.consume(2).is_ok());
    assert!(!limiter.allow());
}

#[tokio::test(start_paused = true)]
async fn clones_are_one_limiter() {
    let limiter = limiter(1);
    assert!(limiter.clone().allow());
    assert!(!limiter.allow());
}

#[test]
fn no_runtime_is_needed() -> Outcome {
    let limiter = RateLimiter::new(Quota::per_hour(2))?;
    assert!(limiter.allow());
    assert_eq!(limiter.consume(1)?.remaining(), 0);
    let wait = limiter.consume(1).unwrap_err().retry_after().unwrap();
    assert!(wait <= secs(1_800) && wait > secs(1_700));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_by_decades_gives_the_capacity_and_no_more() {
    for quota in [
        Quota::per_second(999_983).burst(1_000_000),
        Quota::per_second(7),
        Quota::every(secs(86_400 * 365)),
    ] {
        let limiter = RateLimiter::new(quota).unwrap();
        for _ in 0..3 {
            assert!(limiter.consume(quota.capacity).is_ok());
            assert!(!limiter.allow());
            advance(secs(9 * 365 * 86_400)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_thread_outside_sees_the_clock_of_the_machine() {
    let limiter = limiter(1);
    assert!(limiter.allow());
    advance(secs(3_600)).await;
    // For it only some moments have passed.
    let outside = limiter.clone();
    let allowed = std::thread::spawn(move || outside.allow()).join().unwrap();
    assert!(!allowed);
    assert!(limiter.allow());
}
