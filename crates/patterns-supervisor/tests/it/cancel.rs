//! Futures that are dropped at each of their awaits.

use std::future::pending;

use patterns_supervisor::{
    ChildError, Fault, FaultScript, Node, Strategy, SupervisionTree, TraceStep, TreeConfig,
};
use testing::{at_each_await, ms, secs, settle};
use tokio::time::{sleep, timeout};

use crate::support::{
    Log, Outcome, Probe, child, deep_tree, dropped_after, idle, ids, pid, plan, slow, start,
};

async fn slow_tree() -> SupervisionTree {
    let below = plan(
        "below",
        Strategy::OneForOne,
        [slow("x", ms(5), secs(1)).into(), idle("y").into()],
    );
    start([slow("a", ms(5), secs(1)).into(), below.into()]).await
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_dropped_stops_all_or_nothing() -> Outcome {
    let (mut untouched, mut stopped) = (0, 0);
    at_each_await(async |waits| {
        let tree = slow_tree().await;
        let (a, x) = (pid(&tree, "a").await, pid(&tree, "below/x").await);
        let done = dropped_after(waits, tree.stop()).await;
        sleep(secs(1)).await;
        assert_eq!(a.is_alive(), x.is_alive(), "after {waits} waits");
        if a.is_alive() {
            assert_eq!(tree.info().await.unwrap().running, 2);
            tree.crash_child("below/x").await.unwrap();
            untouched += 1;
        } else {
            assert!(tree.info().await.is_err());
            stopped += 1;
        }
        done
    })
    .await;
    assert!(untouched > 0 && stopped > 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_drops_its_handle_and_so_stops_the_tree_in_order() -> Outcome {
    at_each_await(async |waits| {
        let log = Log::default();
        let tree = start([
            Probe::child("a", &log).into(),
            Probe::child("b", &log).into(),
        ])
        .await;
        let done = dropped_after(waits, tree.run_until(sleep(ms(3)))).await;
        sleep(secs(1)).await;
        let said = log.take().join("; ");
        assert_eq!(
            said, "a: up; b: up; b: down, shutdown; a: down, shutdown",
            "after {waits} waits"
        );
        done
    })
    .await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_leaves_a_tree_with_another_handle_alone() -> Outcome {
    for waits in 0..20 {
        let tree = deep_tree().await;
        // What waits for the signal is dropped by the time that is over.
        let run = dropped_after(waits, tree.clone().run_until(pending::<()>()));
        assert!(!matches!(timeout(secs(1), run).await, Ok(true)));
        settle().await;
        assert_eq!(tree.info().await?.running, 3);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_script_that_is_dropped_leaves_the_rest_undone() -> Outcome {
    let mut seen = Vec::new();
    at_each_await(async |waits| {
        let tree = deep_tree().await;
        let script = FaultScript::new()
            .at(ms(2), "a", Fault::panic("boom"))
            .at(ms(4), "mid/deep/leaf", Fault::Kill)
            .lasting(ms(6));
        let done = dropped_after(waits, script.run(&tree)).await;
        settle().await;
        let restarts = (
            child(&tree, "a").await.restarts,
            child(&tree, "mid/deep/leaf").await.restarts,
        );
        sleep(secs(10)).await;
        assert_eq!(child(&tree, "a").await.restarts, restarts.0);
        assert_eq!(child(&tree, "mid/deep/leaf").await.restarts, restarts.1);
        assert_eq!(tree.info().await.unwrap().running, 3, "after {waits} waits");
        seen.push(restarts);
        done
    })
    .await;
    seen.dedup();
    assert_eq!(seen, [(0, 0), (1, 0), (1, 1)]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_script_that_was_dropped_does_not_disturb_the_next() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let script = FaultScript::new()
        .at(ms(5), "a", Fault::Kill)
        .lasting(ms(6));
    for waits in 0..10 {
        dropped_after(waits, script.clone().run(&tree)).await;
    }
    let trace = script.run(&tree).await?;
    let events = trace
        .entries()
        .iter()
        .filter(|entry| matches!(entry.step, TraceStep::Event(_)));
    assert_eq!(events.count(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_dropped_leaves_nobody() -> Outcome {
    at_each_await(async |waits| {
        let log = Log::default();
        let deep: Node = plan(
            "deep",
            Strategy::OneForOne,
            [Probe::starting_in(ms(1), "y", &log).into()],
        )
        .into();
        let config = plan(
            "root",
            Strategy::OneForOne,
            [Probe::child("x", &log).into(), deep],
        );
        let done = dropped_after(waits, SupervisionTree::start(config)).await;
        sleep(secs(1)).await;
        let said = log.take();
        let up = said.iter().filter(|line| line.ends_with("up")).count();
        let down = said.iter().filter(|line| line.contains("down")).count();
        // A kill runs no `terminate`; what counts is that nobody is left.
        assert!(down <= up, "{said:?}");
        assert_eq!(log.holders(), 1, "after {waits} waits");
        done
    })
    .await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_is_dropped_hits_nobody_or_is_done() -> Outcome {
    at_each_await(async |waits| {
        let tree = deep_tree().await;
        let done = dropped_after(waits, tree.crash_child("mid/deep/leaf")).await;
        settle().await;
        let restarts = child(&tree, "mid/deep/leaf").await.restarts;
        assert_eq!(restarts, u64::from(done), "after {waits} waits");
        done
    })
    .await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_dropped_is_done_in_part_and_can_be_done_again() -> Outcome {
    at_each_await(async |waits| {
        let tree = slow_tree().await;
        let done = dropped_after(waits, tree.remove_child("below/x")).await;
        sleep(secs(1)).await;
        let below = tree.subtree("below").await.unwrap();
        if !done {
            // The last of it may have been done already.
            let again = tree.remove_child("below/x").await;
            assert!(matches!(again, Ok(()) | Err(ChildError::NotFound)));
        }
        assert_eq!(ids(&below).await, ["y"], "after {waits} waits");
        done
    })
    .await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_addition_that_is_dropped_is_done_or_not() -> Outcome {
    let tree = SupervisionTree::start(TreeConfig::default()).await?;
    at_each_await(async |waits| {
        let done = dropped_after(waits, tree.add_child(idle("a"))).await;
        settle().await;
        let info = tree.info().await.unwrap();
        assert_eq!(info.running, info.specs);
        if done {
            assert_eq!(info.running, 1);
        }
        if info.specs > 0 {
            tree.remove_child("a").await.unwrap();
        }
        done
    })
    .await;
    Ok(())
}
