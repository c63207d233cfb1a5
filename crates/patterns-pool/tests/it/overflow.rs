//! Members beyond the size, while all others are in use.

use patterns_pool::{Guard, PoolConfig};
use testing::{ms, settle};

use crate::support::{World, assert_at_rest, sized};

fn overflowing() -> PoolConfig {
    PoolConfig {
        max_overflow: 2,
        ..sized(2)
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_as_may_be_are_made_beyond_the_size_and_closed_when_they_come_back() {
    let world = World::new();
    let pool = world.pool(overflowing()).await;
    let mut guards = Vec::new();
    for there in [2, 2, 3, 4] {
        guards.push(pool.checkout().await.unwrap());
        assert_eq!(world.alive(), there);
    }
    let info = pool.info();
    assert_eq!(
        (info.size, info.max_overflow, info.in_use, info.available),
        (2, 2, 4, 0)
    );
    assert!(pool.checkout_timeout(ms(10)).await.is_err());
    assert_eq!(world.made(), 4);
    for there in [3, 2, 2, 2] {
        guards.pop();
        settle().await;
        assert_eq!(world.alive(), there);
    }
    assert_at_rest(&pool, 2);
}

#[tokio::test(start_paused = true)]
async fn one_beyond_the_size_goes_to_a_waiter_as_any_other() {
    let world = World::new();
    let pool = world
        .pool(PoolConfig {
            max_overflow: 1,
            ..sized(1)
        })
        .await;
    let (one, two) = (
        pool.checkout().await.unwrap(),
        pool.checkout().await.unwrap(),
    );
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.unwrap() });
    settle().await;
    let id = two.id;
    drop(two);
    let three = waiter.await.unwrap();
    assert_eq!(three.id, id);
    drop((one, three));
    settle().await;
    assert_eq!(world.alive(), 1);
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn one_beyond_the_size_that_goes_is_not_replaced_unless_somebody_waits() {
    let world = World::new();
    let pool = world.pool(overflowing()).await;
    let mut guards = Vec::new();
    for _ in 0..4 {
        guards.push(pool.checkout().await.unwrap());
    }
    Guard::discard(guards.pop().unwrap());
    settle().await;
    assert_eq!((world.alive(), world.made()), (3, 4));
    let _again = pool.checkout().await.unwrap();
    assert_eq!((world.alive(), world.made()), (4, 5));
    // Now all are in use and somebody waits.
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.unwrap().id });
    settle().await;
    Guard::discard(guards.pop().unwrap());
    assert_eq!(waiter.await.unwrap(), 6);
}
