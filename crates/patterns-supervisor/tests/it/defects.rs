//! What was wrong with the original, each as a test of its own.

use patterns_supervisor::drill::Drill;
use patterns_supervisor::{ChildState, ExitReason, Fault, Restart, Strategy};
use testing::settle;

use crate::support::{Log, Outcome, Probe, at_depth, drill_pids, end_by, find, idle, pid, start};

/// A drill's exit was lost on a child that traps exits.
#[tokio::test(start_paused = true)]
async fn a_server_that_traps_exits_is_told_of_an_exit_and_hit_by_the_rest() -> Outcome {
    let log = Log::default();
    let tree = at_depth(Probe::trapping("x", &log).into()).await;
    let path = "mid/deep/x";
    let first = pid(&tree, path).await;
    tree.inject(path, Fault::Exit(ExitReason::boxed("go")))
        .await?;
    settle().await;
    assert!(first.is_alive());
    assert_eq!(log.take(), ["x: up", "x: told of go"]);
    for (fault, reason) in [
        (Fault::panic("boom"), "panicked: boom"),
        (Fault::Kill, "killed"),
        (Fault::Exit(ExitReason::Kill), "killed"),
    ] {
        assert_eq!(end_by(&tree, path, fault).await.to_string(), reason);
        settle().await;
    }
    Ok(())
}

/// A child was stopped and then deleted, which failed for a temporary one: it was gone by then.
#[tokio::test(start_paused = true)]
async fn a_running_temporary_child_is_removed_without_an_error() -> Outcome {
    let tree = start([idle("a").restart(Restart::Temporary).into()]).await;
    let running = pid(&tree, "a").await;
    tree.remove_child("a").await?;
    assert!(!running.is_alive());
    assert!(find(&tree, "a").await.is_none());
    Ok(())
}

/// Workers had global names, so that there could be one tree of them only.
#[tokio::test(start_paused = true)]
async fn drills_do_not_know_of_each_other() -> Outcome {
    let (one, other) = (
        Drill::start(Strategy::OneForOne).await?,
        Drill::start(Strategy::OneForAll).await?,
    );
    let untouched = drill_pids(&other).await;
    one.tree.crash_child("worker_1").await?;
    settle().await;
    assert_eq!(drill_pids(&other).await, untouched);
    one.tree.stop().await?;
    other.worker_1.ping().await?;
    assert!(find(&other.tree, "worker_1").await.unwrap().state != ChildState::Stopped);
    Ok(())
}
