//! The line: who waits, in which order it is served, and when it gives up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use patterns_pool::{CheckoutError, WaitedFor};
use testing::{advance, ms, secs, settle};

use crate::support::{World, assert_at_rest, parts, polled, sized};

#[tokio::test(start_paused = true)]
async fn a_checkout_waits_until_a_member_comes_back() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.unwrap().id });
    settle().await;
    assert_eq!(pool.info().waiting, 1);
    assert!(!waiter.is_finished());
    let id = out.id;
    drop(out);
    assert_eq!(waiter.await.unwrap(), id);
    assert_at_rest(&pool, 1);
    assert_eq!((pool.stats().lent, pool.stats().waited), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_checkout_times_out_after_five_seconds_and_says_why() {
    let (_world, pool) = parts(2).await;
    let _out = (
        pool.checkout().await.unwrap(),
        pool.checkout().await.unwrap(),
    );
    let other = pool.clone();
    let _longer = tokio::spawn(async move { other.checkout_timeout(secs(60)).await.map(drop) });
    settle().await;
    let begun = tokio::time::Instant::now();
    let error = pool.checkout().await.unwrap_err();
    let took = begun.elapsed();
    assert!((secs(5)..secs(5) + ms(3)).contains(&took), "{took:?}");
    match &error {
        CheckoutError::Timeout {
            waited,
            cause:
                WaitedFor::Return {
                    in_use: 2,
                    waiting: 2,
                },
        } => {
            assert!((secs(5)..secs(5) + ms(3)).contains(waited));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(pool.stats().timed_out, 1);
    assert_eq!(pool.info().waiting, 1, "the other one still waits");
}

#[tokio::test(start_paused = true)]
async fn each_waiter_has_its_own_deadline_whatever_the_order() {
    let (_world, pool) = parts(1).await;
    let _out = pool.checkout().await.unwrap();
    let begun = tokio::time::Instant::now();
    let mut waiters = Vec::new();
    for timeout in [700, 20, 500, 1, 300, 20, 90] {
        let pool = pool.clone();
        waiters.push(tokio::spawn(async move {
            let error = pool.checkout_timeout(ms(timeout)).await.unwrap_err();
            (timeout, begun.elapsed(), error.is_timeout())
        }));
    }
    for waiter in waiters {
        let (timeout, took, timed_out) = waiter.await.unwrap();
        assert!(timed_out);
        assert!(
            (ms(timeout)..ms(timeout + 3)).contains(&took),
            "{timeout}: {took:?}"
        );
    }
    assert_eq!(pool.info().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_huge_timeout_waits_for_ever() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let mut waiters = Vec::new();
    for timeout in [Duration::MAX, Duration::MAX - ms(1), secs(u64::MAX / 2)] {
        let pool = pool.clone();
        waiters.push(tokio::spawn(async move {
            pool.checkout_timeout(timeout).await.map(drop)
        }));
    }
    advance(secs(10 * 365 * 86_400)).await;
    assert_eq!(pool.info().waiting, 3);
    drop(out);
    for waiter in waiters {
        waiter.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_first_come_first_served() {
    let (_world, pool) = parts(2).await;
    let out = (
        pool.checkout().await.unwrap(),
        pool.checkout().await.unwrap(),
    );
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiters = Vec::new();
    for number in 0..50 {
        let (pool, served) = (pool.clone(), Arc::clone(&served));
        waiters.push(tokio::spawn(async move {
            let _guard = pool.checkout().await.unwrap();
            served.lock().unwrap().push(number);
            tokio::time::sleep(ms(1)).await;
        }));
        // Each is in the line before the next one comes.
        settle().await;
    }
    drop(out);
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(*served.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_a_waiter_that_was_given_a_member_and_has_not_fetched_it() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.unwrap() });
    settle().await;
    drop(out);
    // The waiter has not run yet.
    assert!(pool.try_checkout().is_err());
    let info = pool.info();
    assert_eq!((info.available, info.in_use, info.waiting), (0, 1, 0));
    drop(waiter.await.unwrap());
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_has_gone_is_never_handed_a_member() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let (first, second) = (pool.clone(), pool.clone());
    let first = tokio::spawn(async move { first.checkout().await.map(drop) });
    settle().await;
    let second = tokio::spawn(async move { second.checkout().await.unwrap() });
    settle().await;
    first.abort();
    settle().await;
    assert_eq!(pool.info().waiting, 1);
    drop(out);
    let guard = second.await.unwrap();
    drop(guard);
    assert_at_rest(&pool, 1);
    assert_eq!(pool.stats().cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_member_given_to_a_waiter_that_goes_is_given_to_the_next() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let first = tokio::spawn({
        let pool = pool.clone();
        async move { pool.checkout().await.map(drop) }
    });
    settle().await;
    let second = tokio::spawn({
        let pool = pool.clone();
        async move { pool.checkout().await.map(drop) }
    });
    settle().await;
    drop(out);
    // It was given and woken, and is cancelled before it runs.
    first.abort();
    second.await.unwrap().unwrap();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn all_waiters_may_be_cancelled_at_once_while_a_member_is_handed_over() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let mut waiters = Vec::new();
    for _ in 0..100 {
        let mut waiter = Box::pin({
            let pool = pool.clone();
            async move { pool.checkout().await.map(drop) }
        });
        assert!(!polled(&mut waiter, 1).await);
        waiters.push(waiter);
    }
    assert_eq!(pool.info().waiting, 100);
    drop(out);
    drop(waiters);
    assert_at_rest(&pool, 1);
    assert_eq!(pool.stats().cancelled, 100);
    assert!(pool.try_checkout().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_does_not_come_after_a_member_was_given() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let mut waiter = Box::pin(pool.checkout_timeout(ms(100)));
    assert!(!polled(&mut waiter, 1).await);
    drop(out);
    advance(secs(10)).await;
    assert!(waiter.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_back_at_the_moment_of_the_timeout_is_not_lost() {
    let (_world, pool) = parts(1).await;
    for round in 0..50_u64 {
        let out = pool.checkout().await.unwrap();
        let waiter = tokio::spawn({
            let pool = pool.clone();
            async move { pool.checkout_timeout(ms(20)).await.map(drop) }
        });
        tokio::time::sleep(ms(18 + round % 5)).await;
        drop(out);
        let _ = waiter.await.unwrap();
        settle().await;
        assert_at_rest(&pool, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_may_move_to_another_task() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let mut waiter = Box::pin({
        let pool = pool.clone();
        async move { pool.checkout().await.map(drop) }
    });
    assert!(!polled(&mut waiter, 2).await);
    let waiter = tokio::spawn(waiter);
    settle().await;
    drop(out);
    waiter.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_waiters_are_served() {
    let world = World::new();
    let pool = world.pool(sized(2)).await;
    let waiters: Vec<_> = (0..1_000)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut guard = pool.checkout().await.unwrap();
                guard.use_alone(tokio::time::sleep(ms(1))).await;
            })
        })
        .collect();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_at_rest(&pool, 2);
    assert_eq!((pool.stats().lent, pool.stats().timed_out), (1_000, 0));
}
