//! Many tasks awaited together.

use std::time::Duration;

use patterns_task::{ItemError, Task, TaskError, await_many, spawn, yield_many};
use testing::{ms, quiet, secs, settle};

use crate::support::{Live, panicked, timed};

#[tokio::test(start_paused = true)]
async fn values_stand_in_the_order_of_the_tasks() {
    let live = Live::default();
    let tasks: Vec<_> = (0..10)
        .map(|n| spawn(live.work(ms(100 - 10 * n), n)))
        .collect();
    let (values, time) = timed(await_many(tasks, secs(5))).await;
    assert_eq!(values, Ok((0..10).collect()));
    assert_eq!(time, ms(100));
    assert_eq!(
        await_many(Vec::<Task<()>>::new(), Duration::ZERO).await,
        Ok(Vec::new())
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_ends_it_whatever_its_place_and_the_others_with_it() {
    quiet();
    let live = Live::default();
    let mut tasks = vec![
        spawn(live.work(secs(3_600), ())),
        spawn(live.work(secs(3_600), ())),
    ];
    tasks.push(spawn(async {
        tokio::time::sleep(secs(1)).await;
        panic!("as told")
    }));
    let (outcome, time) = timed(await_many(tasks, Duration::MAX)).await;
    let error = ItemError {
        index: 2,
        input: (),
        error: panicked("as told"),
    };
    assert_eq!((outcome, time), (Err(error), secs(1)));
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn there_is_one_time_for_all() {
    let live = Live::default();
    let tasks: Vec<_> = (1..=4).map(|n| spawn(live.work(secs(n), n))).collect();
    let (outcome, time) = timed(await_many(tasks, ms(2_500))).await;
    let error = ItemError {
        index: 2,
        input: (),
        error: TaskError::Timeout,
    };
    assert_eq!((outcome, time), (Err(error), ms(2_500)));
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_yield_of_many_says_what_is_there_and_leaves_the_rest_running() {
    quiet();
    let live = Live::default();
    let mut tasks: Vec<_> = (1..=3).map(|n| spawn(live.work(secs(n), n))).collect();
    tasks.push(spawn(async { panic!("as told") }));
    let (outcomes, time) = timed(yield_many(&mut tasks, ms(1_500))).await;
    assert_eq!(
        outcomes,
        [Some(Ok(1)), None, None, Some(Err(panicked("as told")))]
    );
    assert_eq!((time, live.now()), (ms(1_500), 2));
    let outcomes = yield_many(&mut tasks, Duration::MAX).await;
    let taken = || Some(Err(TaskError::Consumed));
    assert_eq!(outcomes, [taken(), Some(Ok(2)), Some(Ok(3)), taken()]);
}

#[tokio::test(start_paused = true)]
async fn a_yield_of_many_that_is_given_up_loses_no_outcome() {
    let live = Live::default();
    let mut tasks: Vec<_> = (1..=3).map(|n| spawn(live.work(secs(n), n))).collect();
    assert!(
        tokio::time::timeout(ms(2_500), yield_many(&mut tasks, Duration::MAX))
            .await
            .is_err()
    );
    assert_eq!(live.now(), 1);
    let outcomes = yield_many(&mut tasks, Duration::MAX).await;
    assert_eq!(outcomes, [Some(Ok(1)), Some(Ok(2)), Some(Ok(3))]);
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_looks_once() {
    let mut tasks = [spawn(async { 1 }), spawn(std::future::pending())];
    settle().await;
    assert_eq!(
        yield_many(&mut tasks, Duration::ZERO).await,
        [Some(Ok(1)), None]
    );
}

#[tokio::test]
async fn thousands_are_seen_that_are_all_done_already() {
    let mut tasks: Vec<_> = (0..5_000).map(|n| spawn(async move { n })).collect();
    while tasks.iter().any(|task| !task.is_finished()) {
        tokio::task::yield_now().await;
    }
    let outcomes = yield_many(&mut tasks, Duration::ZERO).await;
    assert!(
        outcomes
            .into_iter()
            .enumerate()
            .all(|(n, outcome)| outcome == Some(Ok(n)))
    );
}
