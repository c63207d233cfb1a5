//! Crashes of children, and of supervisors.

use std::future::pending;

use otp_core::{
    Child, ChildState, ExitReason, Shutdown, StartChildError, Strategy, SupervisorEvent, inbox,
};
use tokio::sync::mpsc;

use super::{drill, told};
use crate::supervisor::{Events, child, named, patient, probe, state};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs, shown};

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_crashed_child_is_for_its_next_incarnation() -> Outcome {
    let log = Log::default();
    let a = probe("a", &log);
    let server = a.server_ref();
    let tree = patient(Strategy::OneForOne).child(a).start().await?;
    let first = server.pid().ok_or("no pid")?;
    server.cast(Msg::hang())?;
    quiet().await;
    let behind = tokio::spawn({
        let server = server.clone();
        async move { server.call(|reply| Msg::Echo(1, reply)).await }
    });
    server.cast(Msg::Note("kept"))?;
    quiet().await;
    first.crash("drill");
    assert_eq!(behind.await??, 1);
    // Not the next one's.
    first.crash("drill");
    quiet().await;
    assert_eq!(
        log.take(),
        [
            "hangs",
            "terminate: panicked: drill",
            "state dropped",
            "kept"
        ]
    );
    assert_eq!(child(&tree, "a").await.ok_or("no child")?.restarts, 1);
    assert!(server.is_alive());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_crashed_in_init_has_failed_to_start() -> Outcome {
    let (pids, mut begun) = mpsc::unbounded_channel();
    let a = Child::server("a", move || {
        let pids = pids.clone();
        Probe::new(&Log::default()).on_init(move |_, ctx| {
            let _ = pids.send(ctx.pid());
            Box::pin(async {
                tokio::time::sleep(secs(1)).await;
                Ok(())
            })
        })
    });
    let tree = patient(Strategy::OneForOne).start().await?;
    let above = tree.clone();
    let start = tokio::spawn(async move { above.start_child(a).await });
    begun.recv().await.ok_or("not begun")?.crash("drill");
    match start.await? {
        Err(StartChildError::Failed(reason)) if drill(&reason) => {}
        other => return Err(shown(&other).into()),
    }
    assert!(tree.which_children().await?.is_empty());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crashed_task_is_dropped_and_made_again() -> Outcome {
    let log = Log::default();
    let own = log.clone();
    let task = Child::task("task", move |stop| {
        own.note("made");
        let held = own.on_drop("dropped");
        async move {
            let _held = held;
            stop.requested().await;
            Ok(())
        }
    });
    let (mut events, listener) = Events::new();
    let plan = patient(Strategy::OneForOne).report_to(listener);
    let tree = plan.child(task).start().await?;
    quiet().await;
    let ChildState::Running(pid) = state(&tree, "task").await else {
        return Err("it does not run".into());
    };
    events.take();
    pid.crash("drill");
    quiet().await;
    assert_eq!(log.take(), ["made", "dropped", "made"]);
    assert_eq!(
        events.take(),
        [
            "root/task: <0> exited: panicked: drill",
            "root/task: starting",
            "root/task: started as <1>, restart 1"
        ]
    );
    tree.stop().await?;
    assert_eq!(log.take(), ["dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crashed_supervisor_stops_its_children_in_order_and_tells_who_asked() -> Outcome {
    let log = Log::default();
    let plan = patient(Strategy::OneForOne)
        .child(named("a", &log))
        .child(named("b", &log));
    let tree = plan.start().await?;
    let pid = tree.pid().ok_or("no pid")?;
    let suspended = tree.suspend().await?;
    let asks = tokio::spawn({
        let tree = tree.clone();
        async move { tree.count_children().await }
    });
    quiet().await;
    log.take();
    let end = pid.monitor();
    pid.crash("drill");
    assert!(drill(&end.await));
    assert!(told(&asks.await?));
    drop(suspended);
    assert_eq!(log.take(), ["down b", "dropped b", "down a", "dropped a"]);
    assert!(!tree.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crashed_supervisor_below_another_is_restarted_with_its_children() -> Outcome {
    let log = Log::default();
    let (a, b) = (named("a", &log), named("b", &log));
    let to_a = a.server_ref();
    let nested = Child::supervisor("nested", patient(Strategy::OneForOne).child(a).child(b));
    let below = nested.supervisor_ref();
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    let suspended = below.suspend().await?;
    let asks = tokio::spawn({
        let below = below.clone();
        async move { below.count_children().await }
    });
    to_a.cast(Msg::hang())?;
    quiet().await;
    to_a.cast(Msg::Note("kept"))?;
    log.take();
    below.pid().ok_or("no pid")?.crash("drill");
    quiet().await;
    drop(suspended);
    // `b` at once, `a` once its five seconds are over.
    assert_eq!(log.take(), ["down b", "dropped b"]);
    tokio::time::sleep(secs(5)).await;
    assert_eq!(log.take(), ["dropped a", "up a", "up b"]);
    assert!(told(&asks.await?));
    assert_eq!(to_a.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert_eq!(below.count_children().await?.active, 2);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_crashed_while_it_stops_a_child_stops_it_and_the_rest() -> Outcome {
    let log = Log::default();
    let slow = named("slow", &log).shutdown(Shutdown::Timeout(secs(2)));
    let to_slow = slow.server_ref();
    let plan = patient(Strategy::OneForOne).child(named("a", &log));
    let tree = plan.child(slow).start().await?;
    to_slow.cast(Msg::hang())?;
    quiet().await;
    log.take();
    let asks = tokio::spawn({
        let tree = tree.clone();
        async move { tree.terminate_child("slow").await }
    });
    tokio::time::sleep(secs(1)).await;
    let end = tree.pid().ok_or("no pid")?.monitor();
    tree.pid().ok_or("no pid")?.crash("drill");
    let begun = tokio::time::Instant::now();
    assert!(drill(&end.await));
    // It has its two seconds once more.
    assert_eq!(begun.elapsed(), secs(2));
    assert!(asks.await?.is_err());
    assert_eq!(log.take(), ["dropped slow", "down a", "dropped a"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_crashed_in_its_own_terminate_kills_who_is_left() -> Outcome {
    let log = Log::default();
    let slow = named("slow", &log).shutdown(Shutdown::Infinity);
    let to_slow = slow.server_ref();
    let plan = patient(Strategy::OneForOne).child(named("a", &log));
    let tree = plan.child(slow).start().await?;
    to_slow.cast(Msg::hang())?;
    quiet().await;
    log.take();
    let pid = tree.pid().ok_or("no pid")?;
    let end = pid.monitor();
    let stop = tokio::spawn(async move { tree.stop().await });
    tokio::time::sleep(secs(1)).await;
    pid.crash("drill");
    assert!(drill(&end.await));
    assert!(stop.await?.is_err());
    quiet().await;
    let mut seen = log.take();
    seen.sort();
    assert_eq!(seen, ["dropped a", "dropped slow"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_crashed_while_it_starts_a_child_takes_it_along() -> Outcome {
    let log = Log::default();
    let own = log.clone();
    let never = Child::server("never", move || {
        Probe::new(&own).on_init(|_, _| Box::pin(pending()))
    });
    let address = never.server_ref();
    let tree = patient(Strategy::OneForOne).child(named("a", &log));
    let tree = tree.start().await?;
    let above = tree.clone();
    let start = tokio::spawn(async move { above.start_child(never).await });
    quiet().await;
    log.take();
    let end = tree.pid().ok_or("no pid")?.monitor();
    tree.pid().ok_or("no pid")?.crash("drill");
    assert!(drill(&end.await));
    match start.await? {
        Err(StartChildError::Call(error)) if told(&Err::<(), _>(error.clone())) => {}
        other => return Err(shown(&other).into()),
    }
    quiet().await;
    let mut seen = log.take();
    seen.sort();
    assert_eq!(seen, ["down a", "dropped a", "state dropped"]);
    assert!(!address.is_alive() && address.cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn crashes_count_as_any_restart_and_the_supervisor_gives_up() -> Outcome {
    let a = probe("a", &Log::default());
    let server = a.server_ref();
    let (address, mut events) = inbox::<SupervisorEvent>();
    let plan = otp_core::Supervisor::new(Strategy::OneForOne).report_to(address.recipient());
    let tree = plan.child(a).start().await?;
    let end = tree.pid().ok_or("no pid")?.monitor();
    for _ in 0..4 {
        server.pid().ok_or("no pid")?.crash("drill");
        tokio::time::sleep(ms(10)).await;
    }
    assert!(matches!(end.await, ExitReason::Shutdown));
    let mut gave_up = 0;
    while let Some(event) = events.try_recv() {
        gave_up += u32::from(matches!(event, SupervisorEvent::GaveUp { .. }));
    }
    assert_eq!(gave_up, 1);
    Ok(())
}
