//! Several limiters at once, all or nothing.

use patterns_ratelimit::{
    Allowed, Denied, KeyedConfig, KeyedRateLimiter, Level, Quota, RateLimiter, consume_all,
    consume_each,
};
use testing::secs;
use tokio::time::advance;

use crate::support::{Outcome, keyed, limited, limiter, poll};

#[tokio::test(start_paused = true)]
async fn all_of_them_give_or_none_does() -> Outcome {
    let (users, tenants, all) = (
        keyed(2),
        KeyedRateLimiter::<u32>::new(Quota::per_second(1).burst(3))?,
        limiter(10),
    );
    let (ada, grace, acme) = (users.at("ada"), users.at("grace"), tenants.at(&7));
    let left = consume_all([&ada, &acme, &all], 2)?.map(|allowed| allowed.remaining());
    assert_eq!(left, [0, 1, 8]);
    let refused = consume_all([&grace, &acme, &all], 2).unwrap_err();
    assert_eq!((refused.level, refused.denied), (1, limited(secs(1))));
    assert_eq!(
        (
            users.tokens("grace"),
            tenants.tokens(&7),
            all.stats().tokens
        ),
        (2, 1, 8)
    );
    assert_eq!(users.len(), 1, "who is refused is not remembered");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whichever_level_refuses_nothing_is_missing() {
    for refusing in 0..4 {
        let limiters: [RateLimiter; 4] =
            std::array::from_fn(|level| limiter(if level == refusing { 1 } else { 5 }));
        let levels = || limiters.each_ref().map(|limiter| limiter as &dyn Level);
        let refused = consume_all(levels(), 2).unwrap_err();
        assert_eq!(
            (refused.level, refused.denied),
            (
                refusing,
                Denied::Impossible {
                    cost: 2,
                    capacity: 1
                }
            )
        );
        let left = limiters.each_ref().map(|limiter| limiter.stats().tokens);
        assert_eq!(left.iter().sum::<u32>(), 16);
        assert!(consume_all(levels(), 1).is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_first_level_and_the_longest_wait() -> Outcome {
    let (slow, quick, fine) = (
        RateLimiter::new(Quota::every(secs(60)))?,
        limiter(1),
        limiter(100),
    );
    assert!(slow.allow() && quick.allow());
    let refused = consume_all([&fine, &quick, &slow], 1).unwrap_err();
    assert_eq!((refused.level, refused.retry_after()), (1, Some(secs(60))));
    let refused = consume_all([&slow, &fine, &quick], 1).unwrap_err();
    assert_eq!((refused.level, refused.retry_after()), (0, Some(secs(60))));
    let once = RateLimiter::new(Quota::once(1))?;
    assert!(once.allow());
    let refused = consume_all([&slow, &once, &quick], 1).unwrap_err();
    assert_eq!((refused.level, refused.retry_after()), (0, None));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_that_refuses_counts_it_and_no_other_counts_anything() {
    let (full, empty, other) = (limiter(5), limiter(1), limiter(1));
    assert!(empty.allow() && other.allow());
    assert!(consume_all([&full, &empty, &other], 1).is_err());
    let counts =
        [&full, &empty, &other].map(|limiter| (limiter.stats().allowed, limiter.stats().rejected));
    assert_eq!(counts, [(0, 0), (1, 1), (1, 1)]);
    let keyed = keyed(1);
    let (a, b) = (keyed.at("a"), keyed.at("b"));
    assert!(consume_all([&a, &full], 1).is_ok());
    assert!(consume_all([&a, &b, &full], 1).is_err());
    let stats = keyed.stats();
    assert_eq!((stats.allowed, stats.rejected, stats.keys), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn several_windows_hold_at_once() -> Outcome {
    let (second, hour) = (
        keyed(2),
        KeyedRateLimiter::<String>::new(Quota::per_hour(5))?,
    );
    let ask = || consume_all([&second.at("ada"), &hour.at("ada")], 1).is_ok();
    let mut allowed = 0;
    for _ in 0..10 {
        allowed += u32::from(ask()) + u32::from(ask());
        advance(secs(2)).await;
    }
    assert_eq!(allowed, 5);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_same_level_twice_takes_twice() {
    let (one, many) = (limiter(3), keyed(3));
    assert!(consume_all([&one, &one], 1).is_ok());
    assert_eq!(one.stats().tokens, 1);
    assert!(consume_all([&one, &one], 1).is_err());
    assert_eq!(one.stats().tokens, 1);
    let (a, again, b) = (many.at("a"), many.at("a"), many.at("b"));
    assert!(consume_all([&a, &b, &again], 2).is_err());
    assert!(many.is_empty());
    assert!(consume_all([&a, &b, &again], 1).is_ok());
    assert_eq!((many.tokens("a"), many.tokens("b")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn many_keys_of_one_limiter_can_be_asked_at_once() -> Outcome {
    // More than there are shards on a small machine, so that some share a lock.
    let limiter = KeyedRateLimiter::<usize>::new(Quota::per_second(1))?;
    let keys: [usize; 64] = std::array::from_fn(|key| key);
    let at = keys.each_ref().map(|key| limiter.at(key));
    let levels = || at.each_ref().map(|level| level as &dyn Level);
    assert!(consume_all(levels(), 1).is_ok());
    assert_eq!(limiter.len(), 64);
    assert!(consume_all(levels(), 1).is_err());
    limiter.reset_all();
    assert!(limiter.allow(&63));
    assert!(consume_all(levels(), 1).is_err());
    assert_eq!(limiter.len(), 1);
    Ok(())
}

#[test]
fn no_level_at_all_allows_everything() {
    assert!(consume_all([], 5).is_ok());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_at_a_level_are_not_overtaken() -> Outcome {
    let (one, all, many) = (limiter(1), limiter(10), keyed(1));
    assert!(one.allow() && many.allow("a"));
    let mut waits = Box::pin(one.until_ready());
    let mut waits_too = Box::pin(many.until_ready("a"));
    assert!(poll(&mut waits).is_pending() && poll(&mut waits_too).is_pending());
    advance(secs(1)).await;
    assert!(consume_all([&one, &all], 1).is_err());
    assert!(consume_all([&many.at("a"), &all], 1).is_err());
    assert!(poll(&mut waits).is_ready() && poll(&mut waits_too).is_ready());
    assert_eq!(all.stats().tokens, 10);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_undoes_the_part_of_one_who_is_waited_for() -> Outcome {
    let (many, none) = (keyed(5), limiter(1));
    assert!(none.allow());
    many.consume("a", 5)?;
    let mut waits = Box::pin(many.until_ready("a"));
    assert!(poll(&mut waits).is_pending());
    advance(secs(3)).await;
    assert!(consume_all([&many.at("a"), &none, &none], 1).is_err());
    assert_eq!(many.tokens("a"), 2);
    assert!(poll(&mut waits).is_ready());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_level_can_have_its_own_cost() -> Outcome {
    let (requests, bytes, keyed) = (limiter(3), limiter(1_000), keyed(5));
    let at = keyed.at("ada");
    let levels: Vec<(&dyn Level, u32)> = vec![(&requests, 1), (&bytes, 600), (&at, 2)];
    let left: Vec<_> = consume_each(&levels)?
        .iter()
        .map(Allowed::remaining)
        .collect();
    assert_eq!(left, [2, 400, 3]);
    let refused = consume_each(&levels).unwrap_err();
    assert_eq!((refused.level, refused.retry_after()), (1, Some(secs(200))));
    assert_eq!(
        (
            requests.stats().tokens,
            bytes.stats().tokens,
            keyed.tokens("ada")
        ),
        (2, 400, 3)
    );
    assert_eq!(consume_each(&[])?.len(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_level_without_room_looks_for_some() -> Outcome {
    for max_keys in [1, 2, 5, 50] {
        let config = KeyedConfig {
            quota: Quota::per_second(1),
            max_keys: Some(max_keys),
            ..KeyedConfig::default()
        };
        let limiter = KeyedRateLimiter::<usize>::new(config)?;
        for round in 0..20 {
            for key in 0..max_keys {
                let key = round * 100 + key;
                assert!(
                    consume_all([&limiter.at(&key)], 1).is_ok(),
                    "{key} of {max_keys}"
                );
            }
            assert!(consume_all([&limiter.at(&9_999)], 1).is_err());
            advance(secs(1)).await;
        }
    }
    Ok(())
}
