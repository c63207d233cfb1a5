//! `SupervisorRef::supervisor`: the address of a supervisor below.

use otp_core::{CallError, Child, ChildError, ChildState, Restart, Strategy};

use super::{patient, probe, state};
use crate::support::{Log, Outcome, quiet};

#[tokio::test(start_paused = true)]
async fn who_is_not_there_or_no_supervisor_has_no_such_address() -> Outcome {
    let task = Child::task("task", |stop| async move {
        stop.requested().await;
        Ok(())
    });
    let plan = patient(Strategy::OneForOne).child(probe("server", &Log::default()));
    let tree = plan.child(task).start().await?;
    for id in ["server", "task"] {
        let refused = tree.supervisor(id).await;
        assert!(matches!(refused, Err(ChildError::NotSupervisor)), "{id}");
    }
    for id in ["", "none", "root"] {
        let refused = tree.supervisor(id).await;
        assert!(matches!(refused, Err(ChildError::NotFound)), "{id}");
    }
    tree.stop().await?;
    let refused = tree.supervisor("server").await;
    assert!(
        matches!(refused, Err(ChildError::Call(CallError::NoProc))),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_address_is_valid_over_restarts_and_closed_with_the_child() -> Outcome {
    let given = Child::supervisor(
        "given",
        patient(Strategy::OneForOne).child(probe("a", &Log::default())),
    );
    let tree = patient(Strategy::OneForOne).child(given).start().await?;
    let later = patient(Strategy::OneForOne).child(probe("a", &Log::default()));
    let later = Child::supervisor("later", later);
    let _later = tree.start_child(later).await?;
    for id in ["given", "later"] {
        let below = tree.supervisor(id).await?;
        assert_eq!(below, tree.supervisor(id).await?);
        for _ in 0..3 {
            below.pid().ok_or("no pid")?.kill();
            quiet().await;
            assert_eq!(below.count_children().await?.active, 1);
        }
        below.pid().ok_or("no pid")?.crash("drill");
        quiet().await;
        assert_eq!(below.count_children().await?.active, 1);
        assert_eq!(below, tree.supervisor(id).await?);

        tree.terminate_child(id).await?;
        assert!(!below.is_alive());
        assert_eq!(below, tree.supervisor(id).await?);
        assert!(matches!(
            below.count_children().await,
            Err(CallError::NoProc)
        ));
        tree.restart_child(id).await?;
        assert_eq!(below.count_children().await?.active, 1);

        tree.terminate_child(id).await?;
        tree.delete_child(id).await?;
        let refused = tree.supervisor(id).await;
        assert!(matches!(refused, Err(ChildError::NotFound)), "{refused:?}");
        assert!(below.count_children().await.is_err());
        assert!(below.pid().is_none() && !below.is_alive());
    }
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_address_does_not_keep_a_supervisor_running_that_has_ended() -> Outcome {
    let nested = Child::supervisor("nested", patient(Strategy::OneForOne));
    let tree = patient(Strategy::OneForOne)
        .child(nested.restart(Restart::Transient))
        .start()
        .await?;
    let below = tree.supervisor("nested").await?;
    below.stop().await?;
    quiet().await;
    assert_eq!(state(&tree, "nested").await, ChildState::Stopped);
    let below = tree.supervisor("nested").await?;
    assert!(matches!(
        below.count_children().await,
        Err(CallError::NoProc)
    ));
    drop(tree);
    quiet().await;
    assert!(!below.is_alive());
    Ok(())
}
