//! `batch_process`.

use std::time::Duration;

use patterns_task::{BatchConfig, TaskError, batch_process};
use testing::{ms, quiet, secs};
use tokio::time::sleep;

use crate::support::{Live, batch_config, panicked, timed};

#[tokio::test(start_paused = true)]
async fn batches_go_side_by_side_and_their_items_one_after_the_other() {
    let live = Live::default();
    let work = live.clone();
    let (results, time) = timed(batch_process(
        0..25,
        move |&n| work.work(ms(100), n),
        batch_config(10, 8),
    ))
    .await;
    assert_eq!(results, (0..25).map(Ok).collect::<Vec<_>>());
    assert_eq!((time, live.most()), (secs(1), 3));
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
        batch_config(3, 2),
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
async fn the_time_of_a_batch_begins_with_it() {
    let config = BatchConfig {
        timeout: secs(10),
        ..batch_config(3, 1)
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
