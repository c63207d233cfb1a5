//! Members that have been there for long enough: in all, or without use.

use patterns_pool::PoolConfig;
use testing::{advance, ms, secs, settle};

use crate::support::{World, assert_at_rest, sized};

#[tokio::test(start_paused = true)]
async fn a_member_lives_as_long_as_the_config_says_less_a_tenth_at_most() {
    let world = World::new();
    let config = PoolConfig {
        max_lifetime: Some(secs(1_000)),
        ..sized(50)
    };
    let pool = world.pool(config).await;
    advance(secs(899)).await;
    assert_eq!(world.closed(), 0);
    let mut closed = vec![0];
    for _ in 0..20 {
        advance(secs(5)).await;
        closed.push(world.closed());
    }
    advance(secs(1)).await;
    closed.push(world.closed());
    assert!(world.closed() >= 50);
    // They do not go together.
    let most = closed.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    assert!(most < 25, "{closed:?}");
    assert_at_rest(&pool, 50);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_in_use_when_its_life_is_over_goes_when_it_comes_back() {
    let world = World::new();
    let config = PoolConfig {
        max_lifetime: Some(secs(10)),
        ..sized(1)
    };
    let pool = world.pool(config).await;
    let guard = pool.checkout().await.unwrap();
    advance(secs(20)).await;
    assert_eq!((world.closed(), pool.info().in_use), (0, 1));
    // Somebody waits for it, and gets a new one all the same.
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.unwrap().id });
    settle().await;
    drop(guard);
    assert_eq!(waiter.await.unwrap(), 2);
    assert_eq!(world.closed(), 1);
}

#[tokio::test(start_paused = true)]
async fn spare_members_go_when_they_were_idle_for_long_enough() {
    let world = World::new();
    let config = PoolConfig {
        min_idle: Some(1),
        idle_timeout: Some(secs(60)),
        ..sized(5)
    };
    let pool = world.pool(config).await;
    let out: Vec<_> = (0..5).map(|_| pool.checkout()).collect();
    let mut guards = Vec::new();
    for checkout in out {
        guards.push(checkout.await.unwrap());
    }
    assert_eq!(world.alive(), 5);
    advance(secs(100)).await;
    // Two come back, then the others.
    guards.truncate(3);
    advance(secs(30)).await;
    drop(guards);
    advance(secs(29)).await;
    assert_eq!(world.alive(), 5);
    advance(ms(1_002)).await;
    assert_eq!(world.alive(), 3, "the first two are over");
    advance(secs(30)).await;
    assert_eq!(world.alive(), 1, "one is kept");
    advance(secs(1_000)).await;
    assert_eq!((world.alive(), world.made()), (1, 5));
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn with_lifo_a_pool_shrinks_to_what_it_needs() {
    let world = World::new();
    let config = PoolConfig {
        min_idle: Some(0),
        idle_timeout: Some(secs(10)),
        ..sized(8)
    };
    let pool = world.pool(config).await;
    let mut guards = Vec::new();
    for _ in 0..8 {
        guards.push(pool.checkout().await.unwrap());
    }
    drop(guards);
    for _ in 0..20 {
        drop(pool.checkout().await.unwrap());
        advance(secs(1)).await;
    }
    assert_eq!(world.alive(), 1);
}
