//! Panics of steps, and of everything else that is the user's.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;

use otp_core::contained;
use patterns_pipeline::{Cause, Outcome, Pipeline, RetryConfig};
use testing::{ms, quiet};
use tokio::time::{sleep, timeout};

use crate::support::{DropBomb, Log, blow_up, fail};

#[derive(Debug, PartialEq)]
struct Payload(u32);

#[tokio::test(start_paused = true)]
async fn after_the_undos_a_panic_goes_on_with_what_it_carried() {
    quiet();
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo_async(log.slow_undo("a"))
        .step_async("b", |n| async move {
            sleep(ms(1)).await;
            if n > 0 {
                std::panic::resume_unwind(Box::new(Payload(n)));
            }
            Ok::<u32, &str>(n)
        });
    let panic = contained::catch_future(pipeline.run(6)).await.unwrap_err();
    assert_eq!(panic.into_inner().downcast_ref(), Some(&Payload(7)));
    assert_eq!(log.take(), "a, undo a 7 begins, undo a 7");
}

#[tokio::test]
async fn without_undos_a_panic_just_goes_on() {
    quiet();
    let pipeline = Pipeline::new().step("a", blow_up);
    let panic = contained::catch_future(pipeline.run(0)).await.unwrap_err();
    assert_eq!(&*panic.message(), "as told");
    assert!(catch_unwind(AssertUnwindSafe(|| pipeline.run_sync(0))).is_err());
}

#[tokio::test]
async fn tagged_and_traced_runs_return_a_panic_as_an_error() {
    quiet();
    let pipeline = Pipeline::new().step("a", Ok).step("b", blow_up);
    let error = pipeline.run_tagged(0).await.unwrap_err();
    assert_eq!(error.to_string(), "step `b`: panicked: as told");
    assert!(error.cause.error().is_none());
    let Cause::Panicked(panic) = error.cause else {
        panic!("it did");
    };
    assert_eq!(panic.message(), "as told");
    let resumed = catch_unwind(AssertUnwindSafe(|| -> () { panic.resume() })).unwrap_err();
    assert_eq!(resumed.downcast_ref(), Some(&"as told"));

    let run = pipeline.run_traced(0).await;
    let outcomes: Vec<_> = run
        .trace
        .steps
        .iter()
        .map(|step| (&*step.step, step.outcome))
        .collect();
    assert_eq!(outcomes, [("a", Outcome::Done), ("b", Outcome::Panicked)]);
    assert_eq!(run.result.unwrap_err().step, "b");
}

#[tokio::test]
async fn what_is_no_text_and_panics_when_it_is_dropped_is_an_error_like_any_other() {
    quiet();
    let pipeline = Pipeline::<u32, &str>::new()
        .step("a", |n| if n == 0 { panic_any(DropBomb) } else { Ok(n) })
        .step("b", Ok);
    let error = pipeline.run_tagged(0).await.unwrap_err();
    assert_eq!(error.to_string(), "step `a`: panicked: Box<dyn Any>");
    drop(error);
}

#[tokio::test]
async fn a_step_that_panics_while_it_makes_its_future_has_panicked() {
    quiet();
    let log = Log::default();
    let pipeline = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(log.undo("a"))
        .step_async("b", |n: u32| {
            assert!(n > 5, "as told: {n}");
            async move { Ok(n) }
        });
    let error = pipeline.run_tagged(0).await.unwrap_err();
    assert_eq!(error.to_string(), "step `b`: panicked: as told: 0");
    assert_eq!(log.take(), "undo a 0");
}

#[tokio::test(start_paused = true)]
async fn a_future_that_panics_in_its_drop_when_it_is_ready_has_panicked() {
    quiet();
    struct Ready(DropBomb);
    impl Future for Ready {
        type Output = Result<u32, &'static str>;
        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Self::Output> {
            let _bomb = &self.0;
            std::task::Poll::Ready(Ok(1))
        }
    }
    let log = Log::default();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .step_async("b", |_| Ready(DropBomb))
        .undo(log.undo("b"));
    let error = pipeline.run_tagged(0).await.unwrap_err();
    assert_eq!(error.to_string(), "step `b`: panicked: as told, in a drop");
    assert_eq!(log.take(), "a, undo a 1");
}

/// Panics when it is cloned.
#[derive(Debug)]
struct CloneBomb;

impl Clone for CloneBomb {
    fn clone(&self) -> Self {
        panic!("as told, in a clone")
    }
}

