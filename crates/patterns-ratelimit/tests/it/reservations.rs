//! Tokens that are taken now and settled later.

use patterns_ratelimit::{Denied, KeyedRateLimiter, Quota};
use testing::{ms, quiet, secs};
use tokio::task::yield_now;
use tokio::time::advance;

use crate::support::{Outcome, keyed, limited, limiter};

#[tokio::test(start_paused = true)]
async fn what_is_not_used_goes_back() -> Outcome {
    let limiter = limiter(10);
    let reservation = limiter.try_reserve(8)?;
    assert_eq!(
        (reservation.tokens(), reservation.allowed().remaining()),
        (8, 2)
    );
    assert_eq!(limiter.stats().tokens, 2);
    reservation.settle(3);
    assert_eq!(limiter.stats().tokens, 7);
    let keyed = keyed(10);
    keyed.try_reserve("a", 8)?.settle(3);
    assert_eq!(keyed.tokens("a"), 7);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_goes_back_whole() -> Outcome {
    let (limiter, keyed) = (limiter(10), keyed(10));
    drop(limiter.try_reserve(8)?);
    drop(keyed.try_reserve("a", 8)?);
    assert_eq!((limiter.stats().tokens, keyed.tokens("a")), (10, 10));
    quiet();
    let panics = std::panic::AssertUnwindSafe(|| {
        let _reservation = limiter.try_reserve(8);
        panic!("as told, in the middle of the work");
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(limiter.stats().tokens, 10);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_used_beyond_is_taken_too() -> Outcome {
    let (limiter, keyed) = (limiter(4), keyed(4));
    limiter.try_reserve(4)?.settle(7);
    keyed.try_reserve("a", 4)?.settle(7);
    assert_eq!(limiter.consume(1).unwrap_err(), limited(secs(4)));
    assert_eq!(keyed.consume("a", 1).unwrap_err(), limited(secs(4)));
    assert_eq!(limiter.consume(0).unwrap_err(), limited(secs(3)));
    limiter.try_reserve(0).unwrap_err();
    limiter.reset();
    limiter.try_reserve(1)?.settle(u32::MAX);
    assert!(limiter.consume(1).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_has_come_back_by_itself_does_not_come_back_once_more() -> Outcome {
    let limiter = limiter(10);
    let reservation = limiter.try_reserve(6)?;
    advance(secs(4)).await;
    // Four of the six are back. Ten minus two are there, and two more if the rest is given back, not six.
    assert_eq!(limiter.stats().tokens, 8);
    drop(reservation);
    assert_eq!(limiter.stats().tokens, 10);

    let reservation = limiter.try_reserve(5)?;
    advance(secs(60)).await;
    limiter.consume(10)?;
    drop(reservation);
    assert_eq!(
        limiter.stats().tokens,
        0,
        "it was back long before, and is taken"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_used_beyond_is_remembered_of_a_key_that_was_reset() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_second(1).burst(3))?;
    let reservation = limiter.try_reserve(&2, 1)?;
    limiter.reset_all();
    reservation.settle(3);
    assert_eq!(limiter.tokens(&2), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_reserved() -> Outcome {
    let (limiter, keyed) = (limiter(2), keyed(2));
    let first = limiter.try_reserve(2)?;
    assert_eq!(limiter.try_reserve(1).unwrap_err(), limited(secs(1)));
    assert_eq!(
        limiter.try_reserve(3).unwrap_err(),
        Denied::Impossible {
            cost: 3,
            capacity: 2
        }
    );
    assert!(keyed.try_reserve("a", 3).is_err());
    assert!(keyed.is_empty());
    drop(first);
    let (stats, keyed) = (limiter.stats(), keyed.stats());
    assert_eq!((stats.allowed, stats.rejected, keyed.rejected), (1, 2, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_goes_back_goes_to_whoever_waits() -> Outcome {
    let (limiter, keyed) = (limiter(3), keyed(3));
    let (one, two) = (limiter.try_reserve(3)?, keyed.try_reserve("a", 3)?);
    let first = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.until_ready().await }
    });
    let second = tokio::spawn({
        let keyed = keyed.clone();
        async move { keyed.until_ready("a").await }
    });
    yield_now().await;
    let begun = tokio::time::Instant::now();
    one.settle(2);
    two.settle(1);
    first.await??;
    second.await??;
    assert_eq!(begun.elapsed(), ms(0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_a_change_of_quota_what_was_reserved_stays_taken() -> Outcome {
    let (limiter, keyed) = (limiter(10), keyed(10));
    let (one, two) = (limiter.try_reserve(5)?, keyed.try_reserve("a", 5)?);
    limiter.set_quota(Quota::per_second(1).burst(20))?;
    keyed.set_quota(Quota::per_second(1).burst(20))?;
    drop((one, two));
    assert_eq!((limiter.stats().tokens, keyed.tokens("a")), (15, 15));
    let again = limiter.try_reserve(5)?;
    drop(again);
    assert_eq!(limiter.stats().tokens, 15);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_reservations_do_not_give_back_the_same_tokens() -> Outcome {
    let limiter = limiter(10);
    let keyed = keyed(10);
    let (first, second) = (limiter.try_reserve(5)?, limiter.try_reserve(5)?);
    let (of_key, second_of_key) = (keyed.try_reserve("a", 5)?, keyed.try_reserve("a", 5)?);
    drop((first, of_key));
    advance(secs(3)).await;
    limiter.consume(5)?;
    keyed.consume("a", 5)?;
    drop((second, second_of_key));
    assert_eq!((limiter.stats().tokens, keyed.tokens("a")), (5, 5));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_a_reset_what_was_reserved_does_not_come_back() -> Outcome {
    let limiter = limiter(10);
    let reservation = limiter.try_reserve(10)?;
    limiter.reset();
    limiter.consume(10)?;
    drop(reservation);
    assert_eq!(limiter.stats().tokens, 0);

    for all in [false, true] {
        let limiter = keyed(10);
        let reservation = limiter.try_reserve("a", 10)?;
        if all {
            limiter.reset_all();
        } else {
            limiter.reset("a");
        }
        limiter.consume("a", 10)?;
        drop(reservation);
        assert_eq!(limiter.tokens("a"), 0, "{all}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_keys_quota_leaves_what_others_have_reserved() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_second(1).burst(10))?;
    let reservations: Vec<_> = (0..500).map(|key| limiter.try_reserve(&key, 4)).collect();
    limiter.set_quota_of(&1_000, Some(Quota::per_second(5)))?;
    limiter.set_quota_of(&7, Some(Quota::per_second(1).burst(20)))?;
    drop(reservations);
    assert!(
        (0..500)
            .filter(|key| *key != 7)
            .all(|key| limiter.tokens(&key) == 10)
    );
    assert_eq!(limiter.tokens(&7), 16, "its own stays taken");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_with_an_open_reservation_is_not_forgotten() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_second(1).burst(3))?;
    let reservation = limiter.try_reserve(&1, 3)?;
    advance(secs(100)).await;
    for key in 100..5_000 {
        assert!(limiter.allow(&key));
    }
    assert!(limiter.keys().contains(&1));
    reservation.settle(3);
    for key in 5_000..10_000 {
        assert!(limiter.allow(&key));
    }
    assert!(!limiter.keys().contains(&1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_is_open_is_no_obstacle_to_others() -> Outcome {
    let limiter = limiter(10);
    let reservation = limiter.try_reserve(4)?;
    assert_eq!(limiter.consume(6)?.remaining(), 0);
    assert!(!limiter.allow());
    reservation.settle(4);
    advance(secs(1)).await;
    assert!(limiter.allow());
    Ok(())
}
