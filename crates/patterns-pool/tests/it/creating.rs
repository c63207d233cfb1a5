//! Making members: at the start, when they are needed, and when that fails.

use std::time::Duration;

use patterns_pool::{
    Backoff, CheckoutError, CreateError, Guard, PoolConfig, StartError, WaitedFor, WarmUp,
};
use testing::{advance, ms, quiet, secs, settle};

use crate::support::{Deed, World, assert_at_rest, lazy, polled, sized};

fn background(size: usize) -> PoolConfig {
    PoolConfig {
        warm_up: WarmUp::Background,
        backoff: Backoff::exponential(ms(100), secs(1)),
        ..sized(size)
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_fails_if_a_first_member_cannot_be_made_and_leaves_nothing_behind() {
    quiet();
    for (deed, wanted) in [
        (Deed::Fail, "creating a member failed: no such host"),
        (Deed::Panic, "creating a member panicked: as told"),
        (
            Deed::Hang,
            "creating a member took longer than `create_timeout`",
        ),
    ] {
        let world = World::new();
        world.create(deed);
        let error = world.try_pool(sized(3)).await.unwrap_err();
        let StartError::Create(cause) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(cause.to_string(), wanted);
        settle().await;
        assert_eq!(world.alive(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_closes_the_members_that_were_made() {
    let world = World::new();
    let starting = tokio::spawn({
        let world = std::sync::Arc::clone(&world);
        async move {
            let config = PoolConfig {
                max_starting: 1,
                ..sized(3)
            };
            world.try_pool(config).await.map(drop)
        }
    });
    world.create(Deed::Take(ms(10)));
    tokio::time::sleep(ms(15)).await;
    world.create(Deed::Fail);
    // The second one sleeps already, and is made; the third one fails.
    assert!(matches!(
        starting.await.unwrap(),
        Err(StartError::Create(_))
    ));
    settle().await;
    assert_eq!((world.made(), world.closed(), world.alive()), (2, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_dropped_leaves_nothing_behind() {
    let world = World::new();
    world.create(Deed::Take(secs(1)));
    assert!(!polled(world.try_pool(sized(3)), 3).await);
    advance(secs(10)).await;
    assert_eq!((world.made(), world.alive()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lazy_pool_makes_a_member_when_one_is_needed() {
    let world = World::new();
    let pool = world.pool(lazy(3)).await;
    assert_eq!(world.made(), 0);
    let one = pool.checkout().await.unwrap();
    assert_eq!(world.made(), 1);
    let two = pool.checkout().await.unwrap();
    assert_eq!(world.made(), 2);
    drop((one, two));
    drop(pool.checkout().await.unwrap());
    assert_eq!(world.made(), 2, "there were idle ones");
    assert_at_rest(&pool, 2);
}

#[tokio::test(start_paused = true)]
async fn so_many_idle_members_are_kept_ready_as_the_config_says() {
    let world = World::new();
    let pool = world
        .pool(PoolConfig {
            min_idle: Some(2),
            ..sized(5)
        })
        .await;
    assert_eq!(world.made(), 2);
    let mut out = vec![pool.checkout().await.unwrap()];
    settle().await;
    assert_eq!((world.made(), pool.info().available), (3, 2));
    out.push(pool.checkout().await.unwrap());
    settle().await;
    out.push(pool.checkout().await.unwrap());
    settle().await;
    assert_eq!(
        (world.made(), pool.info().available),
        (5, 2),
        "never more than `size`"
    );
    out.push(pool.checkout().await.unwrap());
    settle().await;
    assert_eq!((world.made(), pool.info().available), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pool_in_the_background_is_there_at_once_and_made_by_and_by() {
    let world = World::new();
    world.create(Deed::Take(secs(1)));
    let pool = world.pool(background(3)).await;
    settle().await;
    let info = pool.info();
    assert_eq!((info.starting, info.available), (3, 0));
    let guard = pool.checkout().await.unwrap();
    assert_eq!(Guard::id(&guard), guard.id);
    drop(guard);
    settle().await;
    assert_at_rest(&pool, 3);
}

#[tokio::test(start_paused = true)]
async fn no_more_members_are_made_at_the_same_time_than_the_config_says() {
    let world = World::new();
    world.create(Deed::Take(secs(1)));
    let pool = world
        .pool(PoolConfig {
            max_starting: 4,
            ..background(10)
        })
        .await;
    for (after, there) in [(0, 0), (1, 4), (2, 8), (3, 10)] {
        if after > 0 {
            advance(secs(1)).await;
        }
        let info = pool.info();
        assert_eq!(
            (info.available, info.starting),
            (there, (10 - there).min(4)),
            "after {after} s"
        );
    }
    assert_at_rest(&pool, 10);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_back_goes_to_a_waiter_while_another_one_is_being_made_for_it() {
    let world = World::new();
    let pool = world.pool(lazy(2)).await;
    let out = pool.checkout().await.unwrap();
    world.create(Deed::Take(secs(3)));
    let begun = tokio::time::Instant::now();
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move { pool.checkout().await.unwrap().id }
    });
    advance(secs(1)).await;
    assert_eq!(pool.info().starting, 1);
    let id = out.id;
    drop(out);
    assert_eq!(waiter.await.unwrap(), id);
    assert_eq!(begun.elapsed(), secs(1));
    advance(secs(3)).await;
    assert_at_rest(&pool, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_after_longer_and_longer_rests() {
    let world = World::new();
    world.create(Deed::Fail);
    let pool = world.pool(background(2)).await;
    settle().await;
    // Both of a round fail, and the round counts once.
    assert_eq!(pool.stats().create_failures, 2);
    for (rest, failures) in [
        (100, 4),
        (200, 6),
        (400, 8),
        (800, 10),
        (1_000, 12),
        (1_000, 14),
    ] {
        advance(ms(rest - 2)).await;
        assert_eq!(
            pool.stats().create_failures,
            failures - 2,
            "rest of {rest} ms"
        );
        advance(ms(4)).await;
        assert_eq!(pool.stats().create_failures, failures, "rest of {rest} ms");
    }
    assert!(matches!(
        pool.info().last_failure,
        Some(CreateError::Failed(_))
    ));
    world.create(Deed::Succeed);
    drop(pool.checkout().await.unwrap());
    assert_at_rest(&pool, 2);
    assert!(pool.info().last_failure.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_rests_begin_anew_when_a_member_was_of_use() {
    let world = World::new();
    world.create(Deed::Fail);
    let pool = world.pool(background(1)).await;
    advance(ms(400)).await;
    world.create(Deed::Succeed);
    Guard::discard(pool.checkout().await.unwrap());
    drop(pool.checkout().await.unwrap());
    world.create(Deed::Fail);
    Guard::discard(pool.checkout().await.unwrap());
    settle().await;
    let failures = pool.stats().create_failures;
    advance(ms(102)).await;
    assert_eq!(
        pool.stats().create_failures,
        failures + 1,
        "the rest was the first one again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_checkout_that_times_out_says_that_members_cannot_be_made_and_why() {
    quiet();
    for (deed, wanted) in [
        (Deed::Fail, "no such host"),
        (Deed::Panic, "as told"),
        (Deed::Hang, "create_timeout"),
    ] {
        let world = World::new();
        world.create(deed);
        let pool = world
            .pool(PoolConfig {
                create_timeout: secs(2),
                ..background(1)
            })
            .await;
        let error = pool.checkout().await.unwrap_err();
        let CheckoutError::Timeout {
            cause: WaitedFor::Create(cause),
            ..
        } = &error
        else {
            panic!("{error:?}");
        };
        assert!(cause.to_string().contains(wanted), "{cause}");
        assert!(error.to_string().ends_with(&cause.to_string()), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkout_that_times_out_says_that_a_member_is_still_being_made() {
    let world = World::new();
    world.create(Deed::Take(secs(3)));
    let pool = world.pool(background(1)).await;
    let error = pool.checkout_timeout(secs(1)).await.unwrap_err();
    assert!(
        matches!(
            error,
            CheckoutError::Timeout {
                cause: WaitedFor::Start { starting: 1 },
                ..
            }
        ),
        "{error:?}"
    );
    drop(pool.checkout().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn making_one_that_hangs_is_given_up_and_tried_again() {
    let world = World::new();
    world.create(Deed::Hang);
    let pool = world.pool(background(1)).await;
    advance(secs(1)).await;
    world.create(Deed::Succeed);
    let begun = tokio::time::Instant::now();
    drop(pool.checkout().await.unwrap());
    // 5 s from the start, and the rest.
    let took = begun.elapsed();
    assert!((secs(4)..secs(4) + ms(110)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_does_not_stop_the_making_of_a_member() {
    let world = World::new();
    let pool = world.pool(lazy(1)).await;
    world.create(Deed::Take(secs(1)));
    assert!(!polled(pool.checkout(), 1).await);
    advance(secs(1)).await;
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_rest_without_end_does_not_end() {
    let world = World::new();
    world.create(Deed::Fail);
    let config = PoolConfig {
        backoff: Backoff::constant(Duration::MAX),
        ..background(1)
    };
    let pool = world.pool(config).await;
    settle().await;
    world.create(Deed::Succeed);
    let error = pool.checkout_timeout(secs(86_400)).await.unwrap_err();
    assert!(matches!(
        error,
        CheckoutError::Timeout {
            cause: WaitedFor::Create(_),
            ..
        }
    ));
    assert_eq!((pool.stats().create_failures, world.made()), (1, 0));
}
