//! Faults on purpose: they hit any child at any depth, and none of them helps.

use std::time::Duration;

use otp_core::CallError;
use patterns_supervisor::{
    Child, ChildState, ExitReason, Fault, FaultError, Restart, ServerRef, Strategy,
};
use testing::{advance, ms, secs, settle};

use crate::support::{
    Log, Msg, Outcome, Pids, Probe, at_depth, child, deep_tree, end_by, happened, idle, pid, plan,
    start,
};

fn faults() -> [(Fault, &'static str); 3] {
    [
        (Fault::panic("boom"), "panicked: boom"),
        (Fault::Exit(ExitReason::boxed("disk full")), "disk full"),
        (Fault::Kill, "killed"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_server_a_task_and_what_is_below_are_hit_by_each_fault() -> Outcome {
    let tree = deep_tree().await;
    for path in ["a", "mid/task", "mid/deep/leaf"] {
        for (fault, reason) in faults() {
            assert_eq!(end_by(&tree, path, fault).await.to_string(), reason);
            settle().await;
            assert!(pid(&tree, path).await.is_alive(), "{path} is there again");
        }
        assert_eq!(child(&tree, path).await.restarts, 3);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_nested_supervisor_is_hit_and_takes_its_children_with_it() -> Outcome {
    let tree = deep_tree().await;
    for (path, fault, reason) in [
        ("mid/deep", Fault::panic("boom"), "panicked: boom"),
        ("mid", Fault::panic("boom"), "panicked: boom"),
        ("mid/deep", Fault::Kill, "killed"),
        ("mid", Fault::Kill, "killed"),
        ("mid", Fault::Exit(ExitReason::Kill), "killed"),
    ] {
        let leaf = pid(&tree, "mid/deep/leaf").await;
        assert_eq!(end_by(&tree, path, fault).await.to_string(), reason);
        settle().await;
        assert!(!leaf.is_alive());
        assert!(pid(&tree, "mid/deep/leaf").await.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_exit_is_nothing_to_a_supervisor_for_it_traps_them() -> Outcome {
    let tree = deep_tree().await;
    let mid = pid(&tree, "mid").await;
    tree.inject("mid", Fault::Exit(ExitReason::boxed("go")))
        .await?;
    settle().await;
    assert!(mid.is_alive());
    tree.crash_child("mid/task").await?;
    settle().await;
    assert!(pid(&tree, "mid/task").await.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_exit_with_normal_is_nothing() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let first = pid(&tree, "a").await;
    tree.inject("a", Fault::Exit(ExitReason::Normal)).await?;
    settle().await;
    assert!(first.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_stuck_in_a_handler_is_hit() -> Outcome {
    for (fault, reason) in faults() {
        let child = Probe::child("x", &Log::default());
        let server: ServerRef<Msg> = child.server_ref();
        let tree = at_depth(child.into()).await;
        server.cast(Msg::Hang).ok().unwrap();
        settle().await;
        let ended = end_by(&tree, "mid/deep/x", fault).await;
        assert_eq!(ended.to_string(), reason);
        assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_child_that_is_hit_fails_with_its_reason() -> Outcome {
    let child = Probe::child("x", &Log::default());
    let server = child.server_ref();
    let tree = at_depth(child.into()).await;
    server.cast(Msg::Hang).ok().unwrap();
    let asked = tokio::spawn({
        let server = server.clone();
        async move { server.call(Msg::HangWith).await }
    });
    settle().await;
    tree.crash_child("mid/deep/x").await?;
    settle().await;
    // The call waited behind the handler that was hit, and so for the next incarnation: hit that as well.
    tree.crash_child("mid/deep/x").await?;
    let error: Result<(), CallError> = asked.await?;
    insta::assert_snapshot!(error.unwrap_err(), @"the process ended before it replied: panicked: crashed on purpose");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_lets_terminate_run_and_a_kill_does_not() -> Outcome {
    let log = Log::default();
    let tree = start([Probe::child("x", &log).into()]).await;
    tree.crash_child("x").await?;
    settle().await;
    assert_eq!(
        log.take(),
        ["x: up", "x: down, panicked: crashed on purpose", "x: up"]
    );
    tree.inject("x", Fault::Kill).await?;
    settle().await;
    assert_eq!(log.take(), ["x: up"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_waiting_for_a_childs_start_is_hit() -> Outcome {
    let log = Log::default();
    let deep = plan(
        "deep",
        Strategy::OneForOne,
        [Probe::starting_in(secs(1), "x", &log).into()],
    );
    let tree = start([plan("mid", Strategy::OneForOne, [deep.into()]).into()]).await;
    tree.crash_child("mid/deep/x").await?;
    settle().await;
    log.take();
    // `deep` waits for the `init` of `x` now.
    let ended = end_by(&tree, "mid/deep", Fault::panic("boom")).await;
    assert_eq!(ended.to_string(), "panicked: boom");
    advance(ms(900)).await;
    assert!(log.take().is_empty(), "the start was given up");
    advance(ms(100)).await;
    assert_eq!(log.take(), ["x: up"], "the next one's");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_in_init_is_hit_when_its_supervisor_can_tell_who_it_is() -> Outcome {
    let log = Log::default();
    let tree = at_depth(Probe::starting_in(secs(1), "x", &log).into()).await;
    let path = "mid/deep/x";
    let mut events = tree.events().await?;
    tree.crash_child(path).await?;
    settle().await;
    let begun = tokio::time::Instant::now();
    tree.crash_child(path).await?;
    assert_eq!(begun.elapsed(), secs(1), "it asked behind the start");
    settle().await;
    insta::assert_snapshot!(happened(&mut events, &mut Pids::default()), @r"
    mid/deep/x: <1> exited: panicked: crashed on purpose
    mid/deep/x: starting
    mid/deep/x: started as <2>, restart 1
    mid/deep/x: <2> exited: panicked: crashed on purpose
    mid/deep/x: starting
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_in_init_is_hit_at_once_by_its_address() -> Outcome {
    let slow = Probe::starting_in(secs(1), "x", &Log::default());
    let server = slow.server_ref();
    let tree = at_depth(slow.into()).await;
    tree.crash_child("mid/deep/x").await?;
    settle().await;
    let in_init = server.pid().unwrap();
    let end = in_init.monitor();
    in_init.crash("boom");
    assert_eq!(end.await.to_string(), "panicked: boom");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_run_is_not_hit() -> Outcome {
    let ends = Child::task("ends", |_| async { Ok(()) }).restart(Restart::Transient);
    let tree = start([idle("a").into(), ends.into()]).await;
    settle().await;
    tree.stop_child("a").await?;
    for path in ["a", "ends"] {
        let error = tree.crash_child(path).await;
        assert!(matches!(error, Err(FaultError::NotRunning)), "{path}");
        assert_eq!(child(&tree, path).await.state, ChildState::Stopped);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fault_to_a_tree_that_has_ended_hits_nobody() -> Outcome {
    let tree = start([idle("a").into()]).await;
    tree.stop().await?;
    let error = tree.crash_child("a").await.unwrap_err();
    assert!(matches!(error, FaultError::Call(CallError::NoProc)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn code_that_waits_again_and_again_is_hit_at_one_of_its_waits() -> Outcome {
    let busy = Child::task("busy", |_| async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let tree = start([busy.into()]).await;
    let ended = end_by(&tree, "busy", Fault::panic("boom")).await;
    assert_eq!(ended.to_string(), "panicked: boom");
    Ok(())
}

#[test]
fn a_fault_says_what_it_does() {
    let texts = [
        Fault::panic("disk full"),
        Fault::Exit(ExitReason::Shutdown),
        Fault::Kill,
    ]
    .map(|fault| fault.to_string());
    insta::assert_snapshot!(texts.join("\n"), @r"
    panic, disk full
    exit, shutdown
    kill
    ");
}
