//! The stop of a tree, and the report of it.

use std::future::{pending, ready};

use patterns_supervisor::{
    AutoShutdown, Child, ExitReason, Restart, Shutdown, ShutdownReport, StopError, StopToken,
    Strategy, SupervisionTree, TreeConfig,
};
use testing::{advance, ms, secs, settle};
use tokio::time::{Instant, sleep};

use crate::support::{Log, Msg, Outcome, Probe, deep_tree, idle, pid, plan, slow, start};

/// A child that does not heed the token.
fn deaf(id: &str, limit: std::time::Duration) -> Child<std::convert::Infallible> {
    Child::task(id, |_: StopToken| pending()).shutdown(Shutdown::Timeout(limit))
}

fn paths(report: &ShutdownReport) -> Vec<&str> {
    report.children.iter().map(|child| &*child.path).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_everybody_in_reverse_order() -> Outcome {
    let tree = deep_tree().await;
    let report = tree.stop().await?;
    assert_eq!(
        paths(&report),
        ["z", "mid/deep/leaf", "mid/deep", "mid/task", "mid", "a"]
    );
    assert!(report.reason.is_normal());
    assert_eq!(report.slow().count(), 0);
    assert!(report.gave_up_on.is_none());
    insta::assert_snapshot!(report, @"ended: normal; 6 children were stopped in 0.0ns");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn children_that_end_just_in_time_are_told_as_slowest_and_not_as_killed() -> Outcome {
    let below = plan(
        "below",
        Strategy::OneForOne,
        [slow("deep", ms(1_999), secs(2)).into()],
    );
    let tree = start([
        slow("a", ms(999), secs(1)).into(),
        below.into(),
        idle("quick").into(),
    ])
    .await;
    let begun = Instant::now();
    let report = tree.stop().await?;
    assert_eq!((report.took, begun.elapsed()), (ms(2_998), ms(2_998)));
    assert_eq!(report.slow().count(), 0);
    let took: Vec<_> = report
        .children
        .iter()
        .map(|child| (&*child.path, child.took))
        .collect();
    assert_eq!(
        took,
        [
            ("quick", ms(0)),
            ("below/deep", ms(1_999)),
            ("below", ms(1_999)),
            ("a", ms(999)),
        ]
    );
    insta::assert_snapshot!(report, @r"
    ended: normal; 4 children were stopped in 3.0s
      slowest in time: below/deep, 2.0s
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn slow_children_at_two_depths_are_killed_and_named() -> Outcome {
    let deep = plan(
        "deep",
        Strategy::OneForOne,
        [deaf("loop", ms(1_500)).into(), idle("fine").into()],
    );
    let below = plan("below", Strategy::OneForOne, [deep.into()]);
    let tree = start([
        slow("upload", secs(10), secs(2)).into(),
        below.into(),
        slow("last", ms(20), secs(2)).into(),
    ])
    .await;
    let report = tree.run_until(sleep(secs(60))).await;
    assert!(report.reason.is_normal());
    assert_eq!(report.took, ms(3_520));
    let slow: Vec<_> = report
        .slow()
        .map(|child| (&*child.path, child.overran, child.took))
        .collect();
    assert_eq!(
        slow,
        [
            ("below/deep/loop", Some(ms(1_500)), ms(1_500)),
            ("upload", Some(secs(2)), secs(2)),
        ]
    );
    assert!(
        report
            .slow()
            .all(|child| matches!(child.reason, ExitReason::Killed))
    );
    insta::assert_snapshot!(report, @r"
    ended: normal; 6 children were stopped in 3.5s
      below/deep/loop was killed: it had not ended after 1.5s
      upload was killed: it had not ended after 2s
      slowest in time: last, 20.0ms
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_to_be_killed_is_not_slow() -> Outcome {
    let tree = start([deaf("a", secs(1)).shutdown(Shutdown::BrutalKill).into()]).await;
    let report = tree.stop().await?;
    assert_eq!(report.slow().count(), 0);
    assert!(matches!(report.children[0].reason, ExitReason::Killed));
    insta::assert_snapshot!(report, @"ended: normal; 1 child was stopped in 0.0ns");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_children_of_a_supervisor_that_is_killed_for_slowness_are_in_the_report() -> Outcome {
    let below = plan(
        "below",
        Strategy::OneForOne,
        [
            idle("waiting").into(),
            slow("slow", secs(60), secs(60)).into(),
        ],
    );
    let below = below.into_child().shutdown(Shutdown::Timeout(secs(1)));
    let tree = start([below.into(), idle("z").into()]).await;
    let report = tree.stop().await?;
    let told: Vec<_> = report
        .children
        .iter()
        .map(|child| format!("{}: {}", child.path, child.reason))
        .collect();
    assert_eq!(
        told,
        [
            "z: normal",
            "below: killed",
            "below/waiting: killed",
            "below/slow: killed",
        ]
    );
    insta::assert_snapshot!(report, @r"
    ended: normal; 4 children were stopped in 1.0s
      below was killed: it had not ended after 1s
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_ended_before_the_stop_is_no_part_of_the_report() -> Outcome {
    let tree = start([idle("a").into(), idle("b").into()]).await;
    let crashes = tree.clone();
    let signal = async move {
        crashes.crash_child("a").await.unwrap();
        sleep(secs(1)).await;
        crashes.stop_child("b").await.unwrap();
    };
    let report = tree.run_until(signal).await;
    assert_eq!(paths(&report), ["a"]);
    assert!(report.reason.is_normal());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_by_a_signal_however_it_comes() -> Outcome {
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let tree = deep_tree().await;
    let leaf = pid(&tree, "mid/deep/leaf").await;
    let run = tokio::spawn(tree.run_until(receive));
    settle().await;
    assert!(leaf.is_alive() && !run.is_finished());
    send.send(()).unwrap();
    let report = run.await?;
    assert!(!leaf.is_alive());
    assert_eq!((report.children.len(), report.took), (6, ms(0)));
    // And at once.
    let report = deep_tree().await.run_until(ready(())).await;
    assert_eq!(report.children.len(), 6);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_the_tree_gives_up_and_says_on_whom() -> Outcome {
    let tree = SupervisionTree::start(TreeConfig {
        children: vec![idle("a").into(), slow("b", ms(300), secs(1)).into()],
        ..TreeConfig::default()
    })
    .await?;
    let crashes = tree.clone();
    let crash = async move {
        for _ in 0..4 {
            sleep(secs(1)).await;
            crashes.crash_child("a").await.unwrap();
        }
    };
    let (report, ()) = tokio::join!(tree.run_until(pending::<()>()), crash);
    assert!(matches!(report.reason, ExitReason::Shutdown));
    assert_eq!(report.gave_up_on.as_deref(), Some("a"));
    assert_eq!((paths(&report), report.took), (vec!["b"], ms(300)));
    insta::assert_snapshot!(report, @r"
    ended: shutdown, a failed too often; 1 child was stopped in 300.0ms
      slowest in time: b, 300.0ms
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_the_tree_shuts_down_by_itself() -> Outcome {
    let job = Child::task("job", |_| async {
        sleep(secs(30)).await;
        Ok(())
    });
    let tree = SupervisionTree::start(TreeConfig {
        auto_shutdown: AutoShutdown::AnySignificant,
        children: vec![
            slow("helper", ms(200), secs(1)).into(),
            job.restart(Restart::Transient).significant().into(),
        ],
        ..TreeConfig::default()
    })
    .await?;
    let begun = Instant::now();
    let report = tree.run_until(pending::<()>()).await;
    assert_eq!(begun.elapsed(), ms(30_200));
    assert!(matches!(report.reason, ExitReason::Shutdown));
    assert_eq!((paths(&report), report.took), (vec!["helper"], ms(200)));
    insta::assert_snapshot!(report, @r"
    ended: shutdown; 1 child was stopped in 200.0ms
      slowest in time: helper, 200.0ms
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_another_handle_stops_the_tree() -> Outcome {
    let tree = start([slow("a", ms(300), secs(1)).into()]).await;
    let other = tree.clone();
    let (report, stopped) = tokio::join!(tree.run_until(pending::<()>()), async move {
        sleep(secs(1)).await;
        other.stop().await
    });
    let stopped = stopped?;
    assert_eq!((report.took, stopped.took), (ms(300), ms(300)));
    assert_eq!((paths(&report), paths(&stopped)), (vec!["a"], vec!["a"]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_signal_during_the_stop_changes_nothing() -> Outcome {
    let tree = start([slow("a", ms(300), secs(1)).into()]).await;
    let other = tree.clone();
    let (report, stopped) = tokio::join!(tree.run_until(sleep(ms(1_100))), async move {
        sleep(secs(1)).await;
        other.stop().await
    });
    stopped?;
    assert_eq!((paths(&report), report.took), (vec!["a"], ms(300)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_tree_reports_that() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let root = tree.supervisor_ref().pid().unwrap();
    let (report, ()) = tokio::join!(tree.run_until(pending::<()>()), async {
        sleep(secs(1)).await;
        root.kill();
    });
    assert!(matches!(report.reason, ExitReason::Killed));
    insta::assert_snapshot!(report, @"ended: killed; there was nobody to stop");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_ended_already_has_a_report_that_says_so() -> Outcome {
    let tree = start([idle("a").into()]).await;
    tree.stop().await?;
    assert!(matches!(tree.stop().await, Err(StopError::NoProc)));
    assert_eq!(tree.pid(), None);
    assert!(matches!(tree.wait().await, ExitReason::NoProc));
    let report = tree.run_until(pending::<()>()).await;
    assert!(matches!(report.reason, ExitReason::NoProc));
    assert!(report.children.is_empty() && report.took.is_zero());
    insta::assert_snapshot!(report, @"ended: no such process; there was nobody to stop");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_the_moment_of_the_end_reports_the_end() -> Outcome {
    let tree = SupervisionTree::start(TreeConfig {
        max_restarts: 0,
        children: vec![idle("a").into(), idle("b").into()],
        ..TreeConfig::default()
    })
    .await?;
    tree.crash_child("a").await?;
    let report = tree.stop().await?;
    assert!(matches!(report.reason, ExitReason::Shutdown));
    assert_eq!(report.gave_up_on.as_deref(), Some("a"));
    assert_eq!(paths(&report), ["b"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waiting_gives_the_reason_of_the_end() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let (reason, stopped) = tokio::join!(tree.wait(), async {
        sleep(secs(1)).await;
        tree.stop().await
    });
    stopped?;
    assert!(reason.is_normal());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stopped_subtree_is_an_ended_child_and_comes_back() -> Outcome {
    let tree = deep_tree().await;
    let mid = tree.subtree("mid").await?;
    let report = mid.stop().await?;
    assert_eq!(paths(&report), ["deep/leaf", "deep", "task"]);
    settle().await;
    assert!(pid(&tree, "mid/deep/leaf").await.is_alive());
    // By a signal as well.
    let report = mid.clone().run_until(ready(())).await;
    assert_eq!(paths(&report), ["deep/leaf", "deep", "task"]);
    assert!(report.reason.is_normal());
    settle().await;
    // Whom the tree stops on its own account is reported in the same way.
    let (report, stopped) = tokio::join!(mid.run_until(pending::<()>()), async {
        sleep(secs(1)).await;
        tree.stop_child("mid").await
    });
    stopped?;
    assert_eq!(paths(&report), ["deep/leaf", "deep", "task"]);
    assert!(matches!(report.reason, ExitReason::Shutdown));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_while_it_is_stopped_has_its_own_reason() -> Outcome {
    let fails = Child::task("fails", |stop: StopToken| async move {
        stop.requested().await;
        Err(ExitReason::boxed("could not flush"))
    });
    let server = Probe::child("server", &Log::default());
    let address = server.server_ref();
    let tree = start([fails.into(), server.into()]).await;
    address.cast(Msg::Hang).ok().unwrap();
    advance(ms(1)).await;
    let report = tree.stop().await?;
    let told: Vec<_> = report
        .children
        .iter()
        .map(|child| format!("{}: {}", child.path, child.reason))
        .collect();
    assert_eq!(told, ["server: killed", "fails: could not flush"]);
    assert_eq!(report.slow().next().unwrap().overran, Some(secs(5)));
    Ok(())
}
