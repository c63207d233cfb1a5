//! Whether members are well: when they are handed out, and while they are idle.

use std::sync::atomic::Ordering;

use patterns_pool::PoolConfig;
use testing::{advance, ms, quiet, secs, settle};

use crate::support::{Deed, World, assert_at_rest, parts, polled, sized};

#[tokio::test(start_paused = true)]
async fn a_member_is_checked_when_it_is_handed_out_unless_it_was_just_made() {
    let (world, pool) = parts(1).await;
    drop(pool.checkout().await.unwrap());
    assert_eq!(world.checked(), 0);
    drop(pool.checkout().await.unwrap());
    assert_eq!(world.checked(), 1);
    // One that is handed over is as well.
    let out = pool.checkout().await.unwrap();
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.map(drop) });
    settle().await;
    drop(out);
    waiter.await.unwrap().unwrap();
    assert_eq!(world.checked(), 3);
    drop(pool.try_checkout().unwrap());
    assert_eq!(world.checked(), 3, "a try does not wait");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_checked_on_checkout_if_the_config_says_so() {
    let world = World::new();
    world.check(Deed::Fail);
    let pool = world
        .pool(PoolConfig {
            check_on_checkout: false,
            ..sized(1)
        })
        .await;
    for _ in 0..3 {
        drop(pool.checkout().await.unwrap());
    }
    assert_eq!((world.checked(), world.made()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_not_well_is_closed_and_another_one_lent() {
    quiet();
    for deed in [Deed::Fail, Deed::Panic, Deed::Hang] {
        let (world, pool) = parts(2).await;
        drop((
            pool.checkout().await.unwrap(),
            pool.checkout().await.unwrap(),
        ));
        world.check(deed);
        // Both are ill; what is made then is not checked.
        let begun = tokio::time::Instant::now();
        let guard = pool.checkout().await.unwrap();
        assert!(guard.id > 2, "{deed:?}");
        let took = begun.elapsed();
        // Each check that hangs is given up after its second. Meanwhile the first one was replaced.
        let limit = if deed == Deed::Hang { ms(2_004) } else { ms(0) };
        assert!(took <= limit, "{deed:?}: {took:?}");
        drop(guard);
        settle().await;
        assert_at_rest(&pool, 2);
        assert_eq!(world.closed(), world.made() - 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_in_the_line_is_kept_over_a_failed_check() {
    let (world, pool) = parts(1).await;
    drop(pool.checkout().await.unwrap());
    // The first one finds it ill after a while, in which another one has come.
    world.check(Deed::Hang);
    world.create(Deed::Take(ms(50)));
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for name in ["first", "second", "third"] {
        let (pool, order) = (pool.clone(), std::sync::Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            let guard = pool.checkout().await.unwrap();
            order.lock().unwrap().push(name);
            tokio::time::sleep(ms(10)).await;
            patterns_pool::Guard::discard(guard);
        }));
        settle().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["first", "second", "third"]);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_was_given_up_in_its_middle_closes_the_member() {
    let (world, pool) = parts(1).await;
    drop(pool.checkout().await.unwrap());
    world.check(Deed::Take(ms(500)));
    assert!(!polled(pool.checkout(), 1).await);
    settle().await;
    assert_eq!(world.closed(), 1);
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn idle_members_are_checked_each_time_the_interval_has_passed() {
    let world = World::new();
    let config = PoolConfig {
        check_interval: Some(secs(30)),
        check_on_checkout: false,
        ..sized(10)
    };
    let pool = world.pool(config).await;
    advance(secs(29)).await;
    assert_eq!(world.checked(), 0);
    advance(secs(1)).await;
    assert_eq!(world.checked(), 10);
    // What was in use meanwhile was seen well later.
    advance(secs(20)).await;
    drop(pool.checkout().await.unwrap());
    advance(secs(10)).await;
    assert_eq!(world.checked(), 19);
    advance(secs(20)).await;
    assert_eq!(world.checked(), 20);
    assert_at_rest(&pool, 10);
}

#[tokio::test(start_paused = true)]
async fn idle_members_that_are_not_well_are_replaced() {
    quiet();
    for deed in [Deed::Fail, Deed::Panic, Deed::Hang] {
        let world = World::new();
        let config = PoolConfig {
            check_interval: Some(secs(30)),
            ..sized(3)
        };
        let pool = world.pool(config).await;
        world.check(deed);
        advance(secs(30)).await;
        world.check(Deed::Succeed);
        advance(secs(2)).await;
        assert_at_rest(&pool, 3);
        assert_eq!((world.made(), world.closed()), (6, 3), "{deed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn four_are_checked_at_a_time_and_the_others_stay_available() {
    let world = World::new();
    world.check(Deed::Take(ms(500)));
    let config = PoolConfig {
        check_interval: Some(secs(30)),
        check_on_checkout: false,
        ..sized(10)
    };
    let pool = world.pool(config).await;
    advance(secs(30)).await;
    let info = pool.info();
    assert_eq!((info.checking, info.available), (4, 6));
    assert_eq!(info.members.len(), 10);
    let out: Vec<_> = (0..6).map(|_| pool.try_checkout().unwrap()).collect();
    // Who comes now gets one that was checked.
    let guard = pool.checkout().await.unwrap();
    drop((guard, out));
    advance(secs(2)).await;
    assert_at_rest(&pool, 10);
}

#[tokio::test(start_paused = true)]
async fn a_check_of_an_idle_member_that_the_pool_does_not_survive_loses_nothing() {
    let world = World::new();
    world.check(Deed::Hang);
    let config = PoolConfig {
        check_interval: Some(secs(30)),
        ..sized(2)
    };
    let pool = world.pool(config).await;
    advance(secs(30)).await;
    assert_eq!(pool.info().checking, 2);
    pool.stop().await.unwrap();
    settle().await;
    assert_eq!(world.alive(), 0);
    assert_at_rest(&pool, 0);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_back_broken_is_replaced() {
    let (world, pool) = parts(1).await;
    world.broken.store(true, Ordering::SeqCst);
    drop(pool.checkout().await.unwrap());
    settle().await;
    world.broken.store(false, Ordering::SeqCst);
    assert_eq!((world.made(), world.closed()), (2, 1));
    assert_eq!(pool.checkout().await.unwrap().id, 2);
    assert_at_rest(&pool, 1);
}
