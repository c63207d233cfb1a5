//! Steps that may take only so long.

use std::time::Duration;

use patterns_pipeline::{Cause, Outcome, Pipeline, TimedOut};
use testing::{ms, quiet, secs};
use tokio::time::{Instant, sleep};

#[derive(Debug, PartialEq)]
enum OrderError {
    Late(Duration),
    Other,
}

impl From<TimedOut> for OrderError {
    fn from(late: TimedOut) -> Self {
        Self::Late(late.after())
    }
}

async fn taking(time: Duration, limit: Duration) -> Result<u32, OrderError> {
    let pipeline = Pipeline::new()
        .step_async("a", move |n| async move {
            if !time.is_zero() {
                sleep(time).await;
            }
            Ok(n)
        })
        .timeout(limit);
    pipeline.run(7).await
}

#[tokio::test(start_paused = true)]
async fn a_late_step_ends_the_run_with_the_pipeline_s_own_error() {
    let begun = Instant::now();
    assert_eq!(
        taking(secs(60), secs(2)).await,
        Err(OrderError::Late(secs(2)))
    );
    assert_eq!(begun.elapsed(), secs(2));
    assert_eq!(taking(secs(1), secs(2)).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn zero_is_one_look_and_the_largest_time_is_no_limit() {
    assert_eq!(taking(ms(0), ms(0)).await, Ok(7));
    assert_eq!(taking(ms(1), ms(0)).await, Err(OrderError::Late(ms(0))));
    assert_eq!(taking(secs(3_600_000), Duration::MAX).await, Ok(7));
    assert_eq!(taking(secs(3_600), Duration::MAX - ms(1)).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_there_when_the_time_is_over_counts() {
    assert_eq!(taking(secs(2), secs(2)).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_told_apart_from_an_error_of_the_step() {
    let pipeline = Pipeline::<Duration, OrderError>::new()
        .step_async("a", |time| async move {
            sleep(time).await;
            Err::<u32, _>(OrderError::Other)
        })
        .timeout(secs(1));
    let error = pipeline.run_tagged(secs(9)).await.unwrap_err();
    assert!(error.is_timeout() && error.cause.is_timeout());
    assert!(
        matches!(error.cause, Cause::Timeout { after, error: OrderError::Late(_) } if after == secs(1))
    );
    let error = pipeline.run_tagged(ms(9)).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Failed(OrderError::Other)));
    assert!(!error.is_timeout());
    let run = pipeline.run_traced(secs(9)).await;
    assert_eq!(run.trace.steps[0].outcome, Outcome::Timeout);
    assert_eq!(run.trace.steps[0].took, secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_limit_counts_for_its_own_step_only() {
    let wait = |n: u32| async move {
        sleep(ms(900)).await;
        Ok::<_, OrderError>(n)
    };
    let pipeline = Pipeline::new()
        .step_async("a", wait)
        .step_async("b", wait)
        .timeout(secs(1))
        .step_async("c", wait);
    assert_eq!(pipeline.run(1).await, Ok(1));
}

/// A step that never lets its task's budget rest would otherwise keep the clock from being read.
#[tokio::test]
async fn work_that_uses_up_its_task_s_budget_is_late_all_the_same() {
    let pipeline = Pipeline::<u32, OrderError>::new()
        .step_async("a", |_| async {
            loop {
                tokio::task::consume_budget().await;
            }
            #[expect(unreachable_code, reason = "it says what the future returns")]
            Ok(())
        })
        .timeout(ms(5));
    assert_eq!(pipeline.run(1).await, Err(OrderError::Late(ms(5))));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_late_work_is_a_panic_of_the_step() {
    quiet();
    let pipeline = Pipeline::<u32, OrderError>::new()
        .step_async("a", |n| async move {
            let _bomb = crate::support::DropBomb;
            sleep(secs(60)).await;
            Ok(n)
        })
        .timeout(secs(1));
    let error = pipeline.run_tagged(1).await.unwrap_err();
    assert!(
        matches!(error.cause, Cause::Panicked(panic) if panic.message() == "as told, in a drop")
    );
}
