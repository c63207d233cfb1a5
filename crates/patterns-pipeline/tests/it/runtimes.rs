//! Undos when the runtime is another one, or gone, or was never there.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};
use std::thread;

use patterns_pipeline::{BoxPipeline, Pipeline};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::support::Log;

type Run = Pin<Box<dyn Future<Output = Result<u32, &'static str>> + Send>>;

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
}

/// A pipeline that has done two things with undos when it waits for ever; what becomes of them is logged.
fn waiting(log: &Log) -> BoxPipeline<u32, u32, &'static str> {
    let lines = log.clone();
    Pipeline::new()
        .step("a", Ok)
        .undo(|_| ())
        .step("b", Ok)
        .undo_async(|_| tokio::task::yield_now())
        .step_async("c", |_| pending())
        .on_undone(move |undone| lines.write(undone.to_string()))
        .boxed()
}

fn run(pipeline: &BoxPipeline<u32, u32, &'static str>) -> Run {
    let pipeline = pipeline.clone();
    Box::pin(async move { pipeline.run(0).await })
}

fn poll(run: &mut Run) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
}

const DONE: &str = "undo of `b`: done, undo of `a`: done";
const NOT_RUN: &str = "undo of `b`: not run, there is no runtime for it, undo of `a`: not run, there is no runtime for it";

#[test]
fn without_a_runtime_a_run_that_is_dropped_says_that_it_is_not_undone() {
    let log = Log::default();
    let pipeline = waiting(&log);
    let mut run = run(&pipeline);
    poll(&mut run);
    drop(run);
    assert_eq!(log.take(), NOT_RUN);
    let stats = pipeline.stats();
    assert_eq!((stats.undone, stats.not_undone), (0, 2));
    assert_eq!((stats.running, stats.undoing), (0, 0));
}

#[test]
fn without_a_runtime_a_run_that_fails_is_undone_as_ever() {
    let log = Log::default();
    let undone = log.clone();
    let pipeline = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo_async(move |n| {
            let undone = undone.clone();
            async move { undone.write(format!("undo {n}")) }
        })
        .step("b", |_| Err::<u32, _>("no"));
    let mut run = std::pin::pin!(pipeline.run(3));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(
        run.as_mut().poll(&mut cx),
        std::task::Poll::Ready(Err("no"))
    );
    assert_eq!(log.take(), "undo 3");
}

#[test]
fn a_run_that_is_dropped_elsewhere_is_undone_on_the_runtime_it_was_on() {
    for runtime in [current_thread(), multi_thread()] {
        let log = Log::default();
        let pipeline = waiting(&log);
        let mut run = run(&pipeline);
        {
            let _entered = runtime.enter();
            poll(&mut run);
        }
        thread::spawn(move || drop(run)).join().unwrap();
        runtime.block_on(pipeline.settled());
        assert_eq!(log.take(), DONE);
    }
}

#[test]
fn when_the_runtime_is_gone_the_undos_that_could_not_run_are_told_of() {
    for runtime in [current_thread(), multi_thread()] {
        let log = Log::default();
        let pipeline = waiting(&log);
        let mut run = run(&pipeline);
        {
            let _entered = runtime.enter();
            poll(&mut run);
        }
        drop(runtime);
        drop(run);
        assert_eq!(log.take(), NOT_RUN);
        assert_eq!(pipeline.stats().undoing, 0);
    }
}

#[test]
fn a_runtime_that_is_shut_down_under_a_run_has_its_undos_told_of() {
    for runtime in [current_thread(), multi_thread()] {
        let log = Log::default();
        let pipeline = waiting(&log);
        let run = run(&pipeline);
        let (begun, wait) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let told = Arc::clone(&begun);
        runtime.spawn(async move {
            let mut run = run;
            tokio::select! {
                biased;
                _ = &mut run => {}
                () = async { told.notify_one(); wait.notified().await } => {}
            }
        });
        runtime.block_on(begun.notified());
        drop(runtime);
        assert_eq!(log.take(), NOT_RUN);
        let stats = pipeline.stats();
        assert_eq!((stats.not_undone, stats.running, stats.undoing), (2, 0, 0));
    }
}

