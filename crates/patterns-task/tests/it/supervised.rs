//! Tasks under a supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otp_core::{Strategy, Supervisor};
use patterns_task::{
    Deadline, ExitReason, Restart, StartTaskError, StopError, SupervisedError, TaskError,
    TaskSupervisor, TaskSupervisorConfig, supervised_task, with_deadline,
};
use testing::{ms, quiet, secs, settle};
use tokio::time::sleep;

use crate::support::{Live, nonzero, panicked, tasks, timed};

#[tokio::test(start_paused = true)]
async fn a_supervised_task_gives_its_value_and_is_gone() {
    let tasks = tasks().await;
    assert_eq!(
        supervised_task(&tasks, async { 7 }, secs(5)).await.unwrap(),
        7
    );
    settle().await;
    assert_eq!(tasks.count().await.unwrap().specs, 0);
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_an_error_and_harms_neither_the_caller_nor_the_others() {
    quiet();
    let tasks = tasks().await;
    let other = tasks.spawn(async {
        sleep(secs(1)).await;
        7
    });
    let mut other = other.await.unwrap();
    // More crashes than any limit of restarts.
    for _ in 0..20 {
        let outcome = supervised_task(&tasks, async { panic!("as told") }, secs(5)).await;
        let Err::<(), _>(SupervisedError::Task(error)) = outcome else {
            unreachable!()
        };
        assert_eq!(error, panicked("as told"));
    }
    assert_eq!((&mut other).await, Ok(7));
    assert_eq!(other.await, Err(TaskError::Consumed));
}

#[tokio::test(start_paused = true)]
async fn its_process_crashes_as_if_nobody_had_caught_the_panic() {
    quiet();
    let tasks = tasks().await;
    let task = tasks.spawn(async {
        sleep(secs(1)).await;
        panic!("as told")
    });
    let task = task.await.unwrap();
    let end = task.pid().monitor();
    assert_eq!(task.await, Err::<(), _>(panicked("as told")));
    let reason = end.await;
    assert!(
        matches!(&reason, ExitReason::Panic(panic) if panic.message() == "as told"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_whose_time_is_over_is_ended() {
    let (tasks, live) = (tasks().await, Live::default());
    let (outcome, time) = timed(supervised_task(&tasks, live.work(secs(3_600), ()), secs(5))).await;
    assert!(matches!(
        outcome,
        Err(SupervisedError::Task(TaskError::Timeout))
    ));
    assert_eq!(time, secs(5));
    settle().await;
    assert_eq!(
        (live.now(), live.ever(), tasks.count().await.unwrap().specs),
        (0, 1, 0)
    );
    let outcome = supervised_task(&tasks, live.work(ms(1), ()), Duration::ZERO).await;
    assert!(matches!(
        outcome,
        Err(SupervisedError::Task(TaskError::NotStarted))
    ));
    assert_eq!(live.ever(), 1);
    assert!(
        supervised_task(&tasks, live.work(secs(86_400), ()), Duration::MAX)
            .await
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn who_drops_the_handle_ends_the_task_and_who_detaches_it_does_not() {
    let (tasks, live) = (tasks().await, Live::default());
    drop(tasks.spawn(live.work(secs(3_600), ())).await.unwrap());
    settle().await;
    assert_eq!(live.now(), 0);
    tasks
        .spawn(live.work(secs(3_600), ()))
        .await
        .unwrap()
        .detach();
    settle().await;
    assert_eq!((live.now(), tasks.children().await.unwrap().len()), (1, 1));
    // With its supervisor it ends, and at once, for it cannot be asked.
    let ((), time) = timed(async { tasks.stop().await.unwrap() }).await;
    assert_eq!((live.now(), time), (0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_when_it_is_terminated_or_killed() {
    let (tasks, live) = (tasks().await, Live::default());
    let task = tasks.spawn(live.work(secs(3_600), ())).await.unwrap();
    settle().await;
    assert!(tasks.terminate_child(task.pid()).await);
    assert!(!tasks.terminate_child(task.pid()).await);
    assert_eq!(task.await, Err(TaskError::Aborted));
    let task = tasks.spawn(live.work(secs(3_600), ())).await.unwrap();
    settle().await;
    task.pid().kill();
    assert_eq!(task.await, Err(TaskError::Aborted));
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_supervisor_refuses_and_runs_nothing() {
    let config = TaskSupervisorConfig {
        max_children: Some(nonzero(2)),
        ..TaskSupervisorConfig::default()
    };
    let (tasks, live) = (
        TaskSupervisor::start(config).await.unwrap(),
        Live::default(),
    );
    let one = tasks.spawn(live.work(secs(1), 1)).await.unwrap();
    let two = tasks.spawn(live.work(secs(1), 2)).await.unwrap();
    let third = tasks.spawn(live.work(secs(1), 3)).await;
    assert!(matches!(third, Err(StartTaskError::MaxChildren)));
    let third = supervised_task(&tasks, live.work(secs(1), 3), secs(5)).await;
    assert!(matches!(
        third,
        Err(SupervisedError::Start(StartTaskError::MaxChildren))
    ));
    let third = tasks
        .start_child(Restart::Temporary, |_| async { Ok(()) })
        .await;
    assert!(matches!(third, Err(StartTaskError::MaxChildren)));
    assert_eq!((one.await, two.await, live.ever()), (Ok(1), Ok(2), 2));
    settle().await;
    assert_eq!(tasks.spawn(async { 4 }).await.unwrap().await, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_does_not_run_says_so() {
    let (tasks, live) = (tasks().await, Live::default());
    assert_eq!(tasks.pid(), tasks.supervisor_ref().pid());
    tasks.stop().await.unwrap();
    assert!(matches!(
        tasks.spawn(live.work(ms(1), ())).await,
        Err(StartTaskError::Closed)
    ));
    let child = tasks
        .start_child(Restart::Permanent, |_| async { Ok(()) })
        .await;
    assert!(matches!(child, Err(StartTaskError::Closed)));
    assert!(matches!(
        tasks.children().await,
        Err(StartTaskError::Closed)
    ));
    assert!(matches!(tasks.count().await, Err(StartTaskError::Closed)));
    assert!(matches!(tasks.stop().await, Err(StopError::NoProc)));
    assert_eq!(tasks.pid(), None);
    assert_eq!(live.ever(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_started_child_is_restarted_as_it_is_told() {
    quiet();
    let tasks = tasks().await;
    for (restart, crashes, expected) in [
        (Restart::Temporary, 2, 1),
        (Restart::Transient, 2, 3),
        (Restart::Permanent, 2, 4),
        // More than its limit bears.
        (Restart::Transient, 9, 4),
    ] {
        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let child = tasks.start_child(restart, move |_| {
            let run = count.fetch_add(1, Ordering::SeqCst);
            async move {
                sleep(ms(10)).await;
                assert!(run >= crashes, "as told");
                if run > crashes {
                    sleep(secs(3_600)).await;
                }
                Ok(())
            }
        });
        child.await.unwrap();
        sleep(secs(1)).await;
        assert_eq!(
            runs.load(Ordering::SeqCst),
            expected,
            "{restart:?}, {crashes} crashes"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_heeds_the_token_ends_in_order_and_others_are_killed() {
    let (tasks, live) = (tasks().await, Live::default());
    let work = live.clone();
    let heeds = tasks.start_child(Restart::Permanent, move |stop| {
        let guard = work.guard();
        async move {
            stop.requested().await;
            sleep(secs(2)).await;
            drop(guard);
            Ok(())
        }
    });
    let heeds = heeds.await.unwrap();
    let (stopped, time) = timed(tasks.terminate_child(&heeds)).await;
    assert_eq!((stopped, time, live.now()), (true, secs(2), 0));
    let work = live.clone();
    let deaf = tasks.start_child(Restart::Temporary, move |_| {
        let nap = work.work(secs(3_600), ());
        async move {
            nap.await;
            Ok(())
        }
    });
    let deaf = deaf.await.unwrap();
    let (stopped, time) = timed(tasks.terminate_child(&deaf)).await;
    assert_eq!((stopped, time, live.now()), (true, secs(5), 0));
}

#[tokio::test(start_paused = true)]
async fn the_tasks_end_with_the_last_handle_of_their_supervisor() {
    let (tasks, live) = (tasks().await, Live::default());
    let task = tasks.spawn(live.work(secs(3_600), ())).await.unwrap();
    settle().await;
    assert_eq!(live.now(), 1);
    drop(tasks);
    assert_eq!(task.await, Err(TaskError::Aborted));
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_can_be_a_child_of_a_supervisor_and_works_again_after_its_restart() {
    let config = TaskSupervisorConfig {
        name: Arc::from("fetchers"),
        ..TaskSupervisorConfig::default()
    };
    let (child, tasks) = TaskSupervisor::child(config);
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    let live = Live::default();
    let task = tasks.spawn(live.work(secs(3_600), ())).await.unwrap();
    let snapshot = tree.snapshot().await.unwrap().to_string();
    assert!(snapshot.contains("fetchers"), "{snapshot}");
    tasks.supervisor_ref().pid().unwrap().kill();
    assert_eq!(task.await, Err(TaskError::Aborted));
    assert_eq!(tasks.spawn(async { 7 }).await.unwrap().await, Ok(7));
    tree.stop().await.unwrap();
    assert!(tasks.spawn(async { 7 }).await.is_err());
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_inherited_by_supervised_tasks() {
    let tasks = tasks().await;
    let deadline = Deadline::after(secs(5));
    let seen = with_deadline(deadline, async {
        let seen = supervised_task(&tasks, async { Deadline::current() }, Duration::MAX).await;
        let late = supervised_task(&tasks, sleep(secs(60)), Duration::MAX).await;
        (seen.unwrap(), late)
    });
    let (seen, late) = seen.await.unwrap();
    assert_eq!(seen, Some(deadline));
    assert!(matches!(
        late,
        Err(SupervisedError::Task(TaskError::Timeout))
    ));
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let mut start = std::pin::pin!(TaskSupervisor::start(TaskSupervisorConfig::default()));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let started = start.as_mut().poll(&mut cx);
    assert!(matches!(
        started,
        std::task::Poll::Ready(Err(otp_core::StartError::NoRuntime))
    ));
}
