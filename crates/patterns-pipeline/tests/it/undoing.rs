//! Undos: which are run, on what, in which order, and who is told.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use otp_core::contained;
use patterns_pipeline::{Pipeline, PipelineStats, TimedOut, UndoOutcome};
use testing::{ms, quiet, secs, settle};
use tokio::time::sleep;

use crate::support::{Log, blow_up, fail};

#[tokio::test(start_paused = true)]
async fn what_was_done_is_undone_in_reverse_order_each_with_its_own_output() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step_async("b", log.slow("b"))
        .undo_async(log.slow_undo("b"))
        .step("c", log.step("c"))
        .step("d", log.step("d"))
        .undo(log.undo("d"))
        .step("e", fail)
        .undo(log.undo("e"));
    assert_eq!(pipeline.run(0).await, Err("no"));
    assert_eq!(
        log.take(),
        "a, b begins, b, c, d, undo d 4, undo b 2 begins, undo b 2, undo a 1"
    );
    let error = pipeline.run_tagged(0).await.unwrap_err();
    let undone = error.undone.iter();
    let undone: Vec<_> = undone.map(|undone| (&*undone.step, undone.took)).collect();
    assert_eq!(undone, [("d", ms(0)), ("b", ms(10)), ("a", ms(0))]);
    assert!(error.is_undone());
    let traced = pipeline.run_traced(0).await.trace;
    assert_eq!(traced.undone.len(), 3);
    assert_eq!(pipeline.stats().undone, 9);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_undone_when_the_run_succeeds() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step_async("b", log.slow("b"))
        .undo_async(log.slow_undo("b"));
    assert_eq!(pipeline.run(0).await, Ok(2));
    let run = pipeline.run_traced(0).await;
    assert!(run.result.is_ok() && run.trace.undone.is_empty());
    sleep(secs(60)).await;
    assert_eq!(log.take(), "a, b begins, b, a, b begins, b");
    assert_eq!(pipeline.stats(), PipelineStats::default());
}

#[tokio::test(start_paused = true)]
async fn a_step_that_panics_or_is_late_has_what_was_before_it_undone() {
    quiet();
    let log = Log::default();
    let panics = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step("b", blow_up)
        .undo(log.undo("b"));
    assert!(panics.run_tagged(0).await.is_err());
    assert_eq!(log.take(), "a, undo a 1");

    let undo = log.undo("a");
    let late = Pipeline::<u32, TimedOut>::new()
        .step("a", |n| Ok(n + 1))
        .undo(undo)
        .step_async("b", |_| std::future::pending::<Result<u32, TimedOut>>())
        .undo(log.undo("b"))
        .timeout(secs(1));
    assert_eq!(late.run(0).await.unwrap_err().after(), secs(1));
    assert_eq!(log.take(), "undo a 1");
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_or_panics_is_told_of_and_the_rest_still_run() {
    quiet();
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step("b", log.step("b"))
        .undo(|_| Err::<(), _>(io::Error::other("stuck")))
        .step("c", log.step("c"))
        .undo(|_| assert!(false_at_all(), "as told"))
        .step("d", log.step("d"))
        .undo_async(|_| async {
            sleep(ms(1)).await;
            Err("gone")
        })
        .step("e", log.step("e"))
        .undo_async(|_| async {
            sleep(ms(1)).await;
            assert!(false_at_all(), "as told, later");
        })
        .step("f", fail);
    let error = pipeline.run_tagged(0).await.unwrap_err();
    let undone = error.undone.iter().map(ToString::to_string);
    assert_eq!(
        undone.collect::<Vec<_>>(),
        [
            "undo of `e`: panicked: as told, later",
            "undo of `d`: gone",
            "undo of `c`: panicked: as told",
            "undo of `b`: stuck",
            "undo of `a`: done",
        ]
    );
    assert!(!error.is_undone());
    assert!(
        matches!(&error.undone[3].outcome, UndoOutcome::Failed(error) if error.is::<io::Error>())
    );
    assert_eq!(log.take(), "a, b, c, d, e, undo a 1");
    let stats = pipeline.stats();
    assert_eq!(
        (stats.undone, stats.undo_failed, stats.not_undone),
        (1, 4, 0)
    );
    assert_eq!((stats.running, stats.undoing), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_undo_can_take_what_it_needs_out_of_an_output_that_cannot_be_cloned() {
    struct Connection {
        id: u32,
    }
    let log = Log::default();
    let pipeline = Pipeline::<u32, &str>::new()
        .step("one", |id| Ok(Connection { id }))
        .undo_with(|connection| connection.id, log.undo("one"))
        .step_async(
            "two",
            |one| async move { Ok(Connection { id: one.id * 10 }) },
        )
        .undo_with_async(
            |connection: &Connection| connection.id,
            log.slow_undo("two"),
        )
        .step("three", |two| fail(two.id));
    assert_eq!(pipeline.run(4).await, Err("no"));
    assert_eq!(log.take(), "undo two 40 begins, undo two 40, undo one 4");
}

#[tokio::test]
async fn a_step_with_two_undos_has_the_later_one_run_first() {
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("first"))
        .undo(log.undo("second"))
        .step("b", fail);
    assert_eq!(pipeline.run(0).await, Err("no"));
    assert_eq!(log.take(), "a, undo second 1, undo first 1");
}

#[tokio::test]
async fn the_hook_hears_of_each_undo_and_may_use_the_pipeline() {
    let log = Log::default();
    let lines = log.clone();
    let inner = Arc::new(
        Pipeline::new()
            .step("a", |n: u32| Ok(n))
            .undo(|_| ())
            .step("b", fail),
    );
    let again = Arc::clone(&inner);
    let calls = AtomicU32::new(0);
    let outer = Pipeline::new()
        .step("c", |n: u32| Ok(n))
        .undo(|_| "stuck".parse::<u32>().map(drop))
        .then(inner.boxed_clone())
        .on_undone(move |undone| {
            lines.write(undone.to_string());
            calls.fetch_add(1, Ordering::Relaxed);
            assert_eq!(again.run_sync(1), Err("no"));
        });
    assert_eq!(outer.run(1).await, Err("no"));
    assert_eq!(
        log.take(),
        "undo of `a`: done, undo of `c`: invalid digit found in string"
    );
    assert_eq!((outer.stats().undone, outer.stats().undo_failed), (1, 1));
    // Two calls of the hook, which ran the other one.
    assert_eq!(inner.stats().undone, 2);
}

/// What a test needs to have a pipeline twice.
trait BoxedClone {
    fn boxed_clone(&self) -> patterns_pipeline::BoxPipeline<u32, u32, &'static str>;
}

impl<C> BoxedClone for Pipeline<u32, &'static str, C>
where
    C: patterns_pipeline::Chain<In = u32, Out = u32, Error = &'static str> + Clone + 'static,
{
    fn boxed_clone(&self) -> patterns_pipeline::BoxPipeline<u32, u32, &'static str> {
        self.clone().boxed()
    }
}

#[test]
fn sync_undos_run_without_a_runtime() {
    quiet();
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step("b", log.step("b"))
        .undo_with(|n| n * 100, log.undo("b"))
        .step("c", |n| if n == 2 { Err("no") } else { Ok(n) })
        .step("d", |n| if n == 3 { blow_up(n) } else { Ok(n) });
    assert_eq!(pipeline.run_sync(0), Err("no"));
    assert_eq!(log.take(), "a, b, undo b 200, undo a 1");
    assert_eq!(pipeline.run_sync(9), Ok(11));
    assert_eq!(log.take(), "a, b");
    assert_eq!(pipeline.run_tagged_sync(0).unwrap_err().undone.len(), 2);
    assert_eq!(log.take(), "a, b, undo b 200, undo a 1");
    let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pipeline.run_sync(1)));
    assert_eq!(run.unwrap_err().downcast_ref(), Some(&"as told"));
    assert_eq!(log.take(), "a, b, undo b 300, undo a 2");
}

