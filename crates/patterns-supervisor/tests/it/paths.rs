//! Paths: children at any depth, ids that hold a `/` themselves, and ways that lead nowhere.

use otp_core::CallError;
use patterns_supervisor::{ChildError, ChildState, FaultError, Strategy};
use testing::settle;

use crate::support::{Outcome, deep_tree, find, idle, ids, pid, plan, start};

#[tokio::test(start_paused = true)]
async fn every_operation_reaches_every_depth() -> Outcome {
    let tree = deep_tree().await;
    for path in ["a", "mid/task", "mid/deep/leaf"] {
        let first = pid(&tree, path).await;
        tree.crash_child(path).await?;
        settle().await;
        assert_ne!(pid(&tree, path).await, first, "{path} was restarted");
        tree.stop_child(path).await?;
        assert_eq!(
            find(&tree, path).await.unwrap().state,
            ChildState::Stopped,
            "{path}"
        );
        let started = tree.restart_child(path).await?;
        assert_eq!(pid(&tree, path).await, started, "{path}");
        tree.remove_child(path).await?;
        assert!(find(&tree, path).await.is_none(), "{path}");
    }
    let _ = tree
        .subtree("mid/deep")
        .await?
        .add_child(idle("new"))
        .await?;
    tree.crash_child("mid/deep/new").await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn paths_of_a_subtree_begin_there() -> Outcome {
    let tree = deep_tree().await;
    let mid = tree.subtree("mid").await?;
    assert_eq!(ids(&mid).await, ["task", "deep"]);
    let leaf = pid(&tree, "mid/deep/leaf").await;
    mid.crash_child("deep/leaf").await?;
    settle().await;
    assert_ne!(pid(&tree, "mid/deep/leaf").await, leaf);
    let deep = mid.subtree("deep").await?;
    deep.crash_child("leaf").await?;
    assert!(matches!(
        mid.crash_child("mid/deep").await,
        Err(FaultError::NotFound)
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_id_may_hold_slashes() -> Outcome {
    let below = plan("x/y", Strategy::OneForOne, [idle("1/2").into()]);
    let tree = start([idle("a/b/c").into(), below.into(), idle("/").into()]).await;
    for path in ["a/b/c", "x/y", "x/y/1/2", "/"] {
        tree.crash_child(path).await?;
        settle().await;
    }
    assert_eq!(ids(&tree.subtree("x/y").await?).await, ["1/2"]);
    for path in ["a", "a/b", "x", "x/y/1", "1/2", "", "//", "x/y/"] {
        let error = tree.crash_child(path).await;
        assert!(matches!(error, Err(FaultError::NotFound)), "{path:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn where_a_path_fits_several_ids_the_way_that_leads_on_is_taken() -> Outcome {
    // `a` is a worker here, and could be taken for the supervisor of `b/c`.
    let of_two = plan("a/b", Strategy::OneForOne, [idle("c").into()]);
    let tree = start([idle("a").into(), of_two.into()]).await;
    tree.crash_child("a/b/c").await?;
    let of_two = plan("a/b", Strategy::OneForOne, [idle("c").into()]);
    let tree = start([of_two.into(), idle("a").into()]).await;
    tree.crash_child("a/b/c").await?;
    // Here it is one, but has no such child; and here it is the one that has it.
    for order in [[0, 1], [1, 0]] {
        let made = order.map(|which| match which {
            0 => plan("a", Strategy::OneForOne, [idle("b/d").into()]).into(),
            _ => plan("a/b", Strategy::OneForOne, [idle("c").into()]).into(),
        });
        let tree = start(made).await;
        tree.crash_child("a/b/c").await?;
        tree.crash_child("a/b/d").await?;
        assert!(matches!(
            tree.crash_child("a/b/e").await,
            Err(FaultError::NotFound)
        ));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn where_a_path_leads_to_two_children_the_longer_id_goes_first() -> Outcome {
    for order in [[0, 1], [1, 0]] {
        let made = order.map(|which| match which {
            0 => plan("a", Strategy::OneForOne, [idle("b/c").into()]).into(),
            _ => plan("a/b", Strategy::OneForOne, [idle("c").into()]).into(),
        });
        let tree = start(made).await;
        tree.crash_child("a/b/c").await?;
        settle().await;
        let restarts = async |path| {
            let parent = tree.subtree(path).await.unwrap();
            parent.info().await.unwrap().children[0].restarts
        };
        assert_eq!((restarts("a/b").await, restarts("a").await), (1, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn unknown_ids_are_not_found_by_any_operation() -> Outcome {
    let tree = deep_tree().await;
    for path in [
        "nobody",
        "mid/nobody",
        "mid/deep/nobody",
        "nobody/leaf",
        "a/b",
        "mid/task/x",
    ] {
        let not_found = |outcome| matches!(outcome, Err(ChildError::NotFound));
        assert!(not_found(tree.remove_child(path).await), "{path}");
        assert!(not_found(tree.stop_child(path).await), "{path}");
        assert!(
            not_found(tree.restart_child(path).await.map(drop)),
            "{path}"
        );
        assert!(not_found(tree.subtree(path).await.map(drop)), "{path}");
        let crashed = tree.crash_child(path).await;
        assert!(matches!(crashed, Err(FaultError::NotFound)), "{path}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_worker_has_no_subtree() -> Outcome {
    let tree = deep_tree().await;
    for path in ["a", "mid/task"] {
        let error = tree.subtree(path).await.unwrap_err();
        assert!(matches!(error, ChildError::NotSupervisor), "{path}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn below_a_supervisor_that_is_stopped_nobody_can_be_asked() -> Outcome {
    let tree = deep_tree().await;
    tree.stop_child("mid").await?;
    assert!(matches!(
        tree.crash_child("mid/deep/leaf").await,
        Err(FaultError::Call(CallError::NoProc))
    ));
    assert!(matches!(
        tree.remove_child("mid/deep/leaf").await,
        Err(ChildError::Call(CallError::NoProc))
    ));
    tree.restart_child("mid").await?;
    tree.crash_child("mid/deep/leaf").await?;
    Ok(())
}
