//! Steps one after the other: what comes out, and what ends a run.

use std::mem::size_of_val;
use std::sync::Arc;

use patterns_pipeline::{Cause, Outcome, Pipeline};
use testing::{ms, secs};
use tokio::time::sleep;

use crate::support::{Log, fail};

#[tokio::test]
async fn an_empty_pipeline_returns_its_input() {
    let pipeline = Pipeline::<_, ()>::new();
    assert_eq!(pipeline.run(7).await, Ok(7));
    assert_eq!(pipeline.run_tagged(7).await.unwrap(), 7);
    assert_eq!(pipeline.run_sync(7), Ok(7));
    let run = pipeline.run_traced(7).await;
    assert_eq!((run.result.unwrap(), run.trace.steps.len()), (7, 0));
    assert_eq!(Pipeline::<u8, ()>::default().boxed().run(7).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn each_step_gets_the_output_of_the_one_before_whatever_its_type() {
    let pipeline = Pipeline::<&str, String>::new()
        .step("split", |text| {
            Ok(text.split(',').map(str::to_owned).collect::<Vec<_>>())
        })
        .step_async("parse", |words| async move {
            sleep(secs(1)).await;
            let numbers = words.iter().map(|word| word.parse::<u64>());
            numbers
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| error.to_string())
        })
        .step("add", |numbers| Ok(numbers.iter().sum::<u64>()))
        .step_async("show", |sum| async move { Ok(Some(sum.to_string())) });
    assert_eq!(pipeline.run("1,2,39").await, Ok(Some("42".into())));
    assert_eq!(
        pipeline.run("1,b").await,
        Err("invalid digit found in string".into())
    );
}

#[tokio::test]
async fn the_first_error_ends_the_run_and_is_returned_as_it_is() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .step("b", fail)
        .step("c", log.step("c"))
        .step_async("d", log.slow("d"));
    assert_eq!(pipeline.run(1).await, Err("no"));
    assert_eq!(log.take(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_tagged_run_names_the_step_that_failed_wherever_it_is() {
    let log = Log::default();
    for failing in 0..4_usize {
        let step = |at: usize| move |n: u32| if at == failing { Err("no") } else { Ok(n) };
        let later = move |n: u32| async move {
            sleep(ms(1)).await;
            if failing == 3 { Err("no") } else { Ok(n) }
        };
        let pipeline = Pipeline::new()
            .step("zero", step(0))
            .step(String::from("one"), step(1))
            .then(Pipeline::new().step("two", step(2)).boxed())
            .step_async("three", later)
            .step("after", log.step("after"));
        let error = pipeline.run_tagged(1).await.unwrap_err();
        assert_eq!(error.step, ["zero", "one", "two", "three"][failing]);
        assert!(matches!(error.cause, Cause::Failed("no")));
        assert!(error.undone.is_empty() && error.is_undone());
    }
    assert_eq!(log.take(), "");
}

#[tokio::test(start_paused = true)]
async fn a_trace_has_each_step_that_was_begun_and_how_long_it_took() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step_async("a", log.slow("a"))
        .step("b", log.step("b"))
        .step_async("c", |_| async {
            sleep(ms(20)).await;
            Err::<u32, _>("no")
        })
        .step("d", log.step("d"));
    let run = pipeline.run_traced(1).await;
    assert_eq!(run.result.unwrap_err().to_string(), "step `c`: no");
    let steps = run.trace.steps.iter();
    let steps: Vec<_> = steps
        .map(|step| (&*step.step, step.outcome, step.attempts, step.took))
        .collect();
    assert_eq!(
        steps,
        [
            ("a", Outcome::Done, 1, ms(10)),
            ("b", Outcome::Done, 1, ms(0)),
            ("c", Outcome::Failed, 1, ms(20)),
        ]
    );
}

#[tokio::test]
async fn a_pipeline_runs_many_times_and_from_many_tasks() {
    let pipeline = Pipeline::<u32, &str>::new()
        .step("add", |n| Ok(n + 1))
        .step_async("wait", |n| async move {
            tokio::task::yield_now().await;
            Ok(n * 2)
        });
    let pipeline = Arc::new(pipeline);
    let tasks = (0..50).map(|n| {
        let pipeline = Arc::clone(&pipeline);
        tokio::spawn(async move { pipeline.run(n).await })
    });
    for (n, task) in (0..).zip(tasks.collect::<Vec<_>>()) {
        assert_eq!(task.await.unwrap(), Ok((n + 1) * 2));
    }
}

#[test]
fn sync_steps_run_without_a_runtime() {
    let pipeline = Pipeline::<u32, &str>::new()
        .step("add", |n| Ok(n + 1))
        .then(Pipeline::new().step("check", |n| if n < 10 { Ok(n) } else { Err("large") }));
    assert_eq!(pipeline.run_sync(1), Ok(2));
    assert_eq!(pipeline.run_sync(9), Err("large"));
    assert_eq!(pipeline.run_tagged_sync(9).unwrap_err().step, "check");
    assert_eq!(pipeline.run_traced_sync(9).trace.steps.len(), 2);
}

#[test]
fn steps_may_borrow() {
    let words = [String::from("one"), String::from("two")];
    let longest = Pipeline::<usize, String>::new()
        .step("look up", |at: usize| {
            words.get(at).ok_or(format!("no word {at}"))
        })
        .step("measure", |word| Ok(word.len()));
    assert_eq!(longest.run_sync(1), Ok(3));
    assert_eq!(longest.run_sync(2), Err("no word 2".into()));
}

#[test]
fn a_static_pipeline_can_be_cloned_if_its_steps_can() {
    let log = Log::default();
    let pipeline = Pipeline::new().step("a", log.step("a"));
    let other = pipeline.clone().step("b", log.step("b"));
    assert_eq!((pipeline.run_sync(0), other.run_sync(0)), (Ok(1), Ok(2)));
    assert_eq!(log.take(), "a, a, b");
}

#[test]
fn a_run_grows_by_little_with_each_step_and_not_with_what_the_steps_hold() {
    async fn pass(big: [u64; 64]) -> Result<[u64; 64], ()> {
        tokio::task::yield_now().await;
        Ok(big)
    }
    async fn chain(big: [u64; 64]) -> Result<[u64; 64], ()> {
        let big = pass(pass(big).await?).await?;
        pass(pass(pass(pass(big).await?).await?).await?).await
    }
    let one = Pipeline::<[u64; 64], ()>::new().step_async("1", pass);
    let smallest = size_of_val(&one.run([0; 64]));
    let six = one
        .step_async("2", pass)
        .step_async("3", pass)
        .step_async("4", pass)
        .step_async("5", pass)
        .step_async("6", pass);
    let size = size_of_val(&six.run([0; 64]));
    assert!(size < smallest + 5 * 64, "{size} after {smallest}");
    let by_hand = size_of_val(&chain([0; 64]));
    assert!(size < by_hand, "{size}, by hand {by_hand}");
}

#[test]
fn runs_are_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let log = Log::default();
    let pipeline = send(
        Pipeline::new()
            .step_async("a", log.slow("a"))
            .undo_async(log.slow_undo("a")),
    );
    drop(send(pipeline.run(1)));
    drop(send(pipeline.run_tagged(1)));
    drop(send(pipeline.run_traced(1)));
    let pipeline = send(pipeline.boxed());
    drop(send(pipeline.run(1)));
    assert_eq!(log.take(), "");
}

#[test]
fn a_pipeline_prints_its_steps() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .step_async("b", log.slow("b"));
    assert!(
        format!("{pipeline:?}").contains("Start → a → b"),
        "{pipeline:?}"
    );
    let pipeline = pipeline.then(Pipeline::new().step("c", log.step("c")).boxed());
    assert!(
        format!("{pipeline:?}").contains("Start → a → b → (Boxed)"),
        "{pipeline:?}"
    );
}
