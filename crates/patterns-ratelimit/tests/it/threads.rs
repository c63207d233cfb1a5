//! Many threads at once: what holds whoever comes first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use patterns_ratelimit::{KeyedRateLimiter, Level, Quota, RateLimiter, consume_all};

use crate::support::Outcome;

const THREADS: u64 = 4;
const ROUNDS: u64 = 5_000;

fn threads(work: impl Fn(u64) + Sync) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

#[test]
fn no_more_is_given_than_there_is_and_each_request_is_counted() -> Outcome {
    let limiter = RateLimiter::new(Quota::once(7_000))?;
    let given = AtomicU64::new(0);
    threads(|number| {
        for round in 0..ROUNDS {
            let cost = 1 + ((round + number) % 3) as u32;
            if limiter.consume(cost).is_ok() {
                given.fetch_add(cost.into(), Ordering::Relaxed);
            }
        }
    });
    let stats = limiter.stats();
    assert_eq!(given.into_inner() + u64::from(stats.tokens), 7_000);
    assert_eq!(stats.tokens, 0);
    assert_eq!(stats.allowed + stats.rejected, THREADS * ROUNDS);
    Ok(())
}

#[test]
fn no_key_gets_more_than_it_has() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::once(100))?;
    let given: Vec<_> = (0..50).map(|_| AtomicU64::new(0)).collect();
    threads(|number| {
        for round in 0..ROUNDS {
            let key = (round * 7 + number) % 50;
            if limiter.allow(&key) {
                given[key as usize].fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    for given in given {
        assert_eq!(given.into_inner(), 100);
    }
    let stats = limiter.stats();
    assert_eq!(
        (stats.allowed, stats.allowed + stats.rejected),
        (5_000, THREADS * ROUNDS)
    );
    Ok(())
}

/// A level that refuses all the time, beside one that everybody needs: who asks for that one alone must never miss a token because of those who were refused.
#[test]
fn nobody_sees_a_token_missing_because_of_a_refusal() -> Outcome {
    let (one, none) = (
        RateLimiter::new(Quota::once(ROUNDS as u32))?,
        RateLimiter::new(Quota::once(1))?,
    );
    let keyed = KeyedRateLimiter::<&str>::new(Quota::once(ROUNDS as u32))?;
    assert!(none.allow());
    threads(|number| {
        for _ in 0..ROUNDS {
            match number {
                // The one who asks alone gets all that there is.
                0 => {
                    assert!(one.allow());
                    assert!(keyed.allow(&"key"));
                }
                1 => assert!(consume_all([&one, &none], 5).is_err()),
                2 => assert!(consume_all([&none, &keyed.at(&"key"), &one], 5).is_err()),
                _ => assert!(
                    consume_all([&keyed.at(&"key"), &keyed.at(&"other"), &none], 1).is_err()
                ),
            }
        }
    });
    assert_eq!(
        (one.stats().tokens, keyed.tokens(&"key"), keyed.len()),
        (0, 0, 1)
    );
    Ok(())
}

#[test]
fn what_is_taken_of_all_is_taken_of_each() -> Outcome {
    let all = RateLimiter::new(Quota::once(3_000))?;
    let users = KeyedRateLimiter::<u64>::new(Quota::once(900))?;
    let tenants = KeyedRateLimiter::<u64>::new(Quota::once(1_700))?;
    let given: Vec<_> = (0..6).map(|_| AtomicU64::new(0)).collect();
    threads(|number| {
        for round in 0..ROUNDS {
            let user = (round * 5 + number) % 6;
            let (user_level, tenant_level) =
                (users.at(&user), tenants.at(&[0, 1][user as usize / 3]));
            // In any order.
            let mut levels: [&dyn Level; 3] = [&user_level, &tenant_level, &all];
            levels.rotate_left(round as usize % 3);
            if consume_all(levels, 1).is_ok() {
                given[user as usize].fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let given: Vec<u64> = given.into_iter().map(AtomicU64::into_inner).collect();
    for (user, given) in (0..6).zip(&given) {
        assert_eq!(given + u64::from(users.tokens(&user)), 900);
    }
    for tenant in 0..2 {
        let of_tenant: u64 = given[tenant * 3..tenant * 3 + 3].iter().sum();
        assert_eq!(
            of_tenant + u64::from(tenants.tokens(&(tenant as u64))),
            1_700
        );
    }
    assert_eq!(
        given.iter().sum::<u64>() + u64::from(all.stats().tokens),
        3_000
    );
    assert_eq!(all.stats().tokens, 0);
    Ok(())
}

#[test]
fn quotas_change_while_others_ask() -> Outcome {
    // More than anybody asks for, for what is owed beyond a capacity is forgiven.
    let limiter = RateLimiter::new(Quota::once(20_000))?;
    let keyed = KeyedRateLimiter::<u64>::new(Quota::once(20_000))?;
    let (given, given_to_key) = (AtomicU64::new(0), AtomicU64::new(0));
    threads(|number| {
        for round in 0..ROUNDS {
            if number == 0 {
                let quota = Quota::once(20_000 + (round % 2) as u32 * 5_000);
                limiter.set_quota(quota).unwrap();
                keyed.set_quota(quota).unwrap();
                continue;
            }
            given.fetch_add(limiter.allow().into(), Ordering::Relaxed);
            given_to_key.fetch_add(keyed.allow(&1).into(), Ordering::Relaxed);
        }
    });
    limiter.set_quota(Quota::once(20_000))?;
    keyed.set_quota(Quota::once(20_000))?;
    assert_eq!(
        given.into_inner() + u64::from(limiter.stats().tokens),
        20_000
    );
    assert_eq!(
        given_to_key.into_inner() + u64::from(keyed.tokens(&1)),
        20_000
    );
    Ok(())
}

#[test]
fn what_is_reserved_and_dropped_is_all_there_again() -> Outcome {
    let limiter = RateLimiter::new(Quota::new(50, 1, std::time::Duration::from_secs(100_000)))?;
    let keyed =
        KeyedRateLimiter::<u64>::new(Quota::new(50, 1, std::time::Duration::from_secs(100_000)))?;
    threads(|number| {
        for round in 0..ROUNDS {
            drop(limiter.try_reserve(1 + (round % 7) as u32));
            drop(keyed.try_reserve(&(number % 2), 1 + (round % 7) as u32));
        }
    });
    assert_eq!(
        (limiter.stats().tokens, keyed.tokens(&0), keyed.tokens(&1)),
        (50, 50, 50)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_wait_get_theirs_and_no_more_is_given() -> Outcome {
    let limiter = RateLimiter::new(Quota::per_second(20_000).burst(5))?;
    let keyed = KeyedRateLimiter::<u64>::new(Quota::per_second(20_000).burst(5))?;
    let begun = tokio::time::Instant::now();
    let mut tasks = Vec::new();
    for task in 0..400_u64 {
        let (limiter, keyed) = (limiter.clone(), keyed.clone());
        tasks.push(tokio::spawn(async move {
            limiter.until_ready().await.unwrap();
            keyed.until_ready(&(task % 2)).await.unwrap();
            // Some go before their turn.
            let waits = limiter.until_ready();
            let _ = tokio::time::timeout(std::time::Duration::from_micros(task), waits).await;
        }));
    }
    for task in tasks {
        task.await?;
    }
    let elapsed = begun.elapsed();
    let stats = limiter.stats();
    assert!(stats.allowed >= 400);
    assert!(stats.allowed as u128 <= 5 + elapsed.as_nanos() * 20_000 / 1_000_000_000);
    assert_eq!(
        (stats.waiting, keyed.stats().waiting, keyed.stats().allowed),
        (0, 0, 400)
    );
    Ok(())
}

#[test]
fn the_counts_of_threads_that_come_and_go_stay() -> Outcome {
    let limiter = RateLimiter::new(Quota::once(1_000_000))?;
    for _ in 0..20 {
        thread::scope(|scope| {
            for _ in 0..24 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        assert!(limiter.allow());
                    }
                });
            }
        });
    }
    assert_eq!(limiter.stats().allowed, 4_800);
    Ok(())
}
