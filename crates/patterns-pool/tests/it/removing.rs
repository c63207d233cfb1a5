//! Members that leave by the will of a borrower, or of the program.

use std::panic::{AssertUnwindSafe, catch_unwind};

use patterns_pool::{Guard, MemberStatus};
use testing::{advance, quiet, secs, settle};

use crate::support::{assert_at_rest, parts, workers};

#[tokio::test(start_paused = true)]
async fn one_that_is_taken_is_the_borrowers_and_its_place_is_free() {
    let (world, pool) = parts(1).await;
    let part = Guard::take(pool.checkout().await.unwrap());
    settle().await;
    assert_eq!(
        (world.alive(), world.closed()),
        (2, 0),
        "another one was made"
    );
    assert_at_rest(&pool, 1);
    assert_eq!((pool.stats().taken, part.id), (1, 1));
    pool.stop().await.unwrap();
    drop(part);
    assert_eq!((world.alive(), world.closed()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_taken_outlives_the_pool() {
    let (census, pool) = workers(1).await;
    let worker = Guard::take(pool.checkout().await.unwrap());
    settle().await;
    // Neither an orderly end nor a kill of the pool reaches it.
    pool.pid().unwrap().kill();
    settle().await;
    assert_eq!(census.alive(), 1);
    assert!(worker.pid().is_alive());
    drop(worker);
    settle().await;
    assert_eq!(census.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_discarded_is_closed_and_replaced() {
    let (world, pool) = parts(1).await;
    Guard::discard(pool.checkout().await.unwrap());
    assert_eq!(pool.checkout().await.unwrap().id, 2);
    settle().await;
    assert_eq!((world.alive(), world.closed()), (1, 1));
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn retain_looks_at_idle_members_and_closes_those_that_are_not_wanted() {
    let (world, pool) = parts(4).await;
    let out = pool.checkout().await.unwrap();
    advance(secs(3)).await;
    let mut seen = Vec::new();
    let closed = pool.retain(|part, info| {
        assert_eq!(
            (part.id, info.status, info.age),
            (info.id, MemberStatus::Checking, secs(3))
        );
        seen.push(part.id);
        part.id != 2
    });
    assert_eq!(closed, 1);
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3]);
    settle().await;
    let ids: Vec<_> = pool.info().members.iter().map(|member| member.id).collect();
    assert_eq!(ids, [1, 3, 4, 5]);
    drop(out);
    assert_at_rest(&pool, 4);
    assert_eq!(world.closed(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_retain_looks_at_may_use_the_pool_and_comes_back_to_who_waits() {
    let (_world, pool) = parts(2).await;
    let closed = pool.retain(|_, _| {
        assert!(pool.try_checkout().is_err() || pool.info().checking == 1);
        assert!(pool.info().checking >= 1);
        true
    });
    assert_eq!(closed, 0);
    assert_at_rest(&pool, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_retain_reaches_the_caller_and_leaves_a_whole_pool() {
    quiet();
    let (world, pool) = parts(3).await;
    let mut looked = 0;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        pool.retain(|_, _| {
            looked += 1;
            assert!(looked < 2, "as told");
            true
        })
    }));
    assert!(panicked.is_err());
    settle().await;
    assert_at_rest(&pool, 3);
    assert_eq!((world.closed(), world.made()), (2, 5));
}
