//! Another size, while the pool works.

use patterns_pool::{BadOption, Guard, PoolConfig};
use testing::{advance, secs, settle};

use crate::support::{Deed, World, assert_at_rest, lazy, parts};

#[tokio::test(start_paused = true)]
async fn a_pool_that_grows_makes_the_members_that_are_missing() {
    let (world, pool) = parts(1).await;
    pool.resize(4).unwrap();
    settle().await;
    assert_eq!((world.alive(), pool.info().size), (4, 4));
    assert_at_rest(&pool, 4);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_grows_serves_who_waits() {
    let world = World::new();
    let pool = world.pool(lazy(1)).await;
    let _out = pool.checkout().await.unwrap();
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.unwrap().id });
    settle().await;
    pool.resize(2).unwrap();
    assert_eq!(waiter.await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_shrinks_closes_idle_members_now_and_others_when_they_come_back() {
    let (world, pool) = parts(6).await;
    let mut guards = Vec::new();
    for _ in 0..4 {
        guards.push(pool.checkout().await.unwrap());
    }
    pool.resize(2).unwrap();
    settle().await;
    assert_eq!((world.alive(), pool.info().in_use), (4, 4));
    for there in [3, 2, 2, 2] {
        guards.pop();
        settle().await;
        assert_eq!(world.alive(), there);
    }
    assert_at_rest(&pool, 2);
    assert_eq!(world.made(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_shrinks_to_one_with_all_in_use_and_a_line_comes_to_one() {
    let (world, pool) = parts(4).await;
    let mut guards = Vec::new();
    for _ in 0..4 {
        guards.push(pool.checkout().await.unwrap());
    }
    let waiters: Vec<_> = (0..10)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut guard = pool.checkout().await.unwrap();
                guard.use_alone(tokio::task::yield_now()).await;
            })
        })
        .collect();
    settle().await;
    pool.resize(1).unwrap();
    // Three of them go though somebody waits.
    for there in [3, 2, 1] {
        guards.pop();
        settle().await;
        assert_eq!((world.alive(), pool.info().waiting), (there, 10));
    }
    guards.pop();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!((world.alive(), world.made()), (1, 4));
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn members_that_are_being_made_when_a_pool_shrinks_are_closed_if_they_are_too_many() {
    let world = World::new();
    let pool = world.pool(lazy(4)).await;
    world.create(Deed::Take(secs(1)));
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let guard = pool.checkout().await.unwrap();
                tokio::time::sleep(secs(1)).await;
                drop(guard);
            })
        })
        .collect();
    settle().await;
    assert_eq!(pool.info().starting, 4);
    pool.resize(2).unwrap();
    advance(secs(1)).await;
    assert_eq!(
        (world.alive(), pool.info().in_use, pool.info().waiting),
        (2, 2, 2)
    );
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_at_rest(&pool, 2);
}

#[tokio::test(start_paused = true)]
async fn a_size_of_zero_or_without_measure_is_refused_and_changes_nothing() {
    let (_world, pool) = parts(2).await;
    for size in [0, 1_000_001, usize::MAX] {
        let BadOption { option, allowed } = pool.resize(size).unwrap_err();
        assert_eq!(option, "size");
        assert!(allowed.starts_with("1 or more"));
    }
    assert_at_rest(&pool, 2);
    let world = World::new();
    let pool = world.pool(lazy(1)).await;
    pool.resize(usize::MAX).unwrap();
    drop(pool.checkout().await.unwrap());
    assert_eq!(
        world.made(),
        1,
        "nothing is made or set aside that nobody asked for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_shrinks_and_grows_again_is_whole() {
    let world = World::new();
    let pool = world
        .pool(PoolConfig {
            size: 5,
            ..PoolConfig::default()
        })
        .await;
    let guard = pool.checkout().await.unwrap();
    for size in [1, 5, 2, 7, 3] {
        pool.resize(size).unwrap();
        settle().await;
    }
    drop(guard);
    settle().await;
    assert_at_rest(&pool, 3);
    assert_eq!(world.alive(), 3);
    Guard::discard(pool.checkout().await.unwrap());
    settle().await;
    assert_at_rest(&pool, 3);
}
