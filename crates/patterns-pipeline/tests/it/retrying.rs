//! Steps that are tried again.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use patterns_pipeline::{Backoff, Cause, Pipeline, RetryConfig, TimedOut};
use testing::{ms, quiet, secs};
use tokio::time::{Instant, sleep};

use crate::support::Log;

fn config(max_attempts: u32, backoff: Backoff) -> RetryConfig {
    RetryConfig {
        max_attempts: NonZeroU32::new(max_attempts).unwrap(),
        backoff,
    }
}

/// A step that fails so often, then succeeds.
fn after(failures: u32) -> impl Fn(u32) -> Result<u32, &'static str> + Clone {
    let calls = Arc::new(AtomicU32::new(0));
    move |n| match calls.fetch_add(1, Ordering::SeqCst) {
        call if call < failures => Err("busy"),
        call => Ok(n + call),
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_is_tried_until_it_succeeds_with_a_delay_that_grows() {
    let backoff = Backoff::exponential(ms(100), secs(1));
    let pipeline = Pipeline::new()
        .step("a", after(5))
        .retry(config(9, backoff));
    let begun = Instant::now();
    let run = pipeline.run_traced(10).await;
    assert_eq!(run.result.unwrap(), 15);
    assert_eq!(begun.elapsed(), ms(100 + 200 + 400 + 800 + 1000));
    let step = &run.trace.steps[0];
    assert_eq!((step.attempts, step.took), (6, begun.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn when_all_attempts_have_failed_the_last_error_is_the_run_s() {
    let calls = AtomicU32::new(0);
    let pipeline = Pipeline::<u32, u32>::new()
        .step("a", |_| Err::<u32, _>(calls.fetch_add(1, Ordering::SeqCst)))
        .retry(RetryConfig::default());
    let run = pipeline.run_traced(0).await;
    assert_eq!(run.result.unwrap_err().cause.error(), Some(&2));
    assert_eq!(run.trace.steps[0].attempts, 3);
}

#[tokio::test]
async fn one_attempt_is_no_retry_and_needs_no_timer() {
    let pipeline = Pipeline::new()
        .step("a", after(1))
        .retry(config(1, Backoff::constant(secs(9))));
    assert_eq!(pipeline.run(0).await, Err("busy"));
    assert_eq!(pipeline.run(0).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_late_attempt_are_failures_too() {
    quiet();
    let calls = Arc::new(AtomicU32::new(0));
    let pipeline = Pipeline::<u32, TimedOut>::new()
        .step_async("a", move |n| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            async move {
                match call {
                    0 => panic!("as told"),
                    1 => sleep(secs(60)).await,
                    _ => sleep(ms(5)).await,
                }
                Ok(n + call)
            }
        })
        .timeout(ms(10))
        .retry(config(3, Backoff::constant(ms(100))));
    let begun = Instant::now();
    assert_eq!(pipeline.run(0).await, Ok(2));
    assert_eq!(begun.elapsed(), ms(100 + 10 + 100 + 5));
}

#[tokio::test(start_paused = true)]
async fn the_outermost_modifier_is_the_last_one() {
    let hang = |_: u32| async {
        sleep(secs(60)).await;
        Ok::<u32, TimedOut>(0)
    };
    let retry = config(3, Backoff::constant(ms(100)));
    let begun = Instant::now();
    let each = Pipeline::new()
        .step_async("a", hang)
        .timeout(secs(1))
        .retry(retry.clone());
    assert_eq!(each.run(0).await.unwrap_err().after(), secs(1));
    assert_eq!(begun.elapsed(), ms(3_200));

    let begun = Instant::now();
    let all = Pipeline::new()
        .step_async("a", hang)
        .timeout(secs(1))
        .retry(retry.clone())
        .timeout(ms(2_500));
    let run = all.run_traced(0).await;
    assert_eq!(begun.elapsed(), ms(2_500));
    assert_eq!(run.trace.steps[0].attempts, 3);
    assert_eq!(
        run.result.unwrap_err().cause.error().unwrap().after(),
        ms(2_500)
    );

    let begun = Instant::now();
    let twice = Pipeline::new()
        .step_async("a", hang)
        .timeout(secs(1))
        .retry(retry.clone())
        .retry(retry);
    assert_eq!(twice.run_traced(0).await.trace.steps[0].attempts, 9);
    assert_eq!(begun.elapsed(), secs(9) + ms(800));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_worth_it_is_not_tried_again() {
    quiet();
    let asked = Log::default();
    let log = asked.clone();
    let pipeline = Pipeline::new()
        .step("a", |n: u32| match n {
            0 => Err::<u32, _>("bad input"),
            1 => panic!("as told"),
            _ => Err("busy"),
        })
        .retry_if(RetryConfig::default(), move |cause| {
            log.write(cause.to_string());
            matches!(cause, Cause::Failed("busy"))
        });
    assert_eq!(pipeline.run(0).await, Err("bad input"));
    assert!(pipeline.run_tagged(1).await.is_err());
    assert_eq!(pipeline.run(2).await, Err("busy"));
    // After the last attempt nobody is asked.
    assert_eq!(asked.take(), "bad input, panicked: as told, busy, busy");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_question_is_the_step_s() {
    quiet();
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step("b", after(9))
        .retry_if(RetryConfig::default(), |_| panic!("as told"));
    let error = pipeline.run_tagged(0).await.unwrap_err();
    assert_eq!(error.to_string(), "step `b`: panicked: as told");
    assert_eq!(log.take(), "a, undo a 1");
}

#[tokio::test]
async fn attempts_without_delay_let_others_run() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let pipeline = Pipeline::new()
        .step("a", move |_: u32| {
            counted.fetch_add(1, Ordering::SeqCst);
            Err::<u32, _>("busy")
        })
        .retry(config(u32::MAX, Backoff::constant(ms(0))));
    let task = tokio::spawn(async move { pipeline.run(0).await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    // That this line is reached shows it: an attempt after the other without a pause would go on for ever.
    assert!(calls.load(Ordering::SeqCst) > 1);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn only_the_attempt_that_succeeds_is_undone() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", after(2))
        .undo(log.undo("inside"))
        .retry(RetryConfig::default())
        .undo(log.undo("outside"))
        .step("b", |_| Err::<u32, _>("no"));
    assert_eq!(pipeline.run(0).await, Err("no"));
    assert_eq!(log.take(), "undo outside 2, undo inside 2");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_gone_before_the_next_one_begins() {
    let log = Log::default();
    struct Held(Log);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.write("gone");
        }
    }
    let lines = log.clone();
    let pipeline = Pipeline::<u32, TimedOut>::new()
        .step_async("a", move |_| {
            lines.write("begun");
            let held = Held(lines.clone());
            async move {
                sleep(secs(60)).await;
                drop(held);
                Ok(0)
            }
        })
        .timeout(ms(10))
        .retry(RetryConfig::default());
    assert!(pipeline.run(0).await.is_err());
    assert_eq!(log.take(), "begun, gone, begun, gone, begun, gone");
}
