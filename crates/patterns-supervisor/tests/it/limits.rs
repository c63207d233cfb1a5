//! How many restarts are borne, exactly.

use std::time::Duration;

use patterns_supervisor::{ExitReason, Strategy, SupervisionTree, TreeConfig};
use testing::{advance, ms, secs, settle};

use crate::support::{Outcome, Pids, happened, idle, pid, plan};

/// A tree with the default limits: 3 restarts within 5 s.
async fn by_default(strategy: Strategy) -> SupervisionTree {
    SupervisionTree::start(TreeConfig {
        strategy,
        children: vec![idle("a").into(), idle("b").into()],
        ..TreeConfig::default()
    })
    .await
    .unwrap()
}

async fn crash(tree: &SupervisionTree, times: usize) {
    for _ in 0..times {
        tree.crash_child("a").await.unwrap();
        settle().await;
    }
}

fn is_alive(tree: &SupervisionTree) -> bool {
    tree.supervisor_ref().is_alive()
}

#[tokio::test(start_paused = true)]
async fn three_restarts_are_borne_and_the_fourth_is_too_much() -> Outcome {
    for strategy in [
        Strategy::OneForOne,
        Strategy::OneForAll,
        Strategy::RestForOne,
    ] {
        let tree = by_default(strategy).await;
        let mut events = tree.events().await?;
        let other = pid(&tree, "b").await;
        let end = tree.supervisor_ref().pid().unwrap().monitor();
        crash(&tree, 3).await;
        assert!(is_alive(&tree));
        crash(&tree, 1).await;
        assert!(!is_alive(&tree) && !other.is_alive());
        assert!(matches!(end.await, ExitReason::Shutdown));
        let told = happened(&mut events, &mut Pids::default());
        assert!(told.contains("root: gave up, a failed too often"), "{told}");
        assert!(events.recv().await.is_none());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_first_of_four_counts_for_five_seconds_and_no_longer() {
    let tree = by_default(Strategy::OneForOne).await;
    crash(&tree, 3).await;
    advance(secs(5)).await;
    crash(&tree, 1).await;
    assert!(!is_alive(&tree), "it is still within the period");

    let tree = by_default(Strategy::OneForOne).await;
    crash(&tree, 3).await;
    advance(secs(5) + Duration::from_nanos(1)).await;
    crash(&tree, 1).await;
    assert!(is_alive(&tree), "it is over");
    crash(&tree, 2).await;
    assert!(is_alive(&tree));
    crash(&tree, 1).await;
    assert!(!is_alive(&tree));
}

#[tokio::test(start_paused = true)]
async fn the_period_slides() {
    let tree = by_default(Strategy::OneForOne).await;
    for _ in 0..20 {
        crash(&tree, 1).await;
        advance(ms(1_700)).await;
    }
    assert!(is_alive(&tree));
}

#[tokio::test(start_paused = true)]
async fn restarts_of_all_children_count_together_and_a_group_as_one() -> Outcome {
    let tree = by_default(Strategy::OneForOne).await;
    for path in ["a", "b", "a", "b"] {
        tree.crash_child(path).await?;
        settle().await;
    }
    assert!(!is_alive(&tree));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn limits_are_what_the_config_says() {
    for max_restarts in [0, 1, 7] {
        let tree = SupervisionTree::start(TreeConfig {
            max_restarts,
            restart_period: secs(60),
            children: vec![idle("a").into()],
            ..TreeConfig::default()
        })
        .await
        .unwrap();
        for _ in 0..max_restarts {
            crash(&tree, 1).await;
            advance(ms(1)).await;
        }
        assert!(is_alive(&tree));
        crash(&tree, 1).await;
        assert!(!is_alive(&tree), "{max_restarts} were allowed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_period_of_zero_forgets_each_restart_and_the_longest_none() {
    for (period, survives) in [(Duration::ZERO, true), (Duration::MAX, false)] {
        let tree = SupervisionTree::start(TreeConfig {
            max_restarts: 1,
            restart_period: period,
            children: vec![idle("a").into()],
            ..TreeConfig::default()
        })
        .await
        .unwrap();
        for _ in 0..2 {
            crash(&tree, 1).await;
            advance(secs(3600)).await;
        }
        assert_eq!(is_alive(&tree), survives, "{period:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_gives_up_is_a_child_that_failed_to_the_one_above() -> Outcome {
    let below = TreeConfig {
        id: "below".into(),
        children: vec![idle("x").into()],
        ..TreeConfig::default()
    };
    let tree = SupervisionTree::start(plan("root", Strategy::OneForOne, [below.into()])).await?;
    let mut events = tree.events().await?;
    for _ in 0..4 {
        tree.crash_child("below/x").await?;
        settle().await;
    }
    let told = happened(&mut events, &mut Pids::default());
    let from = told.find("below: gave up").unwrap();
    insta::assert_snapshot!(&told[from..], @r"
    below: gave up, x failed too often
    below: <5> exited: shutdown
    below: starting
    below/x: starting
    below/x: started as <6>
    below: started as <7>, restart 1
    ");
    assert!(is_alive(&tree));
    Ok(())
}
