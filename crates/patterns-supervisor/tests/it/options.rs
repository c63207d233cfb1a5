//! A tree as data: its text, its defaults, and what makes a wrong one.

use patterns_supervisor::{
    AutoShutdown, Child, ChildKind, Fault, FaultScript, Node, Restart, StartError, Strategy,
    SupervisionTree, Supervisor, TreeConfig, TreeEvents,
};
use testing::{secs, settle};

use crate::support::{Log, Outcome, Pids, Probe, idle, ids, plan};

#[test]
fn the_defaults_are_those_that_the_fields_state() {
    let TreeConfig {
        id,
        strategy,
        max_restarts,
        restart_period,
        auto_shutdown,
        children,
        ..
    } = TreeConfig::default();
    assert_eq!(&*id, "root");
    assert_eq!(strategy, Strategy::OneForOne);
    assert_eq!((max_restarts, restart_period), (3, secs(5)));
    assert_eq!(auto_shutdown, AutoShutdown::Never);
    assert!(children.is_empty());
}

#[test]
fn a_plan_is_a_tree_of_text() {
    let deep = plan("deep", Strategy::OneForAll, [idle("leaf").into()]);
    let middle = plan(
        "middle",
        Strategy::RestForOne,
        [idle("first").into(), deep.into(), idle("last").into()],
    );
    let config = plan(
        "shop",
        Strategy::OneForOne,
        [
            middle.into(),
            Probe::child("server", &Log::default()).into(),
            plan("empty", Strategy::OneForOne, []).into(),
        ],
    );
    insta::assert_snapshot!(config, @r"
    shop OneForOne
    ├─ middle RestForOne
    │  ├─ first
    │  ├─ deep OneForAll
    │  │  └─ leaf
    │  └─ last
    ├─ server
    └─ empty OneForOne
    ");
}

#[test]
fn a_node_tells_its_id_and_shows_itself() {
    let leaf = Node::from(idle("leaf"));
    assert_eq!(&**leaf.id(), "leaf");
    insta::assert_snapshot!(format!("{leaf:?}"), @r#"Node("leaf")"#);
    let tree = Node::from(plan("tree", Strategy::OneForOne, [leaf]));
    assert_eq!(&**tree.id(), "tree");
    insta::assert_snapshot!(format!("{tree:?}"), @r#"Node(TreeConfig { id: "tree", strategy: OneForOne, max_restarts: 18446744073709551615, restart_period: 5s, auto_shutdown: Never, children: [Node("leaf")] })"#);
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_what_the_plan_says() -> Outcome {
    let below = TreeConfig {
        id: "below".into(),
        strategy: Strategy::RestForOne,
        children: vec![idle("x").into(), idle("y").into()],
        ..TreeConfig::default()
    };
    let tree = SupervisionTree::start(TreeConfig {
        children: vec![idle("a").into(), below.into(), idle("b").into()],
        ..TreeConfig::default()
    })
    .await?;
    assert_eq!(ids(&tree).await, ["a", "below", "b"]);
    let below = tree.subtree("below").await?;
    assert_eq!(ids(&below).await, ["x", "y"]);
    assert_eq!(below.info().await?.strategy, Strategy::RestForOne);
    let mut pids = Pids::default();
    insta::assert_snapshot!(pids.plain(&tree.snapshot().await?.to_string()), @r"
    root <1> OneForOne
    ├─ a <2>
    ├─ below <3> RestForOne
    │  ├─ x <4>
    │  └─ y <5>
    └─ b <6>
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tree_without_children_runs() -> Outcome {
    let tree = SupervisionTree::start(TreeConfig::default()).await?;
    let info = tree.info().await?;
    assert_eq!((info.specs, info.running), (0, 0));
    assert!(info.children.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_children_of_one_id_are_refused_and_nothing_starts() -> Outcome {
    let log = Log::default();
    let twins = plan(
        "root",
        Strategy::OneForOne,
        [
            Probe::child("a", &log).into(),
            Probe::child("a", &log).into(),
        ],
    );
    let error = SupervisionTree::start(twins).await.unwrap_err();
    assert!(matches!(error, StartError::BadOption(bad) if bad.option == "id"));
    insta::assert_snapshot!(error, @"option `id` must be different for each child of a supervisor");
    settle().await;
    assert!(log.take().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_children_of_one_id_below_are_refused_and_the_supervisor_is_named() -> Outcome {
    let log = Log::default();
    let twins = plan(
        "twins",
        Strategy::OneForOne,
        [idle("a").into(), idle("a").into()],
    );
    let tree = plan(
        "root",
        Strategy::OneForOne,
        [Probe::child("before", &log).into(), twins.into()],
    );
    let error = SupervisionTree::start(tree).await.unwrap_err();
    assert!(matches!(error, StartError::Failed(_)));
    insta::assert_snapshot!(error, @"init failed: shutdown: child `twins` did not start: option `id` must be different for each child of a supervisor");
    settle().await;
    assert_eq!(log.take(), ["before: up", "before: down, shutdown"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_id_may_be_used_below_different_supervisors() -> Outcome {
    let below = plan("a", Strategy::OneForOne, [idle("a").into()]);
    let tree = SupervisionTree::start(plan("a", Strategy::OneForOne, [below.into()])).await?;
    tree.crash_child("a/a").await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_significant_child_needs_a_tree_that_shuts_down() {
    let child = idle("done").restart(Restart::Transient).significant();
    let error = SupervisionTree::start(plan("root", Strategy::OneForOne, [child.into()])).await;
    insta::assert_snapshot!(error.unwrap_err(), @"option `auto_shutdown` must be any or all significant where a child is significant");
}

#[tokio::test(start_paused = true)]
async fn a_tree_may_be_a_child_on_terms_of_its_own() -> Outcome {
    let below = plan("below", Strategy::OneForOne, [idle("x").into()]);
    let below = below.into_child().restart(Restart::Temporary);
    let supervisor = Supervisor::new(Strategy::OneForOne).child(below);
    let tree = SupervisionTree::from(supervisor.start().await?);
    let info = tree.info().await?;
    assert_eq!(info.children[0].kind, ChildKind::Supervisor);
    assert_eq!(info.children[0].restart, Restart::Temporary);
    tree.crash_child("below/x").await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tree_may_be_a_hundred_supervisors_deep() -> Outcome {
    let mut tree = plan("n", Strategy::OneForOne, [idle("leaf").into()]);
    for _ in 0..100 {
        tree = plan("n", Strategy::OneForOne, [tree.into()]);
    }
    let tree = SupervisionTree::start(tree).await?;
    tree.crash_child(&format!("{}leaf", "n/".repeat(100)))
        .await?;
    assert_eq!(tree.snapshot().await?.to_string().lines().count(), 102);
    let report = tree.stop().await?;
    assert_eq!(report.children.len(), 101);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_start_is_named_with_its_way() {
    let fails = Child::task("fails", |_| async { Ok(()) });
    let panics: Child<std::convert::Infallible> = Child::task("panics", |_| {
        if true {
            std::panic::resume_unwind(Box::new("no config"));
        }
        async { Ok(()) }
    });
    let below = plan("below", Strategy::OneForOne, [fails.into(), panics.into()]);
    let error = SupervisionTree::start(plan("root", Strategy::OneForOne, [below.into()])).await;
    insta::assert_snapshot!(error.unwrap_err(), @"init failed: shutdown: child `below` did not start: shutdown: child `panics` did not start: panicked: no config");
}

#[test]
fn a_start_without_a_runtime_is_an_error() {
    use std::future::Future;
    let start = std::pin::pin!(SupervisionTree::start(TreeConfig::default()));
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(started) = start.poll(&mut nobody) else {
        panic!("it waits for a runtime that is not there");
    };
    insta::assert_snapshot!(started.unwrap_err(), @"there is no tokio runtime here");
}

#[test]
fn handles_and_futures_can_be_shared_and_sent() {
    fn shared<T: Send + Sync + Unpin + 'static>() {}
    fn sent<T: Send>(_: &T) {}
    fn futures(tree: SupervisionTree, mut events: TreeEvents) {
        sent(&tree.stop());
        sent(&tree.info());
        sent(&tree.snapshot());
        sent(&tree.inject("a", Fault::Kill));
        sent(&tree.remove_child("a"));
        sent(&events.recv());
        sent(&FaultScript::new().run(&tree));
        sent(&tree.run_until(std::future::pending::<()>()));
    }
    let _ = futures;
    shared::<SupervisionTree>();
    shared::<patterns_supervisor::drill::Worker>();
    shared::<FaultScript>();
    fn is_send<T: Send>() {}
    is_send::<TreeConfig>();
    is_send::<Node>();
    is_send::<TreeEvents>();
}
