//! What a tree tells of itself: its events and its snapshot.

use otp_core::{Child, Pid, Restart, Strategy, Supervisor, TreeSnapshot};

use super::{Events, boom, crash, patient, probe};
use crate::support::{Log, Msg, Outcome, Probe, quiet, secs};

#[tokio::test(start_paused = true)]
async fn the_events_of_a_small_tree_are_told_in_order() -> Outcome {
    let (mut events, listener) = Events::new();
    let ignores = Child::server("ignores", || {
        Probe::new(&Log::default()).on_init(|_, ctx| {
            ctx.ignore();
            Box::pin(async { Ok(()) })
        })
    });
    let (a, b) = (probe("a", &Log::default()), probe("b", &Log::default()));
    let to_b = b.server_ref();
    let below = Supervisor::new(Strategy::RestForOne).intensity(1, secs(5));
    let below = Child::supervisor("below", below.child(ignores).child(b));
    let tree = patient(Strategy::OneForOne)
        .name("top")
        .report_to(listener)
        .child(a)
        .child(below)
        .start()
        .await?;
    assert_eq!(
        events.take(),
        [
            "top/a: starting",
            "top/a: started as <0>",
            "top/below: starting",
            "top/below/ignores: starting",
            "top/below/ignores: declined to start",
            "top/below/b: starting",
            "top/below/b: started as <1>",
            "top/below: started as <2>",
        ]
    );
    crash(&to_b).await;
    assert_eq!(
        events.take(),
        [
            "top/below/b: <1> exited: boom",
            "top/below/b: starting",
            "top/below/b: started as <3>, restart 1",
        ]
    );
    crash(&to_b).await;
    assert_eq!(
        events.take(),
        [
            "top/below/b: <3> exited: boom",
            "top/below: gave up, b failed too often",
            "top/below: <2> exited: shutdown",
            "top/below: starting",
            "top/below/ignores: starting",
            "top/below/ignores: declined to start",
            "top/below/b: starting",
            "top/below/b: started as <4>",
            "top/below: started as <5>, restart 1",
        ]
    );
    tree.stop().await?;
    assert_eq!(
        events.take(),
        [
            "top: stopping <6>",
            "top/below: stopping <5>",
            "top/below/b: stopping <4>",
            "top/below/b: <4> exited: shutdown",
            "top/below: <5> exited: shutdown",
            "top/a: stopping <0>",
            "top/a: <0> exited: shutdown",
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_told_at_each_level() -> Outcome {
    let (mut events, listener) = Events::new();
    let fails = Child::server("fails", || {
        Probe::new(&Log::default()).on_init(|_, _| Box::pin(async { Err(boom()) }))
    });
    let below = Child::supervisor("below", patient(Strategy::OneForOne).child(fails));
    let started = patient(Strategy::OneForOne)
        .report_to(listener)
        .child(below)
        .start()
        .await;
    let error = started.err().ok_or("started")?.to_string();
    let events = events.take();
    assert_eq!(
        events[..3],
        [
            "root/below: starting",
            "root/below/fails: starting",
            "root/below/fails: did not start: boom",
        ]
    );
    assert_eq!(events.len(), 4);
    assert_eq!(
        events[3],
        "root/below: did not start: shutdown: child `fails` did not start: boom"
    );
    assert_eq!(
        error,
        "init failed: shutdown: child `below` did not start: shutdown: child `fails` did not start: boom"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_right_after_its_start_is_told_in_order() -> Outcome {
    let (mut events, listener) = Events::new();
    let tree = patient(Strategy::OneForOne).start().await?;
    tree.report_to(listener).await?;
    let child = Child::server("brief", || {
        Probe::new(&Log::default()).on_init(|_, ctx| {
            ctx.stop(boom());
            Box::pin(async { Ok(()) })
        })
    });
    let server = tree.start_child(child.restart(Restart::Temporary)).await?;
    quiet().await;
    assert_eq!(
        events.take(),
        [
            "root/brief: starting",
            "root/brief: started as <0>",
            "root/brief: <0> exited: boom",
        ]
    );
    assert!(tree.which_children().await?.is_empty());
    assert!(server.cast(Msg::Note("refused")).is_err());
    tree.stop().await?;
    Ok(())
}

/// Every process of a tree, from the top down.
fn pids(tree: &TreeSnapshot) -> Vec<Pid> {
    let mut all = vec![tree.pid.clone()];
    for (child, below) in &tree.children {
        match (&child.state, below) {
            (_, Some(below)) => all.extend(pids(below)),
            (otp_core::ChildState::Running(pid), None) => all.push(pid.clone()),
            _ => {}
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_three_levels_as_text() -> Outcome {
    let busy = probe("busy", &Log::default());
    let crashes = probe("crashes", &Log::default());
    let (to_busy, to_crashing) = (busy.server_ref(), crashes.server_ref());
    let deep = patient(Strategy::OneForAll).child(busy);
    let middle = patient(Strategy::RestForOne)
        .child(crashes)
        .child(Child::supervisor("deep", deep))
        .child(probe("beside", &Log::default()));
    let tree = patient(Strategy::OneForOne)
        .name("shop")
        .child(probe("first", &Log::default()))
        .child(Child::supervisor("middle", middle))
        .child(probe("last", &Log::default()))
        .start()
        .await?;
    crash(&to_crashing).await;
    let resting = to_busy.suspend().await?;
    to_busy.cast(Msg::Note("waits"))?;
    tree.terminate_child("first").await?;
    let snapshot = tree.snapshot().await?;
    let mut text = snapshot.to_string();
    for (number, pid) in pids(&snapshot).iter().enumerate() {
        text = text.replace(&pid.to_string(), &format!("#{number}"));
    }
    let expected = "\
shop #0 OneForOne
├─ first stopped
├─ middle #1 RestForOne
│  ├─ crashes #2, restarts: 1
│  ├─ deep #3 OneForAll, restarts: 1
│  │  └─ busy #4, waiting messages: 1
│  └─ beside #5, restarts: 1
└─ last #6
";
    assert_eq!(text, expected);
    drop(resting);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_gone_disturbs_nobody() -> Outcome {
    let ((gone, first), (mut stays, second)) = (Events::new(), Events::new());
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let plan = patient(Strategy::OneForOne)
        .report_to(first)
        .report_to(second);
    let tree = plan.child(child).start().await?;
    drop(gone);
    stays.take();
    crash(&server).await;
    crash(&server).await;
    let twice = ["<0> exited: boom", "starting", "started as <1>, restart 1"];
    let again = ["<1> exited: boom", "starting", "started as <2>, restart 2"];
    let expected = [twice, again].concat();
    assert_eq!(
        stays.take(),
        expected
            .iter()
            .map(|what| format!("root/a: {what}"))
            .collect::<Vec<_>>()
    );
    tree.stop().await?;
    Ok(())
}
