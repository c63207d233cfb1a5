//! Handles: the last one stops the tree, and no other thing keeps it.

use patterns_supervisor::Strategy;
use patterns_supervisor::drill::Drill;
use testing::{ms, settle};

use crate::support::{Log, Outcome, Probe, deep_tree, idle, pid, slow, start};

#[tokio::test(start_paused = true)]
async fn the_last_handle_stops_the_tree_in_order() {
    let log = Log::default();
    let tree = start([
        Probe::child("a", &log).into(),
        Probe::child("b", &log).into(),
    ])
    .await;
    let other = tree.clone();
    drop(tree);
    settle().await;
    assert_eq!(log.take(), ["a: up", "b: up"]);
    drop(other);
    settle().await;
    assert_eq!(log.take(), ["b: down, shutdown", "a: down, shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_tree_gives_its_children_their_time() {
    let tree = start([slow("a", ms(300), ms(400)).into()]).await;
    let a = pid(&tree, "a").await;
    drop(tree);
    tokio::time::sleep(ms(299)).await;
    assert!(a.is_alive());
    tokio::time::sleep(ms(2)).await;
    assert!(!a.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_handle_of_a_subtree_keeps_neither_the_tree_nor_the_subtree() -> Outcome {
    let tree = deep_tree().await;
    let leaf = pid(&tree, "mid/deep/leaf").await;
    drop(tree.subtree("mid").await?);
    settle().await;
    assert!(leaf.is_alive(), "the tree goes on without that handle");
    let mid = tree.subtree("mid").await?;
    drop(tree);
    settle().await;
    assert!(!leaf.is_alive() && mid.info().await.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_workers_address_does_not_keep_the_tree() -> Outcome {
    let Drill { tree, worker_1, .. } = Drill::start(Strategy::OneForOne).await?;
    drop(tree);
    settle().await;
    assert!(worker_1.ping().await.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_detached_tree_runs_without_a_handle() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let a = pid(&tree, "a").await;
    tree.supervisor_ref().clone().detach();
    drop(tree);
    settle().await;
    assert!(a.is_alive());
    Ok(())
}
