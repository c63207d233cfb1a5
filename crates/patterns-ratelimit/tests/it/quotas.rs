//! Quotas: what is allowed, and their change.

use patterns_ratelimit::{Denied, KeyedConfig, KeyedRateLimiter, Quota};
use testing::{ms, secs};
use tokio::time::advance;

use crate::support::{Outcome, keyed, limited, limiter};

#[test]
fn quotas_say_what_they_mean() {
    assert_eq!(Quota::default(), Quota::new(10, 1, secs(1)));
    assert_eq!(Quota::per_second(5), Quota::new(5, 5, secs(1)));
    assert_eq!(Quota::per_minute(5).burst(2), Quota::new(2, 5, secs(60)));
    assert_eq!(Quota::per_hour(5), Quota::new(5, 5, secs(3_600)));
    assert_eq!(Quota::every(secs(4)), Quota::new(1, 1, secs(4)));
    assert_eq!(Quota::once(3).refill, 0);
    assert!((Quota::per_minute(30).rate_per_second() - 0.5).abs() < 1e-12);
    assert!(Quota::once(3).rate_per_second().abs() < 1e-12);
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_stays_owed_under_another_quota() -> Outcome {
    let limiter = limiter(10);
    limiter.consume(6)?;
    limiter.set_quota(Quota::per_second(2).burst(20))?;
    assert_eq!(limiter.stats().tokens, 14);
    advance(secs(1)).await;
    assert_eq!(limiter.stats().tokens, 16);
    assert_eq!(limiter.quota(), Quota::per_second(2).burst(20));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_more_is_owed_than_the_new_capacity() -> Outcome {
    let limiter = limiter(100);
    limiter.consume(100)?;
    limiter.set_quota(Quota::per_second(1).burst(2))?;
    assert_eq!(limiter.consume(1).unwrap_err(), limited(secs(1)));
    assert_eq!(
        limiter.consume(3).unwrap_err(),
        Denied::Impossible {
            cost: 3,
            capacity: 2
        }
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_token_is_owed_too() -> Outcome {
    let limiter = limiter(2);
    limiter.consume(2)?;
    advance(ms(500)).await;
    // One and a half tokens are owed, of which three come back in a second.
    limiter.set_quota(Quota::per_second(3))?;
    advance(ms(166)).await;
    assert!(limiter.consume(2).is_err());
    advance(ms(1)).await;
    assert!(limiter.consume(2).is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refused_quota_changes_nothing() -> Outcome {
    let limiter = limiter(2);
    assert!(limiter.set_quota(Quota::per_second(0)).is_err());
    assert_eq!(limiter.quota(), Quota::per_second(1).burst(2));
    let keyed = keyed(2);
    assert!(keyed.set_quota(Quota::per_second(0)).is_err());
    assert!(keyed.set_quota_of("a", Some(Quota::per_second(0))).is_err());
    assert_eq!(
        (keyed.quota(), keyed.quota_of("a")),
        (Quota::per_second(1).burst(2), Quota::per_second(1).burst(2))
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_quota_with_and_one_without_a_refill_follow_each_other() -> Outcome {
    let limiter = limiter(3);
    limiter.consume(2)?;
    limiter.set_quota(Quota::once(3))?;
    advance(secs(10)).await;
    assert_eq!(limiter.stats().tokens, 1);
    limiter.set_quota(Quota::per_second(1).burst(3))?;
    advance(secs(1)).await;
    assert_eq!(limiter.stats().tokens, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_can_have_a_quota_of_its_own() -> Outcome {
    let limiter = keyed(1);
    let large = Quota::per_second(10);
    limiter.set_quota_of("paid", Some(large))?;
    assert_eq!(
        (limiter.quota_of("paid"), limiter.quota_of("free")),
        (large, limiter.quota())
    );
    assert!(limiter.consume("paid", 10).is_ok());
    assert!(!limiter.allow("paid"));
    assert_eq!([(); 2].map(|()| limiter.allow("free")), [true, false]);
    advance(ms(100)).await;
    assert_eq!((limiter.tokens("paid"), limiter.tokens("free")), (1, 0));

    limiter.set_quota_of("paid", None)?;
    assert_eq!(limiter.quota_of("paid"), limiter.quota());
    // Nine were owed, and no more than one can be now.
    assert_eq!(limiter.consume("paid", 1).unwrap_err(), limited(secs(1)));
    limiter.set_quota_of("nobody", None)?;
    assert_eq!(limiter.len(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_ones_own_outlives_what_is_remembered_of_a_key() -> Outcome {
    let limiter = keyed(1);
    limiter.set_quota_of("paid", Some(Quota::per_second(10)))?;
    assert!(limiter.consume("paid", 10).is_ok());
    limiter.reset_all();
    assert!(limiter.is_empty());
    assert!(limiter.consume("paid", 10).is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_quota_for_all_leaves_those_with_their_own_alone() -> Outcome {
    let limiter = keyed(4);
    limiter.set_quota_of("paid", Some(Quota::per_second(10)))?;
    limiter.consume("paid", 5)?;
    limiter.consume("free", 3)?;
    limiter.set_quota(Quota::per_second(3).burst(20))?;
    assert_eq!(
        ["paid", "free", "new"].map(|key| limiter.tokens(key)),
        [5, 17, 20]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_is_forgotten_by_its_own_quota() -> Outcome {
    let config = KeyedConfig {
        quota: Quota::per_second(1_000),
        sweep_interval: ms(10),
        ..KeyedConfig::default()
    };
    let limiter = KeyedRateLimiter::<String>::start(config).await?;
    limiter.set_quota_of("trial", Some(Quota::once(2)))?;
    limiter.set_quota_of("slow", Some(Quota::every(secs(60))))?;
    limiter.consume("trial", 2)?;
    limiter.consume("slow", 1)?;
    limiter.consume("quick", 1)?;
    tokio::time::sleep(secs(59)).await;
    assert_eq!(limiter.len(), 2);
    assert!(!limiter.allow("trial") && !limiter.allow("slow"));
    tokio::time::sleep(secs(2)).await;
    assert_eq!(limiter.keys(), ["trial"]);
    Ok(())
}
