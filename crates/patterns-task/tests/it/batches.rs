//! `batch_process`.

use std::time::Duration;

use patterns_task::{BatchConfig, TaskError, batch_process};
use tokio::time::sleep;

use crate::support::{Live, ms, nonzero, panicked, quiet, secs, settle, timed};

fn config(batch_size: usize, max_concurrency: usize) -> BatchConfig {
    BatchConfig {
        batch_size: nonzero(batch_size),
        max_concurrency: nonzero(max_concurrency),
        ..BatchConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn batches_go_side_by_side_and_their_items_one_after_the_other() {
    let live = Live::default();
    let work = live.clone();
    let (results, time) = timed(batch_process(
        0..25,
        move |&n| work.work(ms(100), n),
        config(10, 8),
    ))
    .await;
    assert_eq!(results, (0..25).map(Ok).collect::<Vec<_>>());
    assert_eq!((time, live.most()), (secs(1), 3));
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_batches_than_so_many() {
    // The original bounds nothing.
    let live = Live::default();
    let work = live.clone();
    let (results, time) = timed(batch_process(
        0..40,
        move |&n| work.work(ms(100), n),
        config(10, 2),
    ))
    .await;
    assert_eq!((results.len(), time, live.most()), (40, secs(2), 2));
}

#[tokio::test]
async fn a_result_that_is_a_list_stays_a_list() {
    // The original flattens it.
    let lists = batch_process([1, 2, 0], |&n| async move { vec![n; n] }, config(2, 2)).await;
    assert_eq!(lists, [Ok(vec![1]), Ok(vec![2, 2]), Ok(vec![])]);
}

#[tokio::test]
async fn an_item_that_panics_fails_alone() {
    quiet();
    let results = batch_process(
        0..6,
        |&n| {
            assert!(n != 1, "as told, before the future");
            async move {
                assert!(n != 4, "as told, in the future");
                n
            }
        },
        config(3, 2),
    )
    .await;
    for (n, result) in results.iter().enumerate() {
        match n {
            1 | 4 => {
                let error = result.as_ref().unwrap_err();
                let place = if n == 1 { "before" } else { "in" };
                assert_eq!((error.index, error.input), (n, n));
                assert_eq!(
                    error.error,
                    panicked(&format!("as told, {place} the future"))
                );
            }
            _ => assert_eq!(result, &Ok(n)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_time_is_over_keeps_what_is_done() {
    let live = Live::default();
    let work = live.clone();
    let config = BatchConfig {
        timeout: secs(10),
        ..config(4, 2)
    };
    let nap = move |&n: &u64| work.work(secs(n), n);
    let (results, time) = timed(batch_process([4, 5, 6, 1, 1, 1, 1, 1], nap, config)).await;
    assert_eq!((&results[0], &results[1]), (&Ok(4), &Ok(5)));
    let errors: Vec<_> = results[2..4]
        .iter()
        .map(|result| result.as_ref().unwrap_err())
        .collect();
    assert_eq!(
        (errors[0].index, errors[0].input, &errors[0].error),
        (2, 6, &TaskError::Timeout)
    );
    assert_eq!(
        (errors[1].index, errors[1].input, &errors[1].error),
        (3, 1, &TaskError::NotStarted)
    );
    assert_eq!(results[4..], [Ok(1), Ok(1), Ok(1), Ok(1)]);
    settle().await;
    assert_eq!((time, live.now(), live.ever()), (secs(10), 0, 7));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_batch_begins_with_it() {
    let config = BatchConfig {
        timeout: secs(10),
        ..config(3, 1)
    };
    let nap = |&n: &u64| async move { sleep(secs(n)).await };
    let (results, time) = timed(batch_process([3; 9], nap, config)).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(time, secs(27));
}

#[tokio::test(start_paused = true)]
async fn nothing_no_time_and_no_limit() {
    let none: Vec<u64> = Vec::new();
    assert_eq!(
        batch_process(none, |&n| async move { n }, BatchConfig::default()).await,
        []
    );
    let live = Live::default();
    let work = live.clone();
    let config = |timeout| BatchConfig {
        timeout,
        ..BatchConfig::default()
    };
    let results = batch_process(0..25, move |&n| work.work(ms(1), n), config(Duration::ZERO)).await;
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().unwrap_err().error == TaskError::NotStarted)
    );
    assert_eq!((results.len(), live.ever()), (25, 0));
    let day = |&n: &u64| async move {
        sleep(secs(86_400)).await;
        n
    };
    assert_eq!(
        batch_process(0..3, day, config(Duration::MAX)).await,
        [Ok(0), Ok(1), Ok(2)]
    );
}