#[tokio::test(start_paused = true)]
async fn undos_of_joined_and_nested_pipelines_are_one_row() {
    let log = Log::default();
    let inner = Pipeline::new()
        .step("b", log.step("b"))
        .undo(log.undo("b"))
        .step_async("c", log.slow("c"))
        .undo(log.undo("c"));
    let inner = inner.boxed();
    let one_more = Pipeline::new()
        .step("d", log.step("d"))
        .undo(log.undo("d"))
        .boxed();
    let list = [inner, one_more].into_iter().collect();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .then(list)
        .step("e", log.step("e"))
        .undo(log.undo("e"))
        .step("f", fail);
    let error = pipeline.run_tagged(0).await.unwrap_err();
    let names: Vec<_> = error.undone.iter().map(|undone| &*undone.step).collect();
    assert_eq!(names, ["e", "d", "c", "b", "a"]);
    assert_eq!(
        log.take(),
        "a, b, c begins, c, d, e, undo e 5, undo d 4, undo c 3, undo b 2, undo a 1"
    );
}

/// What the compiler does not know to be so.
fn false_at_all() -> bool {
    std::hint::black_box(false)
}

#[tokio::test(start_paused = true)]
async fn undos_that_all_come_with_a_joined_pipeline_are_undos_of_the_whole() {
    quiet();
    let log = Log::default();
    let with_undo = Pipeline::new().step("b", log.step("b")).undo(log.undo("b"));
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .then(with_undo)
        .step_async("c", |n| async move {
            sleep(secs(1)).await;
            if n > 5 { blow_up(n) } else { Ok(n) }
        });
    assert_eq!(pipeline.run(0).await, Ok(2));
    settle().await;
    assert_eq!(log.take(), "a, b");
    let panic = contained::catch_future(pipeline.run(9)).await.unwrap_err();
    assert_eq!(&*panic.message(), "as told");
    assert_eq!(log.take(), "a, b, undo b 11");
    assert!(tokio::time::timeout(ms(1), pipeline.run(0)).await.is_err());
    pipeline.settled().await;
    assert_eq!(log.take(), "a, b, undo b 2");
    assert_eq!(pipeline.stats().undone, 2);
}
