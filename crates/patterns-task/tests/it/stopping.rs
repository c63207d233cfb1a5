//! Shutdown: asking, waiting, killing.

use std::time::Duration;

use patterns_task::{Task, TaskError, spawn, spawn_with_stop};
use testing::{ms, quiet, secs, settle};
use tokio::time::sleep;

use crate::support::{Live, panicked, timed};

#[tokio::test(start_paused = true)]
async fn a_task_that_had_replied_gives_its_value() {
    let task = spawn(async { 7 });
    settle().await;
    assert_eq!(task.shutdown(secs(5)).await, Some(Ok(7)));
    assert_eq!(Task::completed(7).shutdown(secs(5)).await, Some(Ok(7)));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_be_asked_is_ended_at_once() {
    let live = Live::default();
    let task = spawn(live.work(secs(3_600), ()));
    settle().await;
    let (outcome, time) = timed(task.shutdown(secs(5))).await;
    assert_eq!((outcome, time), (None, Duration::ZERO));
    // Gone when it returns, not some time later.
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_crashed_task_says_why() {
    quiet();
    let task = spawn(async { panic!("as told") });
    settle().await;
    assert_eq!(
        task.shutdown(secs(5)).await,
        Some(Err::<(), _>(panicked("as told")))
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_outcome_was_taken_has_none() {
    let mut task = spawn(async { 7 });
    assert_eq!(task.yield_for(secs(1)).await, Some(Ok(7)));
    assert_eq!(task.shutdown(secs(5)).await, Some(Err(TaskError::Consumed)));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_can_be_asked_ends_in_order() {
    let task = spawn_with_stop(|stop| async move {
        assert!(!stop.is_requested());
        stop.requested().await;
        sleep(secs(2)).await;
        // Asked for good.
        stop.requested().await;
        stop.is_requested()
    });
    settle().await;
    let (outcome, time) = timed(task.shutdown(secs(5))).await;
    assert_eq!((outcome, time), (Some(Ok(true)), secs(2)));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_heed_it_is_killed_when_its_time_is_over() {
    let live = Live::default();
    let task = spawn_with_stop(|_| live.work(secs(3_600), ()));
    settle().await;
    let (outcome, time) = timed(task.shutdown(secs(5))).await;
    assert_eq!((outcome, time), (Some(Err(TaskError::Aborted)), secs(5)));
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_crashes_when_it_is_asked_says_so() {
    quiet();
    let task = spawn_with_stop(|stop| async move {
        stop.requested().await;
        panic!("as told");
    });
    assert_eq!(
        task.shutdown(Duration::MAX).await,
        Some(Err::<(), _>(panicked("as told")))
    );
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_kills_at_once_those_that_can_be_asked_too() {
    let live = Live::default();
    let task = spawn_with_stop(|_| live.work(secs(3_600), ()));
    settle().await;
    let (outcome, time) = timed(task.shutdown(Duration::ZERO)).await;
    assert_eq!(outcome, Some(Err(TaskError::Aborted)));
    assert!(time <= ms(1), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_is_given_up_kills() {
    let live = Live::default();
    let task = spawn_with_stop(|_| live.work(secs(3_600), ()));
    settle().await;
    assert!(
        tokio::time::timeout(secs(1), task.shutdown(secs(5)))
            .await
            .is_err()
    );
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test]
async fn all_who_wait_for_the_signal_hear_it_whenever_they_began() {
    for early in 0..3 {
        let task = spawn_with_stop(|stop| async move {
            let waits: Vec<_> = (0..3)
                .map(|n| {
                    let stop = stop.clone();
                    spawn(async move {
                        for _ in 0..n {
                            tokio::task::yield_now().await;
                        }
                        stop.requested().await;
                        n
                    })
                })
                .collect();
            let mut heard = 0;
            for wait in waits {
                heard += wait.await.unwrap();
            }
            heard
        });
        for _ in 0..early {
            tokio::task::yield_now().await;
        }
        assert_eq!(task.shutdown(Duration::MAX).await, Some(Ok(3)));
    }
}
