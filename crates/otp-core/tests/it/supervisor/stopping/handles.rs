//! Stops that nobody asks the supervisor for: handles, runtimes and parents that go.

use otp_core::{ExitReason, ServerRef, StartError, Strategy, SupervisorRef};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::supervisor::{boom, named, patient, probe};
use crate::support::{Log, Msg, Outcome, Probe, block_on, inside, ms, poll_now, quiet, secs};

async fn two(log: &Log) -> Result<SupervisorRef, StartError> {
    let plan = patient(Strategy::OneForOne);
    let tree = plan
        .child(named("a", log))
        .child(named("b", log))
        .start()
        .await;
    log.take();
    tree
}

const ORDER: [&str; 4] = ["down b", "dropped b", "down a", "dropped a"];

#[tokio::test(start_paused = true)]
async fn a_tree_is_stopped_in_order_when_its_last_handle_is_dropped() -> Outcome {
    let log = Log::default();
    let tree = two(&log).await?;
    let (end, other) = (tree.pid().ok_or("no pid")?.monitor(), tree.clone());
    drop(tree);
    quiet().await;
    assert_eq!(log.take(), Vec::<String>::new());
    drop(other);
    assert!(end.await.is_normal());
    assert_eq!(log.take(), ORDER);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_detached_tree_runs_on_and_restarts() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let pid = tree.pid().ok_or("no pid")?;
    tree.detach();
    quiet().await;
    server.cast(Msg::end(boom()))?;
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert!(pid.is_alive());
    pid.kill();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tree_runs_until_the_signal() -> Outcome {
    let log = Log::default();
    let tree = two(&log).await?;
    let begun = Instant::now();
    let reason = tree.run_until(tokio::time::sleep(secs(3))).await;
    assert!(reason.is_normal());
    assert_eq!(begun.elapsed(), secs(3));
    assert_eq!(log.take(), ORDER);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_ends_by_itself_does_not_wait_for_the_signal() -> Outcome {
    let log = Log::default();
    let tree = two(&log).await?;
    let other = tree.clone();
    let runs = tokio::spawn(tree.run_until(std::future::pending::<()>()));
    quiet().await;
    other.stop_with(boom()).await?;
    assert_eq!(runs.await?.to_string(), "boom");
    assert_eq!(log.take(), ORDER);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_given_up_drops_its_handle() -> Outcome {
    let log = Log::default();
    let tree = two(&log).await?;
    let end = tree.pid().ok_or("no pid")?.monitor();
    let mut runs = Box::pin(tree.run_until(std::future::pending::<()>()));
    assert!(poll_now(runs.as_mut()).is_pending());
    quiet().await;
    assert_eq!(log.take(), Vec::<String>::new());
    drop(runs);
    assert!(end.await.is_normal());
    assert_eq!(log.take(), ORDER);
    Ok(())
}

#[test]
fn a_dropped_runtime_ends_the_tree_and_closes_its_addresses() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tree = runtime.block_on(patient(Strategy::OneForOne).child(child).start())?;
    let ends = [tree.pid(), server.pid()].map(|pid| pid.unwrap().monitor());
    drop(runtime);
    assert_eq!(log.take(), ["state dropped"]);
    for end in ends {
        assert!(matches!(block_on(end), ExitReason::Killed));
    }
    assert!(!tree.is_alive() && !server.is_alive());
    assert!(server.cast(Msg::Note("refused")).is_err());
    assert!(block_on(tree.which_children()).is_err());
    Ok(())
}

/// Has a server start a tree of two as its parent.
async fn linked(parent: &ServerRef<Msg>, log: &Log) -> Option<SupervisorRef> {
    let plan = patient(Strategy::OneForOne)
        .child(named("a", log))
        .child(named("b", log));
    let (sender, started) = oneshot::channel();
    let start = Msg::run(move |_, ctx| {
        let start = plan.start_link(ctx);
        Box::pin(async {
            let _ = sender.send(start.await.ok());
            Ok(())
        })
    });
    parent.cast(start).ok()?;
    let tree = started.await.ok()?;
    log.take();
    tree
}

#[tokio::test(start_paused = true)]
async fn a_tree_ends_in_order_with_its_parent_whatever_the_reason() -> Outcome {
    type End = fn() -> Msg;
    let ends: [(End, &str); 4] = [
        (|| Msg::end(ExitReason::Normal), "normal"),
        (|| Msg::end(boom()), "boom"),
        (Msg::panic, "panicked: boom"),
        (
            || {
                Msg::act(|_, ctx| {
                    ctx.pid().kill();
                    Ok(())
                })
            },
            "killed",
        ),
    ];
    for (end, expected) in ends {
        let log = Log::default();
        let parent = Probe::new(&Log::default()).start().await?;
        let tree = linked(&parent, &log).await.ok_or("not started")?;
        let ended = tree.pid().ok_or("no pid")?.monitor();
        parent.cast(end())?;
        let reason = ended.await.to_string();
        assert!(reason.starts_with(expected), "{reason}, not {expected}");
        assert_eq!(log.take(), ORDER);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_exit_signal_of_a_stranger_does_not_end_a_tree() -> Outcome {
    let log = Log::default();
    let tree = two(&log).await?;
    tree.pid().ok_or("no pid")?.exit(boom());
    tree.pid().ok_or("no pid")?.exit(ExitReason::Shutdown);
    tokio::time::sleep(ms(10)).await;
    assert!(tree.is_alive());
    assert_eq!(log.take(), Vec::<String>::new());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_unlink_parts_a_child_from_its_supervisor() -> Outcome {
    for killed in [false, true] {
        let log = Log::default();
        let child = probe("a", &log);
        let server = child.server_ref();
        let tree = patient(Strategy::OneForOne).child(child).start().await?;
        let above = tree.pid().ok_or("no pid")?;
        let parent = above.clone();
        inside(&server, move |_, ctx| ctx.unlink(&parent)).await;
        server.cast(Msg::end(boom()))?;
        assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
        let parent = above.clone();
        inside(&server, move |_, ctx| ctx.unlink(&parent)).await;
        if killed {
            above.kill();
        } else {
            drop(tree);
        }
        quiet().await;
        assert!(!server.is_alive(), "killed: {killed}");
    }
    Ok(())
}
