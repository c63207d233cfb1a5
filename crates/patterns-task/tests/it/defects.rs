//! What was wrong with the original, each as a test of its own.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use patterns_task::{
    Answer, BatchConfig, BoxFuture, Failure, FetchConfig, GaveUp, PipelineError, RaceError,
    RetryConfig, RetryError, TaskError, batch_process, boxed, multi_source_fetch, parallel_fetch,
    parallel_map, pipeline, race, retry, supervised_task, with_fallback,
};
use testing::{ms, quiet, secs, settle};
use tokio::time::sleep;

use crate::support::{
    Live, attempts, batch_config, map_config, nonzero, panicked, steady, tasks, timed, timeout,
};

/// When the time was over, all were lost, those that had answered too.
#[tokio::test(start_paused = true)]
async fn when_the_time_for_all_is_over_what_is_there_is_kept() {
    let live = Live::default();
    let work = live.clone();
    let config = FetchConfig {
        max_concurrency: nonzero(2),
        ..FetchConfig::default()
    };
    let naps = [2, 3, 2, 2, 2, 1];
    let nap = move |&n: &u64| work.good(secs(n), n);
    let config = FetchConfig {
        item_timeout: secs(4),
        ..config
    };
    let (naps, time) = timed(parallel_fetch(naps, nap, config)).await;
    assert_eq!(time, secs(5));
    assert_eq!(naps[..2], [Ok(2), Ok(3)]);
    assert_eq!(naps[2], Ok(2));
    // Its two seconds end with the five: either is right, but nothing else.
    assert!(naps[3].is_ok() || naps[3].as_ref().unwrap_err().error.is_timeout());
    let late = naps[4].as_ref().unwrap_err();
    assert_eq!((late.input, &late.error), (2, &timeout()));
    let never = naps[5].as_ref().unwrap_err();
    assert_eq!(
        (never.index, never.input, &never.error),
        (5, 1, &Failure::Task(TaskError::NotStarted))
    );
    settle().await;
    assert_eq!((live.now(), live.ever()), (0, 5));
}

