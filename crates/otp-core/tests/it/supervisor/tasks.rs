//! Futures as children.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otp_core::{
    Child, ChildKind, ChildState, ExitReason, FailedToStartChild, Restart, Shutdown, StartError,
    Strategy, Supervisor,
};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};

use super::{Events, boom, child, patient, state};
use crate::support::{Log, Outcome, ms, panic_message, quiet, secs, shown};

#[tokio::test(start_paused = true)]
async fn a_task_hears_the_stop_token_and_ends_in_order() -> Outcome {
    let log = Log::default();
    let own = log.clone();
    let task = Child::task("task", move |stop| {
        let log = own.clone();
        async move {
            log.note(format!("asked: {}", stop.is_requested()));
            // Parts of the work have tokens of their own.
            let part = tokio::spawn({
                let (stop, log) = (stop.clone(), log.clone());
                async move {
                    stop.requested().await;
                    log.note("part heard");
                }
            });
            stop.requested().await;
            let _ = part.await;
            sleep(secs(1)).await;
            log.note(format!("asked: {}", stop.is_requested()));
            Ok(())
        }
    });
    let tree = patient(Strategy::OneForOne).child(task).start().await?;
    quiet().await;
    let info = child(&tree, "task").await.ok_or("no child")?;
    assert_eq!(info.kind, ChildKind::Worker);
    assert!(matches!(info.state, ChildState::Running(_)));
    let begun = Instant::now();
    tree.stop().await?;
    assert_eq!(begun.elapsed(), secs(1));
    assert_eq!(log.take(), ["asked: false", "part heard", "asked: true"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ignores_the_token_is_killed_when_its_time_is_over() -> Outcome {
    let log = Log::default();
    let own = log.clone();
    let task = Child::task("deaf", move |_| {
        let held = own.on_drop("dropped");
        async move {
            let _held = held;
            std::future::pending().await
        }
    });
    let (mut events, listener) = Events::new();
    let tree = patient(Strategy::OneForOne)
        .report_to(listener)
        .child(task.shutdown(Shutdown::Timeout(ms(250))))
        .start()
        .await?;
    let begun = Instant::now();
    tree.terminate_child("deaf").await?;
    assert_eq!(begun.elapsed(), ms(250));
    assert_eq!(log.take(), ["dropped"]);
    assert_eq!(
        events.take(),
        [
            "root/deaf: starting",
            "root/deaf: started as <0>",
            "root/deaf: stopping <0>",
            "root/deaf: <0> exited: killed",
            "root/deaf: <0> was killed, it had not ended after 250ms",
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_closure_is_a_failed_start() -> Outcome {
    let task = Child::task("task", |_| -> std::future::Ready<Result<(), ExitReason>> {
        panic!("no future")
    });
    let started = patient(Strategy::OneForOne).child(task).start().await;
    let Err(StartError::Failed(reason)) = started else {
        return Err(shown(&started).into());
    };
    let failed = reason.downcast_ref::<FailedToStartChild>();
    let failed = failed.ok_or_else(|| shown(&reason))?;
    assert_eq!(&*failed.id, "task");
    assert_eq!(panic_message(&failed.reason), Some("no future"));
    Ok(())
}

/// A task that ends as `end` says when it is told to, and counts its starts.
fn ends(
    end: impl Fn() -> Result<(), ExitReason> + Clone + Send + Sync + 'static,
) -> (
    Child<std::convert::Infallible>,
    Arc<Notify>,
    Arc<AtomicUsize>,
) {
    let (go, starts) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (gate, counter) = (Arc::clone(&go), Arc::clone(&starts));
    let task = Child::task("task", move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        let (gate, end) = (Arc::clone(&gate), end.clone());
        async move {
            gate.notified().await;
            end()
        }
    });
    (task, go, starts)
}

#[tokio::test(start_paused = true)]
async fn tasks_are_restarted_on_their_terms() -> Outcome {
    type End = fn() -> Result<(), ExitReason>;
    let normal: End = || Ok(());
    let failed: End = || Err(boom());
    let panicked: End = || panic!("boom");
    let cases = [
        (normal, Restart::Permanent, 2),
        (normal, Restart::Transient, 1),
        (failed, Restart::Transient, 2),
        (panicked, Restart::Transient, 2),
        (panicked, Restart::Permanent, 2),
        (panicked, Restart::Temporary, 1),
    ];
    for (at, (end, restart, expected)) in cases.into_iter().enumerate() {
        let (task, go, starts) = ends(end);
        let plan = patient(Strategy::OneForOne).child(task.restart(restart));
        let tree = plan.start().await?;
        quiet().await;
        go.notify_one();
        quiet().await;
        assert_eq!(starts.load(Ordering::Relaxed), expected, "case {at}");
        let left = child(&tree, "task").await.map(|info| info.state);
        match restart {
            Restart::Temporary => assert!(left.is_none()),
            _ if expected == 1 => assert_eq!(left, Some(ChildState::Stopped)),
            _ => assert!(matches!(left, Some(ChildState::Running(_)))),
        }
        tree.stop().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_task_is_normal_or_its_error() -> Outcome {
    let (task, go, _) = ends(|| Ok(()));
    let (mut events, listener) = Events::new();
    let plan = patient(Strategy::OneForOne).report_to(listener);
    let tree = plan.child(task.restart(Restart::Temporary)).start().await?;
    events.take();
    go.notify_one();
    quiet().await;
    assert_eq!(events.take(), ["root/task: <0> exited: normal"]);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_incarnation_of_a_task_has_a_token_of_its_own() -> Outcome {
    let log = Log::default();
    let own = log.clone();
    let task = Child::task("task", move |stop| {
        let log = own.clone();
        async move {
            log.note(format!("begins, asked: {}", stop.is_requested()));
            stop.requested().await;
            log.note("ends");
            Ok(())
        }
    });
    let tree = patient(Strategy::OneForOne).child(task).start().await?;
    quiet().await;
    tree.terminate_child("task").await?;
    assert_eq!(state(&tree, "task").await, ChildState::Stopped);
    tree.restart_child("task").await?;
    quiet().await;
    tree.stop().await?;
    let once = ["begins, asked: false", "ends"];
    assert_eq!(log.take(), [once, once].concat());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_significant_task_stops_its_supervisor() -> Outcome {
    let (task, go, _) = ends(|| Ok(()));
    let (sender, ended) = oneshot::channel();
    let tree = Supervisor::new(Strategy::OneForOne)
        .auto_shutdown(otp_core::AutoShutdown::AnySignificant)
        .child(task.restart(Restart::Transient).significant())
        .start()
        .await?;
    tokio::spawn(async move {
        let _ = sender.send(tree.wait().await);
    });
    quiet().await;
    go.notify_one();
    assert!(matches!(ended.await?, ExitReason::Shutdown));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_token_forgets_those_who_stopped_waiting_for_it() -> Outcome {
    let (sender, token) = oneshot::channel();
    let sender = std::sync::Mutex::new(Some(sender));
    let task = Child::task("task", move |stop| {
        if let Some(sender) = sender.lock().unwrap().take() {
            let _ = sender.send(stop.clone());
        }
        async move {
            stop.requested().await;
            Ok(())
        }
    });
    let tree = patient(Strategy::OneForOne).child(task).start().await?;
    let token = token.await?;
    let work = Arc::new(());
    for _ in 0..100 {
        // A part of the work that is done before anybody asks for the end.
        let (stop, held) = (token.clone(), Arc::clone(&work));
        let part = tokio::spawn(async move {
            let _held = held;
            tokio::select! {
                () = stop.requested() => {}
                () = sleep(ms(1)) => {}
            }
        });
        part.await?;
    }
    assert_eq!(Arc::strong_count(&work), 1);
    let wakes = Arc::new(NoWake);
    for _ in 0..100 {
        let waker = std::task::Waker::from(Arc::clone(&wakes));
        let mut waits = Box::pin(token.requested());
        let mut cx = std::task::Context::from_waker(&waker);
        assert!(waits.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(Arc::strong_count(&wakes), 1, "wakers are kept");
    tree.stop().await?;
    assert!(token.is_requested());
    Ok(())
}

struct NoWake;

impl std::task::Wake for NoWake {
    fn wake(self: Arc<Self>) {}
}
