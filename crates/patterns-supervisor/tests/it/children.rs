//! Children that come, go, stop and start while the tree runs.

use patterns_supervisor::{
    Child, ChildError, ChildKind, ChildState, ExitReason, Pid, Restart, StartChildError, Strategy,
    backoff::Backoff,
};
use testing::{advance, ms, secs, settle};

use crate::support::{Log, Msg, Outcome, Probe, child, deep_tree, idle, ids, pid, plan, start};

#[tokio::test(start_paused = true)]
async fn an_added_child_is_the_last_in_order_and_answers() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let added = tree.add_child(Probe::child("b", &Log::default())).await?;
    assert_eq!(ids(&tree).await, ["a", "b"]);
    assert_eq!(added.call(|reply| Msg::Echo(7, reply)).await?, 7);
    assert_eq!(added.pid(), Some(pid(&tree, "b").await));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_added_tree_is_reached_by_paths() -> Outcome {
    let tree = start([]).await;
    let below = plan("below", Strategy::OneForOne, [idle("x").into()]);
    let _ = tree.add_child(below.into_child()).await?;
    tree.crash_child("below/x").await?;
    assert_eq!(child(&tree, "below").await.kind, ChildKind::Supervisor);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_taken_is_told_with_who_has_it() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let running = pid(&tree, "a").await;
    let error = tree.add_child(idle("a")).await.unwrap_err();
    assert!(matches!(error, StartChildError::AlreadyStarted(pid) if pid == running));
    tree.stop_child("a").await?;
    let error = tree.add_child(idle("a")).await.unwrap_err();
    assert!(matches!(error, StartChildError::AlreadyPresent));
    tree.remove_child("a").await?;
    let _ = tree.add_child(idle("a")).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_removed_child_is_stopped_in_order_and_forgotten() -> Outcome {
    let log = Log::default();
    let tree = start([Probe::child("a", &log).into(), idle("b").into()]).await;
    tree.remove_child("a").await?;
    assert_eq!(log.take(), ["a: up", "a: down, shutdown"]);
    assert_eq!(ids(&tree).await, ["b"]);
    let again = tree.remove_child("a").await;
    assert!(matches!(again, Err(ChildError::NotFound)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_run_is_only_forgotten() -> Outcome {
    let ends = Child::task("a", |_| async { Ok(()) }).restart(Restart::Transient);
    let tree = start([ends.into()]).await;
    settle().await;
    assert_eq!(child(&tree, "a").await.state, ChildState::Stopped);
    tree.remove_child("a").await?;
    assert!(ids(&tree).await.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_removed_child_of_the_plan_comes_back_with_its_supervisor() -> Outcome {
    let tree = deep_tree().await;
    let mid = tree.subtree("mid").await?;
    mid.remove_child("task").await?;
    let _ = mid.add_child(idle("added")).await?;
    assert_eq!(ids(&mid).await, ["deep", "added"]);
    tree.crash_child("mid").await?;
    settle().await;
    assert_eq!(ids(&mid).await, ["task", "deep"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stopped_child_keeps_its_place_and_is_not_restarted() -> Outcome {
    let tree = start([idle("a").into(), idle("b").into()]).await;
    tree.stop_child("a").await?;
    advance(secs(3600)).await;
    assert_eq!(ids(&tree).await, ["a", "b"]);
    let info = tree.info().await?;
    assert_eq!((info.specs, info.running), (2, 1));
    assert_eq!(info.children[0].state, ChildState::Stopped);
    // Once more is fine.
    tree.stop_child("a").await?;
    let started = tree.restart_child("a").await?;
    assert_eq!(pid(&tree, "a").await, started);
    assert_eq!(child(&tree, "a").await.restarts, 0, "it counts as none");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stopped_temporary_child_is_forgotten() -> Outcome {
    let tree = start([idle("a").restart(Restart::Temporary).into()]).await;
    tree.stop_child("a").await?;
    assert!(ids(&tree).await.is_empty());
    assert!(matches!(
        tree.restart_child("a").await,
        Err(ChildError::NotFound)
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_running_child_is_not_restarted_by_hand() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let running = pid(&tree, "a").await;
    assert!(matches!(
        tree.restart_child("a").await,
        Err(ChildError::Running)
    ));
    assert_eq!(pid(&tree, "a").await, running);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_for_its_restart_is_restarting_until_it_is_taken_back() -> Outcome {
    let wait = Backoff::constant(secs(10));
    let tree = start([idle("a").backoff(wait).into()]).await;
    tree.crash_child("a").await?;
    settle().await;
    assert_eq!(child(&tree, "a").await.state, ChildState::Restarting);
    assert_eq!(tree.info().await?.running, 0);
    assert!(matches!(
        tree.restart_child("a").await,
        Err(ChildError::Restarting)
    ));
    tree.stop_child("a").await?;
    assert_eq!(child(&tree, "a").await.state, ChildState::Stopped);
    advance(secs(60)).await;
    assert_eq!(child(&tree, "a").await.state, ChildState::Stopped);
    tree.restart_child("a").await?;
    tree.crash_child("a").await?;
    settle().await;
    tree.remove_child("a").await?;
    advance(secs(60)).await;
    assert!(ids(&tree).await.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_by_hand_that_fails_says_why_and_is_not_repeated() -> Outcome {
    let log = Log::default();
    let starts = log.clone();
    let fails_later = Child::task("a", move |stop| {
        starts.note("start");
        if starts.count() > 1 {
            std::panic::resume_unwind(Box::new("disk full"));
        }
        async move {
            stop.requested().await;
            Ok(())
        }
    });
    let tree = start([fails_later.into()]).await;
    tree.stop_child("a").await?;
    let error = tree.restart_child("a").await.unwrap_err();
    assert!(matches!(error, ChildError::Failed(ExitReason::Panic(_))));
    insta::assert_snapshot!(error, @"the child did not start: panicked: disk full");
    advance(secs(60)).await;
    assert_eq!(log.count(), 2);
    assert_eq!(child(&tree, "a").await.state, ChildState::Stopped);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_info_tells_what_is_so() -> Outcome {
    let tree = start([
        idle("task").into(),
        plan("below", Strategy::OneForAll, [idle("x").into()]).into(),
        idle("temp").restart(Restart::Temporary).into(),
    ])
    .await;
    tree.crash_child("task").await?;
    settle().await;
    let info = tree.info().await?;
    assert_eq!(info.strategy, Strategy::OneForOne);
    assert_eq!((info.running, info.specs), (3, 3));
    let told: Vec<_> = info
        .children
        .iter()
        .map(|child| {
            let alive = child.pid().is_some_and(Pid::is_alive);
            (&*child.id, child.kind, child.restart, child.restarts, alive)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("task", ChildKind::Worker, Restart::Permanent, 1, true),
            ("below", ChildKind::Supervisor, Restart::Permanent, 0, true),
            ("temp", ChildKind::Worker, Restart::Temporary, 0, true),
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_by_hand_keeps_to_the_childs_own_time() -> Outcome {
    let tree = start([crate::support::slow("a", ms(300), secs(1)).into()]).await;
    let begun = tokio::time::Instant::now();
    tree.stop_child("a").await?;
    assert_eq!(begun.elapsed(), ms(300));
    Ok(())
}