#[tokio::test(start_paused = true)]
async fn an_output_whose_clone_panics_is_a_panic_of_its_step() {
    quiet();
    let log = Log::default();
    let pipeline = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(log.undo("a"))
        .step("b", |_| Ok(CloneBomb))
        .undo(|_| ())
        .step("c", |_| Ok(()));
    let error = pipeline.run_tagged(0).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "step `b`: panicked: as told, in a clone; undo of `b`: its key panicked: as told, in a clone"
    );
    // It was done, and is not undone: nobody is to think so.
    assert!(!error.is_undone());
    assert_eq!(pipeline.stats().undo_failed, 1);
    assert_eq!(log.take(), "undo a 0");

    let retried = Pipeline::<u32, &str>::new()
        .step("a", |_| Ok(CloneBomb))
        .step("b", |_| Ok(7))
        .retry(RetryConfig::default());
    // Two attempts cannot be made; the last one has the input itself.
    let run = retried.run_traced(0).await;
    assert_eq!((run.result.unwrap(), run.trace.steps[1].attempts), (7, 3));
}

#[tokio::test(start_paused = true)]
async fn an_undo_a_key_and_a_hook_that_panic_in_their_drops_end_nothing() {
    quiet();
    let log = Log::default();
    let lines = log.clone();
    let pipeline = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(log.undo("a"))
        .step("b", Ok)
        .undo_with(|_| DropBomb, |_bomb: DropBomb| ())
        .step("c", Ok)
        .undo_with_async(
            |_| DropBomb,
            |bomb: DropBomb| async move {
                sleep(ms(1)).await;
                drop(bomb);
            },
        )
        .step("d", |n| if n == 0 { Err("no") } else { Ok(n) })
        .on_undone(move |undone| {
            lines.write(undone.to_string());
            panic!("as told, in the hook");
        });
    assert_eq!(pipeline.run(0).await, Err("no"));
    assert_eq!(
        log.take(),
        "undo of `c`: panicked: as told, in a drop, undo of `b`: panicked: as told, in a drop, undo a 0, undo of `a`: done"
    );
    // When all goes well the keys are dropped, and nobody hears of it.
    assert_eq!(pipeline.run(1).await, Ok(1));
    assert_eq!(log.take(), "");
}

#[tokio::test]
async fn a_run_that_is_polled_after_its_end_panics() {
    quiet();
    for end in [0, 1] {
        let pipeline = Pipeline::new()
            .step("a", Ok)
            .undo(|_| ())
            .step("b", move |n| if n == 0 { fail(n) } else { Ok(n) });
        let mut run = std::pin::pin!(pipeline.run(end));
        assert_eq!(run.as_mut().await.is_ok(), end == 1);
        let again = catch_unwind(AssertUnwindSafe(|| {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            run.as_mut().poll(&mut cx).is_ready()
        }));
        let message = contained::Payload::from(again.unwrap_err()).message();
        assert_eq!(&*message, "a run was polled after its end");
    }
}

/// The error of an undo, which panics when it is dropped.
#[derive(Debug)]
struct Bad;

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stuck")
    }
}

impl std::error::Error for Bad {}

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("as told, in the drop of an undo's error");
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_an_undo_may_panic_when_it_is_dropped() {
    quiet();
    let fails = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(|_| Err::<(), _>(Bad))
        .step("b", |_| Err::<(), _>("no"));
    assert_eq!(fails.run(1).await, Err("no"));
    assert_eq!(fails.run_sync(1), Err("no"));

    let panics = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(|_| Err::<(), _>(Bad))
        .step("b", |_| -> Result<(), &str> { panic!("as told") });
    let run = tokio::spawn(async move { panics.run(1).await });
    let panic = run.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"as told"));

    let dropped = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(|_| Err::<(), _>(Bad))
        .step_async("b", |_| std::future::pending::<Result<(), _>>());
    assert!(timeout(ms(5), dropped.run(1)).await.is_err());
    dropped.settled().await;
    assert_eq!(
        (dropped.stats().undo_failed, dropped.stats().undoing),
        (1, 0)
    );
}

#[test]
fn so_it_may_where_no_runtime_can_go_on_with_the_undos() {
    quiet();
    let pipeline = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo_async(|_| std::future::pending::<()>())
        .step("b", Ok)
        .undo(|_| Err::<(), _>(Bad))
        .step("c", |_| Err::<(), _>("no"));
    let mut run = Box::pin(pipeline.run(1));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    drop(run);
    assert_eq!(
        (pipeline.stats().undo_failed, pipeline.stats().not_undone),
        (1, 1)
    );
}

/// Panics when the second of its clones is dropped.
#[derive(Debug, Clone, Default)]
struct SecondDrop(Arc<std::sync::atomic::AtomicUsize>);

impl Drop for SecondDrop {
    fn drop(&mut self) {
        if self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 {
            panic!("as told, in the drop of an input");
        }
    }
}

#[tokio::test]
async fn the_drop_of_what_a_retry_had_kept_is_no_failure_of_any_step() {
    quiet();
    let pipeline = Pipeline::<SecondDrop, &str>::new()
        .step("a", |input: SecondDrop| {
            drop(input);
            Ok(1)
        })
        .retry(RetryConfig::default());
    let run = pipeline.run_traced(SecondDrop::default()).await;
    assert_eq!(run.result.unwrap(), 1);
    assert_eq!(run.trace.steps.len(), 1);
}
