//! Transactions: a member for the time of a piece of work.

use std::time::Duration;

use patterns_pool::{CallError, ExitReason, TransactionError};
use testing::{advance, ms, quiet, secs, settle};

use crate::support::{Job, assert_at_rest, parts, polled, workers};

#[tokio::test(start_paused = true)]
async fn a_transaction_returns_what_its_work_returns_and_gives_the_member_back() {
    let (_world, pool) = parts(1).await;
    let id = pool.transaction(async |part| part.id).await.unwrap();
    assert_eq!(id, 1);
    assert_at_rest(&pool, 1);
    let outcome: Result<(), &str> = pool.transaction(async |_| Err("no")).await.unwrap();
    assert_eq!(outcome, Err("no"));
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn the_work_may_borrow_and_await_and_run_in_a_task() {
    let (_world, pool) = parts(1).await;
    let text = String::from("kept");
    let length = pool
        .transaction(async |part| {
            part.use_alone(tokio::time::sleep(ms(1))).await;
            text.len()
        })
        .await
        .unwrap();
    assert_eq!(length, text.len());
    let task = tokio::spawn(async move {
        pool.transaction(async |part| {
            part.use_alone(tokio::time::sleep(ms(1))).await;
            part.id
        })
        .await
    });
    assert_eq!(task.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_transaction_reaches_its_task_and_the_member_goes_back() {
    quiet();
    let (world, pool) = parts(1).await;
    let other = pool.clone();
    let task = tokio::spawn(async move {
        other
            .transaction(async |_| panic!("as told"))
            .await
            .unwrap_or(());
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_at_rest(&pool, 1);
    assert_eq!((world.made(), world.closed()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_dropped_or_aborted_gives_its_member_back() {
    let (_world, pool) = parts(1).await;
    assert!(
        !polled(
            pool.transaction(async |_| std::future::pending::<()>().await),
            3
        )
        .await
    );
    assert_at_rest(&pool, 1);
    let other = pool.clone();
    let task = tokio::spawn(async move {
        other
            .transaction(async |_| std::future::pending::<()>().await)
            .await
    });
    settle().await;
    assert_eq!(pool.info().in_use, 1);
    task.abort();
    settle().await;
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_without_a_member_is_not_begun() {
    let (_world, pool) = parts(1).await;
    let _out = pool.checkout().await.unwrap();
    let mut begun = false;
    let outcome = pool.transaction(async |_| begun = true).await;
    assert!(matches!(outcome, Err(TransactionError::Checkout(error)) if error.is_timeout()));
    assert!(!begun);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_in_a_transaction_is_an_error_with_its_reason_and_is_replaced() {
    quiet();
    let (census, pool) = workers(2).await;
    let outcome = pool
        .transaction(async |worker| {
            let answer = worker.call(Job::CrashOver).await;
            assert!(matches!(
                answer,
                Err(CallError::Exited(ExitReason::Panic(_)))
            ));
            "what it returns is of no interest"
        })
        .await;
    let Err(TransactionError::WorkerCrashed(ExitReason::Panic(panic))) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(panic.message(), "as told");
    settle().await;
    assert_at_rest(&pool, 2);
    let ids: Vec<_> = pool.info().members.iter().map(|member| member.id).collect();
    assert!(ids.contains(&3), "{ids:?}");
    assert_eq!((census.alive(), pool.stats().crashed), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_in_a_transaction_is_replaced_before_that_is_over() {
    quiet();
    let (_census, pool) = workers(1).await;
    let other = pool.clone();
    let outcome = pool
        .transaction(async |worker| {
            worker.pid().kill();
            // Its place is free, and somebody else is served from it.
            other.process(|reply| Job::Add(2, 3, reply)).await.unwrap()
        })
        .await;
    assert!(matches!(
        outcome,
        Err(TransactionError::WorkerCrashed(ExitReason::Killed))
    ));
    settle().await;
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_may_take_longer_than_any_timeout() {
    let (_census, pool) = workers(1).await;
    let begun = tokio::time::Instant::now();
    let outcome = pool
        .transaction(async |worker| {
            worker
                .call_timeout(|reply| Job::Delay(secs(60), reply), Duration::MAX)
                .await
        })
        .await;
    outcome.unwrap().unwrap();
    assert!(begun.elapsed() >= secs(60));
    advance(secs(1)).await;
    assert_at_rest(&pool, 1);
}