#[test]
fn an_undo_that_the_end_of_its_runtime_cuts_off_is_told_of_as_unfinished() {
    for runtime in [current_thread(), multi_thread()] {
        let log = Log::default();
        let lines = log.clone();
        let begun = Arc::new(Notify::new());
        let told = Arc::clone(&begun);
        let itself = Arc::new(OnceLock::new());
        let told_of = Arc::clone(&itself);
        let pipeline = Pipeline::<u32, &str>::new()
            .step("a", Ok)
            .undo(|_| ())
            .step("b", Ok)
            .undo_async(move |_| {
                told.notify_one();
                pending::<()>()
            })
            .step("c", Ok)
            .undo(|_| ())
            .step_async("d", |_| pending::<Result<u32, _>>())
            .on_undone(move |undone| {
                // It counts until all is told, so that nobody thinks too early that all is settled.
                let pipeline: &BoxPipeline<_, _, _> = told_of.get().unwrap();
                assert_eq!(pipeline.stats().undoing, 1);
                lines.write(undone.to_string());
            })
            .boxed();
        itself.set(pipeline.clone()).unwrap();
        let mut run = run(&pipeline);
        runtime.block_on(async {
            poll(&mut run);
            drop(run);
            begun.notified().await;
        });
        assert_eq!(pipeline.stats().undoing, 1);
        drop(runtime);
        assert_eq!(
            log.take(),
            "undo of `c`: done, undo of `b`: unfinished, its runtime was shut down, undo of `a`: not run, there is no runtime for it"
        );
        assert_eq!(pipeline.stats().undoing, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_dropped_on_many_threads_are_each_undone_once() {
    let log = Log::default();
    let pipeline = waiting(&log);
    let tasks: Vec<_> = (0..200).map(|_| tokio::spawn(run(&pipeline))).collect();
    for task in &tasks {
        tokio::task::yield_now().await;
        task.abort();
    }
    for task in tasks {
        assert!(task.await.unwrap_err().is_cancelled());
    }
    pipeline.settled().await;
    let stats = pipeline.stats();
    assert_eq!(
        (
            stats.running,
            stats.undoing,
            stats.not_undone,
            stats.undo_failed
        ),
        (0, 0, 0, 0)
    );
    assert_eq!(stats.undone % 2, 0);
    assert_eq!(stats.undone, log.lines().len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_until_all_is_settled_never_misses_it() {
    let pipeline = waiting(&Log::default());
    for _ in 0..2_000 {
        let run = tokio::spawn(run(&pipeline));
        let waiting = pipeline.clone();
        let settled = tokio::spawn(async move { waiting.settled().await });
        run.abort();
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(30), settled).await;
        in_time.unwrap().unwrap();
    }
}

/// Without a runtime the end of a run is the end of its undos: both threads do what they do at the same moment, over and over.
#[test]
fn settled_misses_no_end_that_comes_while_it_looks() {
    /// Lets two threads go on at the same time.
    fn meet(turn: &AtomicUsize, times: usize) {
        turn.fetch_add(1, Ordering::SeqCst);
        while turn.load(Ordering::SeqCst) < times * 2 {
            std::hint::spin_loop();
            thread::yield_now();
        }
    }
    let pipeline = waiting(&Log::default());
    let turn = AtomicUsize::new(0);
    let mut missed = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..2_000 {
                let mut run = run(&pipeline);
                poll(&mut run);
                meet(&turn, round * 3 + 1);
                drop(run);
                meet(&turn, round * 3 + 2);
                meet(&turn, round * 3 + 3);
            }
        });
        let mut cx = Context::from_waker(Waker::noop());
        for round in 0..2_000 {
            meet(&turn, round * 3 + 1);
            // A little later each time, so that it looks at every moment of the other's end.
            (0..round % 500).for_each(|_| std::hint::spin_loop());
            let mut settled = std::pin::pin!(pipeline.settled());
            let is_over = settled.as_mut().poll(&mut cx).is_ready();
            meet(&turn, round * 3 + 2);
            missed += usize::from(!is_over && settled.as_mut().poll(&mut cx).is_pending());
            meet(&turn, round * 3 + 3);
        }
    });
    assert_eq!(missed, 0);
}

#[test]
fn the_runtime_of_the_newest_undo_goes_on_with_all_of_them() {
    let pipeline = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(|_| ())
        .step_async("b", |n| async move {
            tokio::task::yield_now().await;
            Ok(n)
        })
        .undo(|_| ())
        .step_async("c", |_| pending::<Result<(), _>>());
    let mut run = Box::pin(pipeline.run(1));
    let mut cx = Context::from_waker(Waker::noop());
    // The first thing that can be undone is done outside of any runtime.
    assert!(run.as_mut().poll(&mut cx).is_pending());
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert!(run.as_mut().poll(&mut cx).is_pending());
        drop(run);
        pipeline.settled().await;
    });
    assert_eq!(
        (pipeline.stats().undone, pipeline.stats().not_undone),
        (2, 0)
    );
}

#[test]
fn a_run_without_a_runtime_is_undone_on_that_of_its_drop() {
    let pipeline = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(|_| ())
        .step_async("b", |_| pending::<Result<(), _>>());
    let mut run = Box::pin(pipeline.run(1));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        drop(run);
        pipeline.settled().await;
    });
    assert_eq!(
        (pipeline.stats().undone, pipeline.stats().not_undone),
        (1, 0)
    );
}
