//! What was wrong with the original, each as a test of its own.

use patterns_pool::{BadOption, CallError, ProcessError, StartError};
use testing::{advance, ms, quiet, secs, settle};

use crate::support::{Deed, Job, World, assert_at_rest, lazy, parts, sized, workers};

#[tokio::test(start_paused = true)]
async fn a_borrower_that_dies_loses_no_worker() {
    quiet();
    let (_census, pool) = workers(2).await;
    for round in 0..10 {
        let other = pool.clone();
        let borrower = otp_core::spawn(async move {
            let _worker = other.checkout().await.unwrap();
            if round % 2 == 0 {
                panic!("as told");
            }
            std::future::pending().await
        })
        .unwrap();
        settle().await;
        borrower.kill();
        settle().await;
    }
    assert_at_rest(&pool, 2);
    assert_eq!(pool.stats().created, 2, "none had to be replaced");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_dies_loses_no_worker() {
    let (_census, pool) = workers(1).await;
    let out = pool.checkout().await.unwrap();
    for _ in 0..5 {
        let other = pool.clone();
        let waiter = otp_core::spawn(async move {
            let _worker = other.checkout().await.unwrap();
            std::future::pending().await
        })
        .unwrap();
        settle().await;
        waiter.kill();
    }
    settle().await;
    assert_eq!(pool.info().waiting, 0);
    drop(out);
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn workers_do_not_outlive_a_stopped_or_crashed_pool() {
    let (census, pool) = workers(3).await;
    pool.stop().await.unwrap();
    assert_eq!(census.alive(), 0);
    let (census, pool) = workers(3).await;
    pool.pid().unwrap().crash("as told");
    settle().await;
    assert_eq!(census.alive(), 0);
    let (census, pool) = workers(3).await;
    pool.pid().unwrap().kill();
    settle().await;
    assert_eq!(census.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_just_before_a_return_does_not_crash_the_pool() {
    let (_census, pool) = workers(1).await;
    let pid = pool.pid();
    let out = pool.checkout().await.unwrap();
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout_timeout(ms(10)).await.map(drop) });
    tokio::time::sleep(ms(10)).await;
    drop(out);
    let _ = waiter.await.unwrap();
    settle().await;
    assert_at_rest(&pool, 1);
    assert_eq!(pool.pid(), pid);
}

#[tokio::test(start_paused = true)]
async fn an_exit_signal_of_a_stranger_ends_the_pool_only_if_it_is_meant_to() {
    // There is no stray message: what the pool's process understands is private. What can reach it is a signal.
    let (_census, pool) = workers(1).await;
    pool.pid().unwrap().exit(patterns_pool::ExitReason::Normal);
    settle().await;
    assert_at_rest(&pool, 1);
    pool.pid()
        .unwrap()
        .exit(patterns_pool::ExitReason::Shutdown);
    settle().await;
    assert!(!pool.info().open);
}

#[tokio::test(start_paused = true)]
async fn what_a_start_returns_is_what_all_the_rest_takes() {
    let (_census, pool) = workers(1).await;
    assert_eq!(
        pool.process(|reply| Job::Add(1, 2, reply)).await.unwrap(),
        3
    );
    assert!(pool.info().open);
    pool.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_member_is_given_back_once_and_only_by_who_has_it() {
    // A guard cannot be copied, and to give back is to lose it: there is no second time and no stranger.
    let (_world, pool) = parts(1).await;
    let guard = pool.checkout().await.unwrap();
    drop(guard);
    let _one = pool.try_checkout().unwrap();
    assert!(pool.try_checkout().is_err(), "one return lends one member");
}

#[tokio::test(start_paused = true)]
async fn an_infinite_timeout_is_fine() {
    let (_world, pool) = parts(1).await;
    drop(
        pool.checkout_timeout(std::time::Duration::MAX)
            .await
            .unwrap(),
    );
}

#[tokio::test(start_paused = true)]
async fn a_size_of_zero_makes_no_workers() {
    let world = World::new();
    let error = world.try_pool(sized(0)).await.unwrap_err();
    assert!(matches!(
        error,
        StartError::BadOption(BadOption { option: "size", .. })
    ));
    assert_eq!(world.made(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_still_busy_with_a_job_that_took_too_long_is_not_available() {
    let (_census, pool) = workers(1).await;
    let outcome = pool.process(|reply| Job::Delay(secs(6), reply)).await;
    assert!(matches!(
        outcome,
        Err(ProcessError::Call(CallError::Timeout))
    ));
    let begun = tokio::time::Instant::now();
    pool.process(|reply| Job::Echo("hello", reply))
        .await
        .unwrap();
    assert!(begun.elapsed() < ms(100));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_crashes_is_an_error_and_not_the_end_of_its_caller() {
    quiet();
    let (_census, pool) = workers(1).await;
    let outcome = pool.process(Job::CrashOver).await;
    assert!(matches!(outcome, Err(ProcessError::WorkerCrashed(_))));
    assert_eq!(
        pool.process(|reply| Job::Add(1, 2, reply)).await.unwrap(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_is_not_tried_without_end() {
    let world = World::new();
    let pool = world.pool(lazy(1)).await;
    world.create(Deed::Fail);
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.map(drop) });
    advance(secs(5)).await;
    assert!(waiter.await.unwrap().is_err());
    assert!(pool.stats().create_failures < 10, "{:?}", pool.stats());
}

#[tokio::test(start_paused = true)]
async fn how_many_jobs_a_worker_has_done_can_be_seen() {
    let (_census, pool) = workers(1).await;
    for _ in 0..7 {
        pool.process(|reply| Job::Add(1, 2, reply)).await.unwrap();
    }
    assert_eq!(pool.info().members[0].jobs, 7);
}
