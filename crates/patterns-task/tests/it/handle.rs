//! The plain handle: spawn, await, yield, ignore, detach.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use patterns_task::{Task, TaskError, spawn};
use testing::{ms, quiet, secs, settle};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::support::{Live, panicked, timed};

#[tokio::test]
async fn a_task_begins_before_it_is_awaited() {
    let begun = Arc::new(Notify::new());
    let sign = Arc::clone(&begun);
    let task = spawn(async move {
        sign.notify_one();
        7
    });
    begun.notified().await;
    assert_eq!(task.await, Ok(7));
}

#[tokio::test]
async fn a_panic_is_an_error_of_the_one_who_awaits() {
    quiet();
    let text = spawn(async { panic!("as told") });
    assert_eq!(text.await, Err::<(), _>(panicked("as told")));
    let formatted = spawn(async { panic!("as told {}", 7) });
    assert_eq!(formatted.await, Err::<(), _>(panicked("as told 7")));
    let other = spawn(async { std::panic::panic_any(7_u8) });
    assert_eq!(other.await, Err::<(), _>(panicked("Box<dyn Any>")));
}

#[tokio::test(start_paused = true)]
async fn who_drops_the_handle_aborts_the_work() {
    let live = Live::default();
    let task = spawn(live.work(secs(3_600), ()));
    settle().await;
    assert_eq!(live.now(), 1);
    drop(task);
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_let_go_runs_on_to_its_end() {
    let live = Live::default();
    spawn(live.work(secs(1), ())).detach();
    assert_eq!(spawn(live.work(secs(1), ())).ignore(), None);
    settle().await;
    assert_eq!(live.now(), 2);
    sleep(ms(1_001)).await;
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test]
async fn ignoring_a_task_that_is_done_gives_its_outcome() {
    quiet();
    let (task, crash) = (spawn(async { 7 }), spawn(async { panic!("as told") }));
    settle().await;
    assert_eq!(task.ignore(), Some(Ok(7)));
    assert_eq!(crash.ignore(), Some(Err::<(), _>(panicked("as told"))));
}

#[tokio::test]
async fn a_task_that_is_done_is_seen_as_done_by_who_has_used_up_its_turn() {
    let task = spawn(async { 7 });
    settle().await;
    // Nothing waits here, so that the budget of this turn runs out.
    while tokio::task::coop::has_budget_remaining() {
        tokio::task::coop::consume_budget().await;
    }
    assert_eq!(task.ignore(), Some(Ok(7)));
}

#[tokio::test(start_paused = true)]
async fn a_yield_says_nothing_until_there_is_something_and_may_be_repeated() {
    let mut task = spawn(async {
        sleep(secs(3)).await;
        "done"
    });
    assert_eq!(task.yield_for(secs(1)).await, None);
    assert_eq!(task.yield_for(Duration::ZERO).await, None);
    assert_eq!(task.yield_for(secs(1)).await, None);
    assert_eq!(task.yield_for(secs(5)).await, Some(Ok("done")));
    assert_eq!(
        task.yield_for(secs(1)).await,
        Some(Err(TaskError::Consumed))
    );
    assert_eq!(task.await, Err(TaskError::Consumed));
}

#[tokio::test(start_paused = true)]
async fn a_yield_of_a_crashed_task_is_an_error() {
    quiet();
    let mut task = spawn(async { panic!("as told") });
    let outcome = task.yield_for(Duration::MAX).await;
    assert_eq!(outcome, Some(Err::<(), _>(panicked("as told"))));
}

#[tokio::test(start_paused = true)]
async fn a_yield_that_is_given_up_loses_nothing() {
    let mut task = spawn(async {
        sleep(ms(50)).await;
        7
    });
    for _ in 0..20 {
        let _ = tokio::time::timeout(ms(1), task.yield_for(secs(60))).await;
    }
    assert_eq!(task.yield_for(secs(60)).await, Some(Ok(7)));
}

#[tokio::test(start_paused = true)]
async fn an_await_with_a_limit_ends_the_task_when_its_time_is_over() {
    let live = Live::default();
    let task = spawn(live.work(secs(3_600), ()));
    let (outcome, time) = timed(task.await_for(secs(5))).await;
    assert_eq!((outcome, time), (Err(TaskError::Timeout), secs(5)));
    settle().await;
    assert_eq!(live.now(), 0);
    // The reply of one that was too late is seen by nobody.
    let task = spawn(live.work(secs(1), 7));
    assert_eq!(task.await_for(Duration::MAX).await, Ok(7));
    let task = spawn(live.work(secs(1), 7));
    assert_eq!(
        task.await_for(Duration::ZERO).await,
        Err(TaskError::Timeout)
    );
}

#[tokio::test]
async fn an_aborted_task_says_so_and_one_that_was_done_keeps_its_value() {
    let task = spawn(pending::<()>());
    task.abort();
    assert_eq!(task.await, Err(TaskError::Aborted));
    let task = spawn(async { 7 });
    settle().await;
    task.abort();
    assert_eq!(task.await, Ok(7));
}

#[test]
fn a_completed_task_needs_no_runtime() {
    assert_eq!(Task::completed(7).ignore(), Some(Ok(7)));
    let task = Task::completed(7);
    assert!(task.is_finished());
    task.abort();
    let mut task = task;
    let taken = poll_once(task.yield_for(Duration::ZERO));
    assert_eq!(taken, Some(Ok(7)));
    assert_eq!(poll_once(task), Err(TaskError::Consumed));
}

fn poll_once<F: Future>(future: F) -> F::Output {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut cx) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => unreachable!("it has nothing to wait for"),
    }
}

#[test]
fn a_task_whose_runtime_is_gone_is_aborted() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let task = {
        let _inside = runtime.enter();
        spawn(pending::<()>())
    };
    drop(runtime);
    assert!(task.is_finished());
    assert_eq!(task.ignore(), Some(Err(TaskError::Aborted)));
}

#[tokio::test]
async fn who_awaits_a_task_may_be_another_task() {
    let inner = spawn(async { 7 });
    let outer = spawn(inner);
    assert_eq!(outer.await, Ok(Ok(7)));
}

#[tokio::test]
async fn dropping_the_owner_of_owners_aborts_all_of_them() {
    let live = Live::default();
    let grandchild = live.clone();
    let task = spawn(async move {
        let _guard = live.guard();
        let inner = live.clone();
        spawn(async move {
            let _guard = inner.guard();
            spawn(inner.work(secs(3_600), ())).await
        })
        .await
    });
    settle().await;
    assert_eq!(grandchild.now(), 3);
    drop(task);
    settle().await;
    assert_eq!(grandchild.now(), 0);
}
