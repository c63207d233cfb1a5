//! The end of a pool, with members out and with a line.

use std::future::pending;
use std::thread;

use patterns_pool::{CheckoutError, StopError};
use testing::{advance, ms, secs, settle};

use crate::support::{Deed, Job, parts, polled, workers};

#[tokio::test(start_paused = true)]
async fn a_stop_closes_idle_members_and_waits_for_that() {
    let (world, pool) = parts(3).await;
    world.close(Deed::Take(secs(2)));
    let begun = tokio::time::Instant::now();
    pool.stop().await.unwrap();
    assert!((secs(2)..secs(2) + ms(3)).contains(&begun.elapsed()));
    assert_eq!((world.closed(), world.alive()), (3, 0));
    let info = pool.info();
    assert_eq!((info.open, info.closing, info.members.len()), (false, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_a_checkout_says_that_the_pool_is_closed() {
    let (_world, pool) = parts(1).await;
    pool.stop().await.unwrap();
    assert!(matches!(pool.checkout().await, Err(CheckoutError::Closed)));
    assert!(matches!(pool.try_checkout(), Err(CheckoutError::Closed)));
    assert!(matches!(pool.stop().await, Err(StopError::NoProc)));
    assert_eq!(pool.retain(|_, _| true), 0);
    pool.resize(5).unwrap();
    settle().await;
    assert_eq!(pool.info().members.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_tells_those_who_wait() {
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let waiters: Vec<_> = (0..10)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.checkout().await.map(drop) })
        })
        .collect();
    settle().await;
    pool.stop().await.unwrap();
    for waiter in waiters {
        assert!(matches!(waiter.await.unwrap(), Err(CheckoutError::Closed)));
    }
    drop(out);
}

#[tokio::test(start_paused = true)]
async fn a_member_in_use_at_the_stop_stays_its_borrowers_and_is_closed_when_it_comes_back() {
    let (world, pool) = parts(2).await;
    let mut out = pool.checkout().await.unwrap();
    let on_thread = pool.checkout().await.unwrap();
    pool.stop().await.unwrap();
    out.use_alone(tokio::task::yield_now()).await;
    assert_eq!((world.alive(), pool.info().in_use), (2, 2));
    drop(out);
    thread::spawn(move || drop(on_thread)).join().unwrap();
    settle().await;
    assert_eq!((world.closed(), world.alive()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_member_given_to_a_waiter_that_has_not_fetched_it_is_closed_at_the_stop() {
    let (world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let other = pool.clone();
    let mut waiter = Box::pin(async move { other.checkout().await.map(drop) });
    assert!(!polled(&mut waiter, 1).await);
    drop(out);
    pool.stop().await.unwrap();
    assert!(matches!(waiter.await, Err(CheckoutError::Closed)));
    assert_eq!(world.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_dropped_is_a_stop() {
    let (world, pool) = parts(2).await;
    let guard = pool.checkout().await.unwrap();
    drop(pool);
    settle().await;
    assert_eq!(world.alive(), 1);
    drop(guard);
    settle().await;
    assert_eq!(world.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_close_that_hangs_or_panics_delays_a_stop_no_longer_than_its_limit() {
    testing::quiet();
    for (deed, limit) in [(Deed::Hang, secs(5) + ms(3)), (Deed::Panic, ms(1))] {
        let (world, pool) = parts(3).await;
        world.close(deed);
        let begun = tokio::time::Instant::now();
        pool.stop().await.unwrap();
        assert!(begun.elapsed() <= limit);
        assert_eq!((world.alive(), pool.info().closing), (0, 0), "{deed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn members_that_are_being_made_at_the_stop_are_gone_after_it() {
    let (world, pool) = parts(1).await;
    world.create(Deed::Take(secs(1)));
    pool.resize(5).unwrap();
    settle().await;
    pool.stop().await.unwrap();
    advance(secs(5)).await;
    assert_eq!((world.alive(), world.made()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn servers_end_in_order_at_the_stop_and_a_borrowed_one_when_it_comes_back() {
    let (census, pool) = workers(3).await;
    let worker = pool.checkout().await.unwrap();
    pool.stop().await.unwrap();
    assert_eq!((census.alive(), census.terminated()), (1, 2));
    assert_eq!(worker.call(Job::Id).await.unwrap(), worker.id());
    drop(worker);
    settle().await;
    assert_eq!((census.alive(), census.terminated()), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn servers_do_not_outlive_a_pool_that_is_killed() {
    let (census, pool) = workers(3).await;
    let worker = pool.checkout().await.unwrap();
    let escaped = worker.server_ref().clone();
    pool.pid().unwrap().kill();
    settle().await;
    assert_eq!(census.alive(), 0);
    assert!(escaped.pid().is_none());
    assert!(matches!(pool.checkout().await, Err(CheckoutError::Closed)));
    drop(worker);
}

#[tokio::test(start_paused = true)]
async fn a_killed_pool_closes_its_members_and_tells_its_waiters() {
    let (world, pool) = parts(2).await;
    let out = (
        pool.checkout().await.unwrap(),
        pool.checkout().await.unwrap(),
    );
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.map(drop) });
    settle().await;
    drop(out.0);
    drop(waiter);
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout_timeout(secs(60)).await.map(drop) });
    settle().await;
    let more = pool.try_checkout();
    let other = pool.clone();
    let last = tokio::spawn(async move { other.checkout_timeout(secs(60)).await.map(drop) });
    settle().await;
    pool.pid().unwrap().kill();
    assert!(matches!(
        last.await.unwrap(),
        Err(CheckoutError::Closed) | Ok(())
    ));
    let _ = waiter.await.unwrap();
    drop((out.1, more));
    settle().await;
    assert_eq!(world.alive(), 0);
}

#[test]
fn a_runtime_that_is_dropped_closes_the_pool() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let (world, pool, guard) = runtime.block_on(async {
        let (world, pool) = parts(2).await;
        let guard = pool.checkout().await.unwrap();
        (world, pool, guard)
    });
    drop(runtime);
    assert!(matches!(pool.try_checkout(), Err(CheckoutError::Closed)));
    assert_eq!(world.alive(), 1);
    // There is nobody to run `close`: it is only dropped.
    drop(guard);
    assert_eq!((world.alive(), world.closed()), (0, 0));
    let other = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(matches!(
        other.block_on(pool.checkout()),
        Err(CheckoutError::Closed)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_borrower_that_never_comes_back_does_not_delay_a_stop() {
    let (_world, pool) = parts(1).await;
    let other = pool.clone();
    let task =
        tokio::spawn(async move { other.transaction(async |_| pending::<()>().await).await });
    settle().await;
    pool.stop().await.unwrap();
    task.abort();
}
