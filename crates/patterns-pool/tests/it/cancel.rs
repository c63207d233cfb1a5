//! Every future of the pool, dropped at each of its `.await`s.

use std::future::Future;
use std::time::Duration;

use patterns_pool::{Pool, PoolConfig};
use testing::{advance, at_each_await, ms, polled_after, quiet, secs, settle};

use crate::support::{Deed, Job, Parts, World, assert_at_rest, lazy, sized, workers};

/// Polls a future so often, with everything else having its turn and some time going by in between, and drops it.
async fn polled_in_steps<T>(work: impl Future<Output = T>, times: usize, step: Duration) -> bool {
    polled_after(work, times, async || advance(step).await).await
}

/// Drops `make`'s future after ever more polls until one is done. After each, the pool has everything back.
async fn dropped_at_each_await<F, T>(
    config: impl Fn() -> PoolConfig,
    prepare: impl AsyncFn(&World, &Pool<Parts>),
    make: impl Fn(Pool<Parts>) -> F,
    step: Duration,
) where
    F: Future<Output = T>,
{
    quiet();
    at_each_await(async |times| {
        let world = World::new();
        let pool = world.pool(config()).await;
        prepare(&world, &pool).await;
        let done = polled_in_steps(make(pool.clone()), times, step).await;
        for deed in [World::create, World::check, World::close] {
            deed(&world, Deed::Succeed);
        }
        advance(secs(30)).await;
        // As many can be had at the same time as there were to be.
        let (one, two) = (
            pool.checkout().await.unwrap(),
            pool.checkout().await.unwrap(),
        );
        assert!(pool.try_checkout().is_err());
        drop((one, two));
        settle().await;
        assert_at_rest(&pool, 2);
        pool.stop().await.unwrap();
        assert_eq!(world.alive(), 0, "after {times} polls");
        done
    })
    .await;
}

async fn used(_: &World, pool: &Pool<Parts>) {
    drop((
        pool.checkout().await.unwrap(),
        pool.checkout().await.unwrap(),
    ));
}

#[tokio::test(start_paused = true)]
async fn a_checkout_can_be_given_up_at_any_time() {
    for (deed, step) in [
        (Deed::Succeed, ms(10)),
        (Deed::Take(ms(100)), ms(15)),
        (Deed::Fail, ms(250)),
        (Deed::Hang, ms(250)),
    ] {
        dropped_at_each_await(
            || sized(2),
            async |world, pool| {
                used(world, pool).await;
                world.check(deed);
            },
            |pool| async move { pool.checkout().await.map(drop) },
            step,
        )
        .await;
        dropped_at_each_await(
            || lazy(2),
            async |world, _| world.create(deed),
            |pool| async move { pool.checkout().await.map(drop) },
            step,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkout_in_a_line_can_be_given_up_at_any_time() {
    dropped_at_each_await(
        || sized(2),
        async |_, pool| {
            // Two others have all there is, and a third one waits in front.
            for hold in [ms(300), ms(700), ms(10)] {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let mut guard = pool.checkout().await.unwrap();
                    guard.use_alone(tokio::time::sleep(hold)).await;
                });
                settle().await;
            }
        },
        |pool| async move {
            let waits = pool.checkout().await.map(drop);
            tokio::task::yield_now().await;
            waits
        },
        ms(40),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_transaction_can_be_given_up_at_any_time() {
    dropped_at_each_await(
        || sized(2),
        used,
        |pool| async move {
            pool.transaction(async |_| {
                for _ in 0..5 {
                    tokio::time::sleep(ms(10)).await;
                }
            })
            .await
        },
        ms(4),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_start_can_be_given_up_at_any_time() {
    at_each_await(async |times| {
        let world = World::new();
        world.create(Deed::Take(ms(10)));
        let config = PoolConfig {
            max_starting: 1,
            ..sized(4)
        };
        let done = polled_in_steps(world.try_pool(config), times, ms(3)).await;
        advance(secs(10)).await;
        assert_eq!(world.alive(), 0, "after {times} polls");
        assert_eq!(world.made(), world.closed());
        done
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_given_up_goes_on() {
    at_each_await(async |times| {
        let world = World::new();
        world.close(Deed::Take(ms(100)));
        let pool = world.pool(sized(2)).await;
        // Without a single poll nobody has been asked.
        let done = polled_in_steps(pool.stop(), times + 1, ms(10)).await;
        advance(secs(10)).await;
        assert_eq!(world.alive(), 0);
        assert!(pool.try_checkout().is_err());
        done
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_job_can_be_given_up_at_any_time() {
    at_each_await(async |times| {
        let (census, pool) = workers(2).await;
        let job = pool.process(|reply| Job::Delay(ms(5), reply));
        let done = polled_in_steps(job, times, ms(1)).await;
        advance(secs(10)).await;
        let (one, two) = (
            pool.checkout().await.unwrap(),
            pool.checkout().await.unwrap(),
        );
        assert_eq!(one.call(Job::Id).await.unwrap(), one.id());
        drop((one, two));
        settle().await;
        assert_at_rest(&pool, 2);
        assert_eq!(census.alive(), 2);
        done
    })
    .await;
}
