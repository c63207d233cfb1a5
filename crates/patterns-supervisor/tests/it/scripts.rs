//! Faults by a script, and the trace of what came of them.

use std::time::Duration;

use otp_core::CallError;
use patterns_supervisor::{
    Child, ExitReason, Fault, FaultScript, FaultTrace, Restart, Strategy, SupervisionTree,
    TraceStep, TreeConfig,
};
use testing::{ms, secs};
use tokio::time::{Instant, sleep};

use crate::support::{Log, Outcome, Probe, deep_tree, idle, pid, plan, slow, start};

fn drill_script() -> FaultScript {
    FaultScript::new()
        .at(secs(9), "mid/deep", Fault::Kill)
        .at(secs(3), "mid/deep/leaf", Fault::panic("disk full"))
        .at(secs(5), "mid/task", Fault::Exit(ExitReason::boxed("go")))
        .at(secs(5), "nobody", Fault::Kill)
        .at(secs(12), "mid", Fault::panic("no more"))
        .lasting(secs(20))
}

#[tokio::test(start_paused = true)]
async fn a_trace_tells_each_fault_and_what_came_of_it() -> Outcome {
    let tree = deep_tree().await;
    let begun = Instant::now();
    let trace = drill_script().run(&tree).await?;
    assert_eq!(begun.elapsed(), secs(20));
    insta::assert_snapshot!(trace, @r"
    3.000 s    fault at mid/deep/leaf: panic, disk full
    3.000 s    mid/deep/leaf: #1 exited: panicked: disk full
    3.000 s    mid/deep/leaf: starting
    3.000 s    mid/deep/leaf: started as #2, restart 1
    5.000 s    fault at mid/task: exit, go
    5.000 s    fault at nobody: kill (there is no child at this path)
    5.000 s    mid/task: #1 exited: go
    5.000 s    mid/task: starting
    5.000 s    mid/task: started as #2, restart 1
    9.000 s    fault at mid/deep: kill
    9.000 s    mid/deep: #1 exited: killed
    9.000 s    mid/deep/leaf: #2 exited: killed
    9.000 s    mid/deep: starting
    9.000 s    mid/deep/leaf: starting
    9.000 s    mid/deep/leaf: started as #3
    9.000 s    mid/deep: started as #2, restart 1
    12.000 s   fault at mid: panic, no more
    12.000 s   mid/deep: stopping #2
    12.000 s   mid/deep/leaf: stopping #3
    12.000 s   mid/deep/leaf: #3 exited: shutdown
    12.000 s   mid/deep: #2 exited: shutdown
    12.000 s   mid/task: stopping #2
    12.000 s   mid/task: #2 exited: normal
    12.000 s   mid: #1 exited: panicked: no more
    12.000 s   mid: starting
    12.000 s   mid/task: starting
    12.000 s   mid/task: started as #3
    12.000 s   mid/deep: starting
    12.000 s   mid/deep/leaf: starting
    12.000 s   mid/deep/leaf: started as #4
    12.000 s   mid/deep: started as #3
    12.000 s   mid: started as #2, restart 1
    ");
    Ok(())
}

#[test]
fn the_trace_is_the_same_in_a_hundred_runs() {
    let run = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let tree = deep_tree().await;
            drill_script().run(&tree).await.unwrap().to_string()
        })
    };
    let first = run();
    for _ in 1..100 {
        assert_eq!(run(), first);
    }
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_same_moment_keep_their_order() -> Outcome {
    let children = ["a", "b", "c", "d"].map(|id| idle(id).into());
    let tree = start(children).await;
    let mut script = FaultScript::new().lasting(secs(2));
    for (path, fault) in [
        ("c", Fault::Kill),
        ("a", Fault::panic("first")),
        ("d", Fault::Kill),
        ("b", Fault::Kill),
    ] {
        script = script.at(secs(1), path, fault);
    }
    let trace = script.run(&tree).await?;
    let order: Vec<_> = faults(&trace).map(|(path, _)| path).collect();
    assert_eq!(order, ["c", "a", "d", "b"]);
    insta::assert_snapshot!(trace, @r"
    1.000 s    fault at c: kill
    1.000 s    fault at a: panic, first
    1.000 s    c: #1 exited: killed
    1.000 s    c: starting
    1.000 s    c: started as #2, restart 1
    1.000 s    fault at d: kill
    1.000 s    a: #1 exited: panicked: first
    1.000 s    a: starting
    1.000 s    a: started as #2, restart 1
    1.000 s    fault at b: kill
    1.000 s    d: #1 exited: killed
    1.000 s    d: starting
    1.000 s    d: started as #2, restart 1
    1.000 s    b: #1 exited: killed
    1.000 s    b: starting
    1.000 s    b: started as #2, restart 1
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_faults_to_one_child_at_the_same_moment_hit_it_once_or_its_successor() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let trace = FaultScript::new()
        .at(ms(0), "a", Fault::panic("first"))
        .at(ms(0), "a", Fault::panic("second"))
        .lasting(ms(1))
        .run(&tree)
        .await?;
    insta::assert_snapshot!(trace, @r"
    0.000 s    fault at a: panic, first
    0.000 s    fault at a: panic, second (the child does not run)
    0.000 s    a: #1 exited: panicked: first
    0.000 s    a: starting
    0.000 s    a: started as #2, restart 1
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fault_at_zero_is_done_at_once_and_one_at_the_longest_time_after_thirty_years() -> Outcome
{
    let tree = start([idle("a").into()]).await;
    let trace = FaultScript::new()
        .at(Duration::MAX, "a", Fault::panic("at last"))
        .at(Duration::ZERO, "a", Fault::panic("at once"))
        .lasting(Duration::MAX)
        .run(&tree)
        .await?;
    insta::assert_snapshot!(trace, @r"
    0.000 s    fault at a: panic, at once
    0.000 s    a: #1 exited: panicked: at once
    0.000 s    a: starting
    0.000 s    a: started as #2, restart 1
    946080000.000 s fault at a: panic, at last
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn times_of_any_length_stay_apart_from_what_happened() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let mut script = FaultScript::new();
    for digits in 0..7 {
        script = script.at(secs(10_u64.pow(digits)), "nobody", Fault::Kill);
    }
    insta::assert_snapshot!(script.run(&tree).await?, @r"
    1.000 s    fault at nobody: kill (there is no child at this path)
    10.000 s   fault at nobody: kill (there is no child at this path)
    100.000 s  fault at nobody: kill (there is no child at this path)
    1000.000 s fault at nobody: kill (there is no child at this path)
    10000.000 s fault at nobody: kill (there is no child at this path)
    100000.000 s fault at nobody: kill (there is no child at this path)
    1000000.000 s fault at nobody: kill (there is no child at this path)
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_script_ends_a_second_after_its_last_fault_unless_it_lasts() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let begun = Instant::now();
    let fault = Fault::panic("boom");
    let trace = FaultScript::new()
        .at(secs(3), "a", fault)
        .run(&tree)
        .await?;
    assert_eq!(begun.elapsed(), secs(4));
    assert_eq!(trace.entries().len(), 4);
    let trace = FaultScript::new().lasting(secs(7)).run(&tree).await?;
    assert_eq!(begun.elapsed(), secs(11));
    assert!(trace.entries().is_empty());
    assert_eq!(trace.to_string(), "");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_script_ends_early_when_the_tree_gives_up() -> Outcome {
    let tree = SupervisionTree::start(TreeConfig {
        max_restarts: 1,
        children: vec![slow("slow", ms(250), secs(1)).into(), idle("a").into()],
        ..TreeConfig::default()
    })
    .await?;
    let mut script = FaultScript::new().lasting(secs(60));
    for second in 1..10 {
        script = script.at(secs(second), "a", Fault::panic("boom"));
    }
    let begun = Instant::now();
    let trace = script.run(&tree).await?;
    assert_eq!(begun.elapsed(), ms(2_250));
    assert_eq!(faults(&trace).count(), 2);
    insta::assert_snapshot!(trace, @r"
    1.000 s    fault at a: panic, boom
    1.000 s    a: #1 exited: panicked: boom
    1.000 s    a: starting
    1.000 s    a: started as #2, restart 1
    2.000 s    fault at a: panic, boom
    2.000 s    a: #2 exited: panicked: boom
    2.000 s    root: gave up, a failed too often
    2.000 s    root: stopping #1
    2.000 s    slow: stopping #1
    2.250 s    slow: #1 exited: normal
    2.250 s    the tree ended: shutdown
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_script_ends_early_when_the_tree_is_stopped() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let script = FaultScript::new()
        .at(secs(9), "a", Fault::Kill)
        .lasting(secs(60));
    let (trace, stopped) = tokio::join!(script.run(&tree), async {
        sleep(secs(1)).await;
        tree.stop().await
    });
    stopped?;
    insta::assert_snapshot!(trace?, @r"
    1.000 s    root: stopping #1
    1.000 s    a: stopping #1
    1.000 s    a: #1 exited: normal
    1.000 s    the tree ended: normal
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_script_for_a_tree_that_has_ended_is_an_error() -> Outcome {
    let tree = start([idle("a").into()]).await;
    tree.stop().await?;
    let script = FaultScript::new().at(secs(9), "a", Fault::Kill);
    let error = script.run(&tree).await.unwrap_err();
    assert!(matches!(error, CallError::NoProc));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_script_for_a_subtree_tells_paths_from_there_and_nothing_else() -> Outcome {
    let tree = deep_tree().await;
    let mid = tree.subtree("mid").await?;
    let script = FaultScript::new()
        .at(secs(1), "deep/leaf", Fault::panic("boom"))
        .lasting(secs(4));
    let (trace, crashed) = tokio::join!(script.run(&mid), async {
        sleep(secs(2)).await;
        tree.crash_child("a").await?;
        sleep(secs(1)).await;
        tree.crash_child("mid").await
    });
    crashed?;
    insta::assert_snapshot!(trace?, @r"
    1.000 s    fault at deep/leaf: panic, boom
    1.000 s    deep/leaf: #1 exited: panicked: boom
    1.000 s    deep/leaf: starting
    1.000 s    deep/leaf: started as #2, restart 1
    3.000 s    deep: stopping #1
    3.000 s    deep/leaf: stopping #2
    3.000 s    deep/leaf: #2 exited: shutdown
    3.000 s    deep: #1 exited: shutdown
    3.000 s    task: stopping #1
    3.000 s    task: #1 exited: normal
    3.000 s    root/mid: #1 exited: panicked: crashed on purpose
    3.000 s    root/mid: starting
    3.000 s    task: starting
    3.000 s    task: started as #2
    3.000 s    deep: starting
    3.000 s    deep/leaf: starting
    3.000 s    deep/leaf: started as #3
    3.000 s    deep: started as #2
    3.000 s    root/mid: started as #2, restart 1
    3.000 s    the tree ended: panicked: crashed on purpose
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn groups_failed_starts_and_children_that_decline_stand_in_the_trace() -> Outcome {
    let log = Log::default();
    let starts = log.clone();
    let flaky = Child::task("flaky", move |stop| {
        starts.note("start");
        if starts.count() == 2 {
            std::panic::resume_unwind(Box::new("port in use"));
        }
        async move {
            stop.requested().await;
            Ok(())
        }
    });
    let tree = SupervisionTree::start(plan(
        "root",
        Strategy::RestForOne,
        [
            idle("a").into(),
            flaky.into(),
            idle("temp").restart(Restart::Temporary).into(),
        ],
    ))
    .await?;
    let trace = FaultScript::new()
        .at(secs(1), "a", Fault::panic("boom"))
        .lasting(secs(2))
        .run(&tree)
        .await?;
    insta::assert_snapshot!(trace, @r"
    1.000 s    fault at a: panic, boom
    1.000 s    a: #1 exited: panicked: boom
    1.000 s    temp: stopping #1
    1.000 s    temp: #1 exited: normal
    1.000 s    flaky: stopping #1
    1.000 s    flaky: #1 exited: normal
    1.000 s    a: starting
    1.000 s    a: started as #2, restart 1
    1.000 s    flaky: starting
    1.000 s    flaky: did not start: panicked: port in use
    1.000 s    flaky: starting
    1.000 s    flaky: started as #2, restart 1
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_stopped_or_in_the_way_is_told_as_such() -> Outcome {
    let tree = deep_tree().await;
    tree.stop_child("mid/task").await?;
    tree.stop_child("z").await?;
    let trace = FaultScript::new()
        .at(secs(1), "mid/task", Fault::Kill)
        .at(secs(2), "z/below", Fault::Kill)
        .run(&tree)
        .await?;
    tree.stop_child("mid").await?;
    let below = FaultScript::new().at(secs(1), "mid/task", Fault::Kill);
    let text = format!("{trace}{}", below.run(&tree).await?);
    insta::assert_snapshot!(text, @r"
    1.000 s    fault at mid/task: kill (the child does not run)
    2.000 s    fault at z/below: kill (there is no child at this path)
    1.000 s    fault at mid/task: kill (no such process)
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_waits_for_a_start_has_the_time_at_which_it_was_due() -> Outcome {
    let tree = start([Probe::starting_in(secs(2), "x", &Log::default()).into()]).await;
    let trace = FaultScript::new()
        .at(secs(1), "x", Fault::panic("first"))
        .at(secs(2), "x", Fault::panic("second"))
        .lasting(secs(6))
        .run(&tree)
        .await?;
    insta::assert_snapshot!(trace, @r"
    1.000 s    fault at x: panic, first
    1.000 s    x: #1 exited: panicked: first
    1.000 s    x: starting
    2.000 s    fault at x: panic, second
    3.000 s    x: started as #2, restart 1
    3.000 s    x: #2 exited: panicked: second
    3.000 s    x: starting
    5.000 s    x: started as #3, restart 2
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn entries_can_be_looked_at_one_by_one() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let first = pid(&tree, "a").await;
    let script = FaultScript::new().at(secs(1), "a", Fault::Kill);
    let trace = script.lasting(secs(2)).run(&tree).await?;
    assert!(trace.entries().iter().all(|entry| entry.at == secs(1)));
    let TraceStep::Event(event) = &trace.entries()[1].step else {
        panic!("{trace}");
    };
    assert_eq!(event.pid(), Some(&first));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_script_can_be_done_to_two_trees() -> Outcome {
    let script = FaultScript::new()
        .at(secs(1), "a", Fault::panic("boom"))
        .lasting(secs(2));
    let one = script.clone().run(&start([idle("a").into()]).await).await?;
    let other = script.run(&start([idle("a").into()]).await).await?;
    assert_eq!(one.to_string(), other.to_string());
    Ok(())
}

/// The script's own doings.
fn faults(trace: &FaultTrace) -> impl Iterator<Item = (&str, &Fault)> {
    trace
        .entries()
        .iter()
        .filter_map(|entry| match &entry.step {
            TraceStep::Fault { path, fault, .. } => Some((&**path, fault)),
            _ => None,
        })
}
