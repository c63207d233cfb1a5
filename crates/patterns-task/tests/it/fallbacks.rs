//! `with_fallback`.

use std::time::Duration;

use patterns_task::{Answer, Failure, boxed, with_fallback};
use testing::{ms, quiet, secs, settle};

use crate::support::{Live, panicked};

#[tokio::test(start_paused = true)]
async fn each_has_its_value_its_failure_or_a_fallback_that_says_so() {
    quiet();
    let live = Live::default();
    let futures = [
        boxed(live.good(secs(1), 1)),
        boxed(live.good(secs(60), 2)),
        boxed(live.bad(ms(1), "no route")),
        boxed(async { panic!("as told") }),
        // A value that equals the fallback is a value.
        boxed(live.good(ms(1), 104)),
    ];
    let answers = with_fallback(futures, |index| 100 + index as u64, secs(5)).await;
    assert_eq!(
        answers,
        [
            Answer::Value(1),
            Answer::Fallback(101),
            Answer::Failed(Failure::Failed("no route")),
            Answer::Failed(Failure::Task(panicked("as told"))),
            Answer::Value(104),
        ]
    );
    let fallbacks: Vec<bool> = answers.iter().map(Answer::is_fallback).collect();
    assert_eq!(fallbacks, [false, true, false, false, false]);
    let values: Vec<Option<u64>> = answers.into_iter().map(Answer::into_value).collect();
    assert_eq!(values, [Some(1), Some(101), None, None, Some(104)]);
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_may_be_nothing() {
    let live = Live::default();
    let answers = with_fallback([live.good(secs(60), Some(7))], |_| None, secs(1)).await;
    assert_eq!(answers, [Answer::Fallback(None)]);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_panics_is_the_failure_of_its_own() {
    quiet();
    let live = Live::default();
    let futures = [live.good(secs(60), 1), live.good(secs(60), 2)];
    let answers = with_fallback(
        futures,
        |index| {
            assert!(index != 0, "as told");
            9
        },
        secs(1),
    );
    let panic = Failure::Task(panicked("as told"));
    assert_eq!(answers.await, [Answer::Failed(panic), Answer::Fallback(9)]);
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_gives_fallbacks_and_begins_nothing() {
    let live = Live::default();
    let futures = [live.good(ms(1), 1), live.good(ms(1), 2)];
    let answers = with_fallback(futures, |index| index as u64, Duration::ZERO).await;
    assert_eq!(answers, [Answer::Fallback(0), Answer::Fallback(1)]);
    assert_eq!(live.ever(), 0);
    let none: Vec<patterns_task::BoxFuture<Result<u8, ()>>> = Vec::new();
    assert_eq!(with_fallback(none, |_| 1, Duration::MAX).await, []);
}
