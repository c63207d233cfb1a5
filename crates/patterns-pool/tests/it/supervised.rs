//! A pool as a child of a supervisor.

use otp_core::{Strategy, Supervisor};
use patterns_pool::{BadOption, CheckoutError, Pool, PoolConfig, WarmUp};
use testing::{advance, quiet, secs, settle};

use crate::support::{Census, Deed, Job, Parts, World, assert_at_rest, lazy, sized};

#[tokio::test(start_paused = true)]
async fn a_child_lends_from_its_start_to_its_end() {
    let world = World::new();
    let (child, pool) = Pool::child("parts", sized(2), Parts(world.clone())).unwrap();
    assert!(matches!(pool.checkout().await, Err(CheckoutError::Closed)));
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    drop(pool.checkout().await.unwrap());
    assert_at_rest(&pool, 2);
    tree.stop().await.unwrap();
    assert!(matches!(pool.checkout().await, Err(CheckoutError::Closed)));
    assert_eq!((world.alive(), world.closed()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn the_handle_survives_a_restart() {
    let census = Census::default();
    let (child, pool) = Pool::child("workers", sized(2), census.servers()).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    let out = pool.checkout().await.unwrap();
    for _ in 0..2 {
        pool.pid().unwrap().kill();
        settle().await;
    }
    assert!(pool.info().open);
    assert_eq!(
        pool.process(|reply| Job::Add(1, 1, reply)).await.unwrap(),
        2
    );
    // The one that was out is dead, and does not come back into the pool.
    assert!(!out.pid().is_alive());
    drop(out);
    settle().await;
    assert_at_rest(&pool, 2);
    assert_eq!(census.alive(), 2);
    tree.stop().await.unwrap();
    assert_eq!(census.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn members_that_are_out_over_a_restart_count_until_they_come_back_and_are_closed_then() {
    let world = World::new();
    let (child, pool) = Pool::child("parts", lazy(2), Parts(world.clone())).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    let out = pool.checkout().await.unwrap();
    pool.pid().unwrap().kill();
    settle().await;
    let one = pool.checkout().await.unwrap();
    assert_eq!((pool.info().in_use, world.alive()), (2, 2));
    assert!(
        pool.checkout_timeout(secs(1)).await.is_err(),
        "there are two in all"
    );
    drop(out);
    settle().await;
    assert_eq!(world.closed(), 1);
    drop((pool.checkout().await.unwrap(), one));
    assert_eq!(world.made(), 3);
    tree.stop().await.unwrap();
    assert_eq!(world.alive(), 0);
    assert_eq!(world.most.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_cannot_make_its_first_members_does_not_start() {
    let world = World::new();
    world.create(Deed::Fail);
    let (child, pool) = Pool::child("parts", sized(1), Parts(world.clone())).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await;
    assert!(tree.is_err());
    assert!(matches!(pool.checkout().await, Err(CheckoutError::Closed)));
    let config = PoolConfig {
        warm_up: WarmUp::Background,
        ..sized(1)
    };
    let (child, pool) = Pool::child("parts", config, Parts(world.clone())).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    world.create(Deed::Succeed);
    drop(pool.checkout().await.unwrap());
    tree.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_with_a_bad_option_is_refused_at_once() {
    let error = Pool::child("parts", sized(0), Parts(World::new())).unwrap_err();
    assert!(matches!(error, BadOption { option: "size", .. }));
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_waits_for_the_closing_of_members() {
    quiet();
    let world = World::new();
    world.close(Deed::Hang);
    let (child, pool) = Pool::child("parts", sized(2), Parts(world.clone())).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    let begun = tokio::time::Instant::now();
    tree.stop().await.unwrap();
    assert!((secs(5)..secs(6)).contains(&begun.elapsed()));
    advance(secs(1)).await;
    assert_eq!(world.alive(), 0);
    drop(pool);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_out_over_a_restart_and_ends_is_replaced_though_its_guard_is_there() {
    let census = Census::default();
    let (child, pool) = Pool::child("workers", sized(1), census.servers()).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    let out = pool.checkout().await.unwrap();
    // An orderly end leaves it alone; its supervisor starts the pool again.
    pool.stop().await.unwrap();
    settle().await;
    assert!(pool.info().open && out.pid().is_alive());
    assert_eq!((pool.info().in_use, census.alive()), (1, 1));
    assert!(pool.checkout_timeout(secs(1)).await.is_err());
    out.pid().kill();
    assert_eq!(
        pool.process(|reply| Job::Add(1, 1, reply)).await.unwrap(),
        2
    );
    drop(out);
    settle().await;
    assert_at_rest(&pool, 1);
    tree.stop().await.unwrap();
}
