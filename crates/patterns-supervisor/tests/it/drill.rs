//! The drill tree: two permanent workers and a temporary one.

use otp_core::{CallError, CastError};
use patterns_supervisor::drill::{Drill, WorkerKind};
use patterns_supervisor::{ChildKind, FaultError, Restart, StartChildError, Strategy};
use testing::{advance, ms, secs, settle};

use crate::support::{Outcome, child, drill_pids, ids, pid};

const ALL: [Strategy; 3] = [
    Strategy::OneForOne,
    Strategy::OneForAll,
    Strategy::RestForOne,
];

#[tokio::test(start_paused = true)]
async fn it_starts_under_each_strategy() -> Outcome {
    for strategy in ALL {
        let drill = Drill::start(strategy).await?;
        let info = drill.tree.info().await?;
        assert_eq!(info.strategy, strategy);
        assert_eq!((info.running, info.specs), (3, 3));
        let told: Vec<_> = info
            .children
            .iter()
            .map(|child| (&*child.id, child.kind, child.restart))
            .collect();
        assert_eq!(
            told,
            [
                ("worker_1", ChildKind::Worker, Restart::Permanent),
                ("worker_2", ChildKind::Worker, Restart::Permanent),
                ("temp_worker", ChildKind::Worker, Restart::Temporary),
            ]
        );
        let snapshot = drill.tree.snapshot().await?;
        assert_eq!(&*snapshot.id, "drill");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn workers_answer_pings_and_tell_their_status() -> Outcome {
    let drill = Drill::start(Strategy::OneForOne).await?;
    advance(secs(7)).await;
    for (worker, id) in [
        (&drill.worker_1, "worker_1"),
        (&drill.worker_2, "worker_2"),
        (&drill.temp_worker, "temp_worker"),
    ] {
        worker.ping().await?;
        let status = worker.status().await?;
        assert_eq!((&*status.id, status.uptime), (id, secs(7)));
    }
    drill.tree.crash_child("worker_1").await?;
    settle().await;
    advance(secs(1)).await;
    assert_eq!(drill.worker_1.status().await?.uptime, secs(1));
    assert_eq!(drill.worker_2.status().await?.uptime, secs(8));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_for_one_restarts_only_the_one_that_crashed() -> Outcome {
    let drill = Drill::start(Strategy::OneForOne).await?;
    let before = drill_pids(&drill).await;
    drill.tree.crash_child("worker_1").await?;
    settle().await;
    let after = drill_pids(&drill).await;
    assert_eq!(after.len(), 3);
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1..], before[1..]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_for_all_restarts_all_permanent_ones_and_drops_the_temporary() -> Outcome {
    let drill = Drill::start(Strategy::OneForAll).await?;
    let before = drill_pids(&drill).await;
    drill.tree.crash_child("worker_2").await?;
    settle().await;
    assert_eq!(ids(&drill.tree).await, ["worker_1", "worker_2"]);
    assert!(before.iter().all(|pid| !pid.is_alive()));
    drill.worker_1.ping().await?;
    drill.worker_2.ping().await?;
    let gone = drill.temp_worker.ping().await;
    assert!(matches!(gone, Err(CallError::NoProc)));
    assert!(matches!(
        drill.temp_worker.crash(),
        Err(CastError::NoProc(()))
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_those_after_and_not_those_before() -> Outcome {
    let drill = Drill::start(Strategy::RestForOne).await?;
    let before = drill_pids(&drill).await;
    drill.tree.crash_child("worker_2").await?;
    settle().await;
    let after = drill_pids(&drill).await;
    assert_eq!(after.len(), 2, "the temporary one came after, and is gone");
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);
    drill.tree.crash_child("worker_1").await?;
    settle().await;
    let last = drill_pids(&drill).await;
    assert!(last[0] != after[0] && last[1] != after[1]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_temporary_worker_is_not_restarted() -> Outcome {
    for strategy in ALL {
        let drill = Drill::start(strategy).await?;
        let before = drill_pids(&drill).await;
        drill.tree.crash_child("temp_worker").await?;
        advance(secs(60)).await;
        assert_eq!(drill_pids(&drill).await, before[..2], "{strategy:?}");
        assert!(matches!(
            drill.tree.crash_child("temp_worker").await,
            Err(FaultError::NotFound)
        ));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_worker_panics_when_it_is_asked_to() -> Outcome {
    let drill = Drill::start(Strategy::OneForOne).await?;
    let end = pid(&drill.tree, "worker_1").await.monitor();
    drill.worker_1.crash()?;
    let reason = end.await.to_string();
    assert!(
        reason.contains("worker worker_1 was asked to crash"),
        "{reason}"
    );
    drill.worker_1.ping().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn workers_come_and_go() -> Outcome {
    let drill = Drill::start(Strategy::OneForOne).await?;
    let extra = drill.add_worker(WorkerKind::Permanent, "extra").await?;
    let fleeting = drill.add_worker(WorkerKind::Temporary, "fleeting").await?;
    assert_eq!(drill.tree.info().await?.running, 5);
    assert_eq!(
        extra.server_ref().pid(),
        Some(pid(&drill.tree, "extra").await)
    );
    fleeting.ping().await?;
    assert_eq!(
        child(&drill.tree, "fleeting").await.restart,
        Restart::Temporary
    );
    let error = drill.add_worker(WorkerKind::Failing, "extra").await;
    assert!(matches!(error, Err(StartChildError::AlreadyStarted(_))));
    drill.tree.stop_child("extra").await?;
    let error = drill.add_worker(WorkerKind::Permanent, "extra").await;
    assert!(matches!(error, Err(StartChildError::AlreadyPresent)));
    drill.tree.restart_child("extra").await?;
    extra.ping().await?;
    drill.tree.remove_child("extra").await?;
    drill.tree.remove_child("fleeting").await?;
    assert!(extra.ping().await.is_err());
    assert_eq!(drill.tree.info().await?.specs, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_failing_worker_dies_100_ms_after_each_start_until_the_tree_gives_up() -> Outcome {
    let drill = Drill::start(Strategy::OneForOne).await?;
    let failing = drill.add_worker(WorkerKind::Failing, "failing").await?;
    for restarts in 0..=3 {
        let now = child(&drill.tree, "failing").await;
        assert_eq!(now.restarts, restarts);
        advance(ms(99)).await;
        failing.ping().await?;
        assert_eq!(child(&drill.tree, "failing").await.state, now.state);
        advance(ms(1)).await;
    }
    assert!(!drill.tree.supervisor_ref().is_alive());
    assert!(drill.worker_1.ping().await.is_err());
    Ok(())
}
