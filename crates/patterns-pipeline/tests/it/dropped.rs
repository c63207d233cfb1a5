//! Runs that are dropped midway.

use std::sync::Arc;

use patterns_pipeline::{Pipeline, RetryConfig, TimedOut};
use testing::{ms, quiet, secs, settle};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Log, polled};

/// A run of five steps, of which all but the third can be undone, is dropped after ever more polls. Whatever was done by then is undone once, the last
/// first, and what was not, is not.
#[tokio::test(start_paused = true)]
async fn dropped_at_each_await_a_run_undoes_what_it_has_done() {
    for fails in [false, true] {
        let mut times = 0;
        loop {
            let log = Log::default();
            let pipeline = Pipeline::new()
                .step("a", log.step("a"))
                .undo(log.undo("a"))
                .step_async("b", log.slow("b"))
                .undo_async(log.slow_undo("b"))
                .step_async("c", log.slow("c"))
                .step_async("d", log.slow("d"))
                .undo_with_async(|n| n * 10, log.slow_undo("d"))
                .step_async("e", log.slow("e"))
                .undo(log.undo("e"))
                .step("f", move |n| if fails { Err("no") } else { Ok(n) });
            let done = polled(pipeline.run(0), times).await;
            pipeline.settled().await;
            let lines = log.lines();
            let steps: Vec<_> = ["a", "b", "d", "e"]
                .into_iter()
                .filter(|step| lines.iter().any(|line| line == step))
                .collect();
            let mut expected: Vec<_> = steps
                .iter()
                .rev()
                .map(|step| match *step {
                    "a" => "undo a 1",
                    "b" => "undo b 2",
                    "d" => "undo d 40",
                    _ => "undo e 5",
                })
                .collect();
            if done && !fails {
                expected.clear();
            }
            let undone = lines
                .iter()
                .filter(|line| line.starts_with("undo") && !line.ends_with("begins"));
            assert_eq!(
                undone.collect::<Vec<_>>(),
                expected,
                "after {times} polls: {lines:?}"
            );
            let stats = pipeline.stats();
            assert_eq!((stats.running, stats.undoing), (0, 0));
            assert_eq!(stats.undone, expected.len() as u64);
            // And each was begun once, also one that was half way when the run was dropped.
            let begun = lines
                .iter()
                .filter(|line| line.starts_with("undo") && line.ends_with("begins"))
                .count();
            assert_eq!(
                begun,
                expected
                    .iter()
                    .filter(|line| line.contains('b') || line.contains('4'))
                    .count()
            );
            if done {
                break;
            }
            times += 1;
        }
        assert!(times >= 5, "{times}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_step_in_hand_is_dropped_before_anything_is_undone_and_has_no_undo_run() {
    struct InHand(Log);
    impl Drop for InHand {
        fn drop(&mut self) {
            self.0.write("dropped");
        }
    }
    let log = Log::default();
    let (held, undone) = (log.clone(), log.undo("b"));
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step_async("b", move |n: u32| {
            let held = InHand(held.clone());
            async move {
                sleep(secs(60)).await;
                drop(held);
                Ok(n)
            }
        })
        .undo(undone);
    assert!(timeout(secs(1), pipeline.run(0)).await.is_err());
    pipeline.settled().await;
    assert_eq!(log.take(), "a, dropped, undo a 1");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_aborted_with_its_task_is_undone() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo_async(log.slow_undo("a"))
        .step_async("b", log.slow("b"));
    let pipeline = Arc::new(pipeline);
    let running = Arc::clone(&pipeline);
    let task = tokio::spawn(async move { running.run(0).await });
    settle().await;
    assert_eq!(pipeline.stats().running, 1);
    task.abort();
    // It counts until it is really gone, so nobody who waits for the end misses it.
    pipeline.settled().await;
    assert_eq!(log.take(), "a, b begins, undo a 1 begins, undo a 1");
    assert!(task.await.unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_begun_or_has_done_nothing_undoes_nothing() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step_async("a", log.slow("a"))
        .undo(log.undo("a"));
    drop(pipeline.run(0));
    assert!(!polled(pipeline.run(0), 1).await);
    pipeline.settled().await;
    settle().await;
    assert_eq!(log.take(), "a begins");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_done_counts_no_more_although_its_future_is_still_there() {
    let pipeline = Pipeline::<u32, &str>::new().step("a", Ok).undo(|_| ());
    let mut run = std::pin::pin!(pipeline.run(0));
    assert_eq!(pipeline.stats().running, 0);
    assert_eq!(run.as_mut().await, Ok(0));
    assert_eq!(pipeline.stats().running, 0);
    pipeline.settled().await;
}

#[tokio::test(start_paused = true)]
async fn settled_waits_for_runs_and_for_undos_in_the_background() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo_async(|_| sleep(secs(5)))
        .step_async("b", |n| async move {
            sleep(secs(1)).await;
            Ok(n)
        });
    let pipeline = Arc::new(pipeline);
    let running = Arc::clone(&pipeline);
    let begun = Instant::now();
    let task = tokio::spawn(async move { timeout(ms(500), running.run(0)).await.is_err() });
    settle().await;
    let waiters = [(); 3].map(|()| {
        let pipeline = Arc::clone(&pipeline);
        tokio::spawn(async move {
            pipeline.settled().await;
            Instant::now()
        })
    });
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap() - begun, ms(5_500));
    }
    assert!(task.await.unwrap());
    assert_eq!(pipeline.stats().undone, 1);
    // And waiting once more takes no time.
    pipeline.settled().await;
    assert_eq!(begun.elapsed(), ms(5_500));
}

/// Nothing of an attempt, a delay or a limit is left when the run is dropped.
#[tokio::test(start_paused = true)]
async fn dropped_at_each_await_retries_and_limits_leave_nothing_behind() {
    let mut times = 0;
    let mut most = 0;
    loop {
        let live = Arc::new(());
        let held = Arc::clone(&live);
        let pipeline = Pipeline::<u32, TimedOut>::new()
            .step_async("a", move |n| {
                let held = Arc::clone(&held);
                async move {
                    sleep(secs(60)).await;
                    drop(held);
                    Ok(n)
                }
            })
            .timeout(ms(35))
            .retry(RetryConfig {
                backoff: patterns_pipeline::Backoff::constant(ms(20)),
                ..RetryConfig::default()
            })
            .timeout(ms(130));
        let done = polled(pipeline.run(0), times).await;
        most += usize::from(!done);
        assert_eq!(Arc::strong_count(&live), 2, "after {times} polls");
        if done {
            break;
        }
        times += 1;
    }
    assert!(most > 10, "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_the_step_in_hand_goes_no_further_and_what_was_done_is_undone() {
    quiet();
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step_async("b", |n: u32| async move {
            let _bomb = crate::support::DropBomb;
            sleep(secs(60)).await;
            Ok(n)
        });
    assert!(!polled(pipeline.run(0), 2).await);
    pipeline.settled().await;
    assert_eq!(log.take(), "a, undo a 1");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_a_panic_of_its_owner_drops_is_undone() {
    quiet();
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step_async("b", log.slow("b"))
        .on_undone(|_| panic!("as told, in the hook"));
    let pipeline = Arc::new(pipeline);
    let running = Arc::clone(&pipeline);
    let task = tokio::spawn(async move {
        let mut run = std::pin::pin!(running.run(0));
        assert!(timeout(ms(1), run.as_mut()).await.is_err());
        panic!("as told");
    });
    assert!(task.await.unwrap_err().is_panic());
    pipeline.settled().await;
    assert_eq!(log.take(), "a, b begins, undo a 1");
}
