//! `pipeline`.

use std::time::Duration;

use patterns_task::{Failure, PipelineError, TaskError, pipeline};
use testing::{ms, quiet, secs, settle};

use crate::support::{Live, panicked, timed, timeout};

#[tokio::test]
async fn each_step_has_the_result_of_the_one_before_and_types_may_change() {
    let steps = pipeline(secs(5), || async { Ok::<_, &str>("12 34") })
        .then(|text| async move { Ok(text.split(' ').collect::<Vec<_>>()) })
        .then(|words| async move {
            Ok(words
                .iter()
                .filter_map(|word| word.parse::<u32>().ok())
                .sum::<u32>())
        });
    assert_eq!(steps.steps(), 3);
    assert_eq!(steps.await, Ok(46));
}

#[tokio::test]
async fn a_panic_is_an_error_that_names_its_step() {
    quiet();
    let steps =
        pipeline(secs(5), || async { Ok::<_, &str>(1) }).then(|_| async { panic!("as told") });
    let failure = Failure::Task(panicked("as told"));
    assert_eq!(
        steps.await,
        Err::<(), _>(PipelineError { step: 1, failure })
    );
    let steps = pipeline(secs(5), || {
        assert!(std::hint::black_box(false), "as told");
        async { Ok::<_, &str>(1) }
    });
    let failure = Failure::Task(panicked("as told"));
    assert_eq!(steps.await, Err(PipelineError { step: 0, failure }));
}

#[tokio::test(start_paused = true)]
async fn the_time_is_each_steps_own() {
    let live = Live::default();
    let (one, two, three) = (live.clone(), live.clone(), live.clone());
    let steps = pipeline(secs(5), move || one.good(secs(4), 1))
        .then(move |n| two.good(secs(4), n + 1))
        .step_timeout(secs(2))
        .then(move |n| three.good(secs(4), n + 1));
    let (outcome, time) = timed(steps).await;
    assert_eq!(
        (outcome, time),
        (
            Err(PipelineError {
                step: 2,
                failure: timeout()
            }),
            secs(10)
        )
    );
    assert_eq!((live.ever(), live.most()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_begins_no_step_and_no_limit_is_none() {
    let live = Live::default();
    let outcome = pipeline(Duration::ZERO, || live.good(ms(1), 1)).await;
    let failure = Failure::Task(TaskError::NotStarted);
    assert_eq!(
        (outcome, live.ever()),
        (Err(PipelineError { step: 0, failure }), 0)
    );
    assert_eq!(
        pipeline(Duration::MAX, || live.good(secs(86_400), 1)).await,
        Ok(1)
    );
}

#[tokio::test]
async fn nothing_runs_before_it_is_awaited() {
    let live = Live::default();
    let work = live.clone();
    drop(pipeline(secs(5), move || work.good(ms(1), 1)));
    settle().await;
    assert_eq!(live.ever(), 0);
}
