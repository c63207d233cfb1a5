//! `scope`.

use patterns_task::{Scope, ScopedTask, TaskError, scope, spawn};
use testing::{ms, quiet, secs, settle};
use tokio::time::sleep;

use crate::support::{Live, panicked, timed};

#[tokio::test(start_paused = true)]
async fn a_scope_waits_for_all_its_tasks() {
    let live = Live::default();
    let work = live.clone();
    let body = scope(|scope| async move {
        for n in 1..=3 {
            drop(scope.spawn(work.work(secs(n), n)));
        }
        settle().await;
        scope.running()
    });
    let (outcome, time) = timed(body).await;
    assert_eq!((outcome, time), (Ok(3), secs(3)));
    assert_eq!((live.now(), live.ever()), (0, 3));
    assert_eq!(scope(|_| async { 7 }).await, Ok(7));
}

#[tokio::test]
async fn a_task_of_a_scope_can_be_awaited() {
    let sum = scope(|scope| async move {
        let (one, two) = (scope.spawn(async { 1 }), scope.spawn(async { 2 }));
        Ok::<_, TaskError>(one.await? + two.await?)
    });
    assert_eq!(sum.await, Ok(Ok(3)));
}

#[tokio::test(start_paused = true)]
async fn the_first_panic_ends_all_and_nothing_is_left() {
    quiet();
    let live = Live::default();
    let work = live.clone();
    let body = scope(|scope| async move {
        for _ in 0..3 {
            drop(scope.spawn(work.work(secs(3_600), ())));
        }
        drop(scope.spawn(async {
            sleep(secs(1)).await;
            panic!("as told")
        }));
        let _guard = work.guard();
        sleep(secs(3_600)).await;
    });
    let (outcome, time) = timed(body).await;
    // Gone when it returns, not some time later.
    assert_eq!(
        (outcome, time, live.now()),
        (Err(panicked("as told")), secs(1), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_after_the_body_is_done_is_the_scopes_too() {
    quiet();
    let body = scope(|scope| async move {
        drop(scope.spawn(async {
            sleep(secs(1)).await;
            panic!("as told")
        }));
        7
    });
    assert_eq!(body.await, Err(panicked("as told")));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_body_is_the_callers_and_ends_the_tasks() {
    quiet();
    let live = Live::default();
    let work = live.clone();
    let caller = spawn(scope(|scope| async move {
        drop(scope.spawn(work.work(secs(3_600), ())));
        settle().await;
        panic!("as told")
    }));
    assert_eq!(caller.await, Err::<Result<(), _>, _>(panicked("as told")));
    settle().await;
    assert_eq!((live.now(), live.ever()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn tasks_may_spawn_others_and_all_are_waited_for() {
    fn tree(scope: &Scope, live: &Live, depth: usize) {
        let (inner, work) = (scope.clone(), live.clone());
        drop(scope.spawn(async move {
            let _guard = work.guard();
            sleep(ms(100)).await;
            if depth > 0 {
                tree(&inner, &work, depth - 1);
                tree(&inner, &work, depth - 1);
            }
        }));
    }
    let live = Live::default();
    let (outcome, time) = timed(scope(|scope| {
        tree(&scope, &live, 4);
        async {}
    }))
    .await;
    assert_eq!((outcome, time), (Ok(()), ms(500)));
    assert_eq!((live.ever(), live.now()), (31, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_spawned_into_a_scope_that_is_over_never_runs() {
    let live = Live::default();
    let escaped = scope(|scope| async move { scope }).await.unwrap();
    let task: ScopedTask<()> = escaped.spawn(live.work(ms(1), ()));
    assert!(task.is_finished());
    task.abort();
    assert_eq!(task.await, Err(TaskError::Aborted));
    settle().await;
    assert_eq!((live.ever(), escaped.running()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn tasks_can_be_aborted_one_by_one_and_all_together() {
    let live = Live::default();
    let work = live.clone();
    let (outcome, time) = timed(scope(|scope| async move {
        let long = || scope.spawn(work.work(secs(3_600), ()));
        let (one, mut two) = (long(), long());
        settle().await;
        one.abort();
        let first = one.await;
        assert_eq!(scope.running(), 1);
        scope.abort_all();
        let second = (&mut two).await;
        // Asked once more, it says so.
        assert_eq!(two.await, Err(TaskError::Consumed));
        let third = scope.spawn(async { 7 }).await;
        (first, second, third)
    }))
    .await;
    assert_eq!(
        outcome,
        Ok((Err(TaskError::Aborted), Err(TaskError::Aborted), Ok(7)))
    );
    assert_eq!((time.as_millis(), live.now()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn scopes_can_stand_inside_one_another() {
    quiet();
    let live = Live::default();
    let work = live.clone();
    let outer = scope(|outer| async move {
        let inner = outer.spawn(scope(|inner| async move {
            drop(inner.spawn(work.work(secs(3_600), ())));
            drop(inner.spawn(async { panic!("as told") }));
        }));
        inner.await
    });
    // The inner scope's panic is a value to the outer one.
    assert_eq!(outer.await, Ok(Ok(Err(panicked("as told")))));
    assert_eq!(live.now(), 0);
}