/// A map worked in chunks, each as slow as its slowest item.
#[tokio::test(start_paused = true)]
async fn a_slow_item_delays_nobody_but_itself() {
    // The original works in chunks: with two places, 1 slow and 10 quick items took the slow one's time and the rest after it.
    let nap = |&n: &u64| async move {
        sleep(secs(n)).await;
        n
    };
    let items = [10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    let (results, time) = timed(parallel_map(items, nap, map_config(2, Duration::MAX))).await;
    assert_eq!(results, items.map(Ok));
    assert_eq!(time, secs(10));
}

/// A crash of one item, or its time-out, took the caller along.
#[tokio::test(start_paused = true)]
async fn a_panic_or_a_time_out_is_an_error_with_its_input() {
    quiet();
    let live = Live::default();
    let work = live.clone();
    let items = ["well", "as told", "slow"].map(Box::<str>::from);
    let map = parallel_map(
        items,
        move |text| {
            let slow = work.work(if &**text == "slow" { secs(60) } else { ms(1) }, text.len());
            assert!(&**text != "as told", "as told");
            slow
        },
        map_config(2, secs(5)),
    );
    let (results, time) = timed(map).await;
    assert_eq!(results[0], Ok(4));
    for (index, text, error) in [
        (1, "as told", panicked("as told")),
        (2, "slow", TaskError::Timeout),
    ] {
        let failed = results[index].as_ref().unwrap_err();
        assert_eq!(
            (failed.index, &*failed.input, &failed.error),
            (index, text, &error)
        );
    }
    assert!(time < secs(6));
    settle().await;
    assert_eq!(live.now(), 0);
}

/// A race was won by who finished first, with an error too.
#[tokio::test(start_paused = true)]
async fn an_error_is_no_victory() {
    quiet();
    let live = Live::default();
    let field = [
        boxed(live.bad(ms(1), "no route")),
        boxed(async { panic!("as told") }),
        boxed(live.good(secs(1), 7)),
    ];
    assert_eq!(race(field, secs(5)).await, Ok(7));
}

/// A race of nobody waited until its time was over.
#[tokio::test(start_paused = true)]
async fn a_race_of_nobody_is_over_at_once() {
    let nobody: Vec<BoxFuture<Result<(), ()>>> = Vec::new();
    let (outcome, time) = timed(race(nobody, Duration::MAX)).await;
    assert_eq!((outcome, time), (Err(RaceError::Empty), Duration::ZERO));
}

/// Each fallback waited for a time of its own, one after the other.
#[tokio::test(start_paused = true)]
async fn many_that_are_late_take_one_time_and_not_many() {
    // In the original four of them took 403 ms with 100 ms each.
    let live = Live::default();
    let futures: Vec<_> = (0..4).map(|n| live.good(secs(60), n)).collect();
    let (answers, time) = timed(with_fallback(futures, |_| 9, ms(100))).await;
    assert_eq!((answers, time), (vec![Answer::Fallback(9); 4], ms(100)));
}

/// No attempts at all were one; here the type has no zero.
#[tokio::test(start_paused = true)]
async fn one_attempt_is_one_and_none_cannot_be_said() {
    let outcome = timed(retry(attempts(1), || async { Err::<(), _>("busy") })).await;
    let error = RetryError {
        attempts: 1,
        failure: Failure::Failed("busy"),
        gave_up: GaveUp::Exhausted,
    };
    assert_eq!(outcome, (Err(error), Duration::ZERO));
}

/// Exits and throws escaped the retry.
#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_as_any_other_wherever_it_comes_from() {
    quiet();
    let mut calls = 0;
    let outcome = retry(steady(), || {
        calls += 1;
        let call = calls;
        assert!(call != 1, "as told, before the future");
        async move {
            assert!(call != 2, "as told, in the future");
            Ok::<_, &str>(call)
        }
    });
    assert_eq!(outcome.await, Ok(3));
    let outcome = retry(steady(), || async { panic!("as told") }).await;
    let failure = Failure::<&str>::Task(panicked("as told"));
    assert_eq!(
        outcome,
        Err::<(), _>(RetryError {
            attempts: 3,
            failure,
            gave_up: GaveUp::Exhausted
        })
    );
}

/// An exit of the work with `:timeout` was taken for the time being over.
#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_work_itself_is_a_value_as_any_other() {
    let tasks = tasks().await;
    let outcome =
        supervised_task(&tasks, async { Err::<(), _>(TaskError::Timeout) }, secs(5)).await;
    assert_eq!(outcome.unwrap(), Err(TaskError::Timeout));
}

/// A `nil` broke the next step.
#[tokio::test]
async fn nothing_is_a_value_as_any_other() {
    let steps = pipeline(secs(5), || async { Ok::<Option<u8>, &str>(None) })
        .then(|nothing| async move { Ok(nothing.map_or(7, u32::from)) });
    assert_eq!(steps.await, Ok(7));
}

/// An error was passed on to the next step as its value.
#[tokio::test]
async fn an_error_ends_it_and_is_no_value() {
    let later = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&later);
    let steps = pipeline(secs(5), || async { Ok(1) })
        .then(|_| async { Err::<u8, _>("no route") })
        .then(move |n| {
            count.fetch_add(1, Ordering::SeqCst);
            async move { Ok(n) }
        });
    let error = PipelineError {
        step: 1,
        failure: Failure::Failed("no route"),
    };
    assert_eq!((steps.await, later.load(Ordering::SeqCst)), (Err(error), 0));
}

/// A step whose time was over ran on.
#[tokio::test(start_paused = true)]
async fn a_step_whose_time_is_over_does_not_run_on() {
    let live = Live::default();
    let work = live.clone();
    let steps = pipeline(secs(5), || async { Ok(1) }).then(move |n| work.good(secs(60), n));
    let (outcome, time) = timed(steps).await;
    let error = outcome.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        (error, time),
        (
            PipelineError {
                step: 1,
                failure: timeout()
            },
            secs(5)
        )
    );
    settle().await;
    assert_eq!((live.now(), live.ever()), (0, 1));
}

/// All batches were begun at the same time, however many there were.
#[tokio::test(start_paused = true)]
async fn there_are_never_more_batches_than_so_many() {
    let live = Live::default();
    let work = live.clone();
    let (results, time) = timed(batch_process(
        0..40,
        move |&n| work.work(ms(100), n),
        batch_config(10, 2),
    ))
    .await;
    assert_eq!((results.len(), time, live.most()), (40, secs(2), 2));
}

/// Results that were lists were flattened.
#[tokio::test]
async fn a_result_that_is_a_list_stays_a_list() {
    let lists = batch_process(
        [1, 2, 0],
        |&n| async move { vec![n; n] },
        batch_config(2, 2),
    )
    .await;
    assert_eq!(lists, [Ok(vec![1]), Ok(vec![2, 2]), Ok(vec![])]);
}

/// When a batch was late its caller ended, with all that was done.
#[tokio::test(start_paused = true)]
async fn a_batch_whose_time_is_over_keeps_what_is_done() {
    let live = Live::default();
    let work = live.clone();
    let config = BatchConfig {
        timeout: secs(10),
        ..batch_config(4, 2)
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

/// Each later source had longer, up to three times the time-out.
#[tokio::test(start_paused = true)]
async fn named_sources_share_one_time() {
    quiet();
    let live = Live::default();
    let sources = [
        ("database", boxed(live.good(secs(9), 1))),
        ("cache", boxed(live.good(ms(10), 2))),
        ("api", boxed(live.bad(ms(200), "no route"))),
        ("queue", boxed(async { panic!("as told") })),
        ("search", boxed(live.good(secs(9), 3))),
    ];
    let (answers, time) = timed(multi_source_fetch(sources, secs(5))).await;
    let names: Vec<_> = answers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["database", "cache", "api", "queue", "search"]);
    let answers: HashMap<_, _> = answers.into_iter().collect();
    assert_eq!(answers["database"], Err(timeout()));
    assert_eq!(answers["cache"], Ok(2));
    assert_eq!(answers["api"], Err(Failure::Failed("no route")));
    assert_eq!(answers["queue"], Err(Failure::Task(panicked("as told"))));
    assert_eq!(answers["search"], Err(timeout()));
    assert_eq!(time, secs(5));
    settle().await;
    assert_eq!(live.now(), 0);
}

/// A loser's message stayed, and a later race returned it.
#[tokio::test(start_paused = true)]
async fn a_loser_of_one_race_is_nothing_to_the_next() {
    let live = Live::default();
    for round in 1..50 {
        let field = [
            live.good(ms(2), 1_000 + round),
            live.good(ms(2), 2_000 + round),
        ];
        let winner = race(field, secs(5)).await.unwrap();
        assert_eq!(winner % 1_000, round);
    }
    settle().await;
    assert_eq!(live.now(), 0);
}

/// An error was taken for a success.
#[tokio::test(start_paused = true)]
async fn when_all_have_failed_the_last_failure_is_told() {
    let calls = Cell::new(0);
    let outcome = retry(attempts(4), || {
        calls.set(calls.get() + 1);
        let call = calls.get();
        async move { Err::<(), _>(call) }
    });
    let (outcome, time) = timed(outcome).await;
    let error = RetryError {
        attempts: 4,
        failure: Failure::Failed(4),
        gave_up: GaveUp::Exhausted,
    };
    assert_eq!((outcome, time), (Err(error), ms(700)));
}

/// There was no limit for one attempt.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_a_failure() {
    let config = RetryConfig {
        attempt_timeout: secs(1),
        ..steady()
    };
    let mut calls = 0;
    let outcome = retry(config.clone(), || {
        calls += 1;
        let nap = if calls == 1 { secs(60) } else { ms(500) };
        async move {
            sleep(nap).await;
            Ok::<_, &str>(7)
        }
    });
    assert_eq!(timed(outcome).await, (Ok(7), ms(1_600)));
    let outcome = retry(config, std::future::pending::<Result<(), &str>>);
    let error = RetryError {
        attempts: 3,
        failure: timeout(),
        gave_up: GaveUp::Exhausted,
    };
    assert_eq!(timed(outcome).await, (Err(error), ms(3_300)));
}
