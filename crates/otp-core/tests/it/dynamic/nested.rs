//! Supervisors below a dynamic one, and a dynamic one below a supervisor.

use otp_core::{
    CallError, Child, ChildKind, ChildState, DynamicSupervisor, Restart, Strategy, Supervisor,
};

use super::{assert_closed, both, hangs, numbers, plain};
use crate::supervisor::{boom, crash};
use crate::support::{Log, Msg, Outcome, poll_now, quiet, secs};

#[tokio::test(start_paused = true)]
async fn a_dynamic_supervisor_comes_back_without_children() -> Outcome {
    for plan in both() {
        let child = Child::dynamic_supervisor("below", plan);
        let below = child.dynamic_supervisor_ref();
        let beside = plain("beside");
        let to_beside = beside.server_ref();
        let tree = Supervisor::new(Strategy::OneForOne)
            .child(child)
            .child(beside)
            .start()
            .await?;
        let a = below.start_child(plain("a")).await?;
        let resting = a.suspend().await?;
        let mut call = Box::pin(a.call(|reply| Msg::Echo(1, reply)));
        assert!(poll_now(call.as_mut()).is_pending());
        let pid = below.pid().ok_or("none")?;
        below.stop_with(boom()).await?;
        let told = call.await;
        assert!(
            matches!(told, Err(CallError::Exited(_) | CallError::NoProc)),
            "{told:?}"
        );
        quiet().await;
        assert_ne!(below.pid().ok_or("none")?, pid);
        assert_eq!(numbers(&below).await, (0, 0));
        assert_closed(&a);
        drop(resting);
        let b = below.start_child(plain("b")).await?;
        below.pid().ok_or("none")?.kill();
        quiet().await;
        assert_closed(&b);
        assert_eq!(numbers(&below).await, (0, 0));
        let _c = below.start_child(plain("c")).await?;
        assert!(to_beside.is_alive());
        tree.stop().await?;
        assert!(below.start_child(plain("d")).await.is_err());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_up_is_restarted_by_its_own_supervisor() -> Outcome {
    for plan in both() {
        let child = Child::dynamic_supervisor("below", plan.intensity(0, secs(1)));
        let below = child.dynamic_supervisor_ref();
        let tree = Supervisor::new(Strategy::OneForOne)
            .child(child)
            .start()
            .await?;
        for _ in 0..3 {
            let a = below.start_child(plain("a")).await?;
            crash(&a).await;
            assert_closed(&a);
            assert_eq!(numbers(&below).await, (0, 0));
        }
        assert!(tree.is_alive());
        let a = below.start_child(plain("a")).await?;
        crash(&a).await;
        // The fourth within five seconds is too much for the upper one.
        assert!(!tree.is_alive() && !below.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_below_a_dynamic_one_keeps_the_addresses_of_its_children() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let leaf = plain("leaf");
        let to_leaf = leaf.server_ref();
        let middle = Child::supervisor("middle", Supervisor::new(Strategy::OneForAll).child(leaf));
        let below = middle.supervisor_ref();
        let _middle = supervisor.start_child(middle).await?;
        let counts = supervisor.count_children().await?;
        assert_eq!(
            (
                counts.specs,
                counts.active,
                counts.supervisors,
                counts.workers
            ),
            (1, 1, 1, 0)
        );
        assert_eq!(
            supervisor.which_children().await?[0].kind,
            ChildKind::Supervisor
        );
        let dynamic = below.start_child(plain("dynamic")).await?;
        let pid = below.pid().ok_or("none")?;
        for killed in [true, false] {
            if killed {
                below.pid().ok_or("none")?.kill();
            } else {
                below.stop_with(boom()).await?;
            }
            assert_eq!(to_leaf.call(|reply| Msg::Echo(1, reply)).await?, 1);
            assert_closed(&dynamic);
        }
        assert!(supervisor.terminate_child(&pid).await.is_err());
        supervisor
            .terminate_child(&below.pid().ok_or("none")?)
            .await?;
        assert_closed(&to_leaf);
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_whose_child_fails_is_no_child() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let (fails, _) = super::counted("leaf", |_| Err(boom()));
        let address = fails.server_ref();
        let middle = Child::supervisor("middle", Supervisor::new(Strategy::OneForOne).child(fails));
        let text = supervisor
            .start_child(middle)
            .await
            .err()
            .ok_or("it started")?
            .to_string();
        assert!(text.contains("child `leaf` did not start: boom"), "{text}");
        assert_closed(&address);
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_three_levels() -> Outcome {
    let lowest = Child::dynamic_supervisor("lowest", DynamicSupervisor::new().at_once());
    let to_lowest = lowest.dynamic_supervisor_ref();
    let middle = Supervisor::new(Strategy::RestForOne)
        .child(plain("beside"))
        .child(lowest);
    let middle = Child::supervisor("middle", middle);
    let top = DynamicSupervisor::new().name("top").start().await?;
    let _middle = top.start_child(middle).await?;
    let busy = to_lowest.start_child(plain("busy")).await?;
    let resting = busy.suspend().await?;
    busy.cast(Msg::Note("waits"))?;
    let starting = tokio::spawn({
        let to_lowest = to_lowest.clone();
        async move {
            to_lowest
                .start_child(hangs("starting", &Log::default()))
                .await
        }
    });
    quiet().await;
    let backoff = otp_core::backoff::Backoff::constant(secs(10));
    let away = top.start_child(plain("away").backoff(backoff)).await?;
    crash(&away).await;
    let snapshot = top.snapshot().await?;
    let text = snapshot.to_string();
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.trim_end_matches(|c: char| c != '>' && c != 'e' && !c.is_alphanumeric()))
        .collect();
    let shapes: Vec<String> = lines
        .iter()
        .map(|line| {
            line.split(['<', '>'])
                .enumerate()
                .map(|(at, part)| if at % 2 == 1 { "#" } else { part })
                .collect()
        })
        .collect();
    assert_eq!(
        shapes,
        [
            "top # OneForOne",
            "├─ middle # RestForOne",
            "│  ├─ beside #",
            "│  └─ lowest # OneForOne",
            "│     ├─ busy #, waiting messages: 1",
            "│     └─ starting # starting",
            "└─ away restarting",
        ],
        "{text}"
    );
    assert_eq!(snapshot.children.len(), 2);
    assert_eq!(snapshot.children[1].0.state, ChildState::Restarting);
    drop(resting);
    starting.abort();
    top.pid().ok_or("none")?.kill();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_hangs_holds_no_supervisor_above_up() -> Outcome {
    let child = Child::dynamic_supervisor("below", DynamicSupervisor::new().at_once());
    let below = child.dynamic_supervisor_ref();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .child(plain("last"))
        .start()
        .await?;
    let hanging = hangs("a", &Log::default());
    let a = hanging.server_ref();
    assert!(below.start_child_then(hanging, |_| ()).is_ok());
    quiet().await;
    assert!(a.is_alive());
    let temporary = plain("b").restart(Restart::Temporary);
    let b = below.start_child(temporary).await?;
    let begun = tokio::time::Instant::now();
    tree.stop().await?;
    assert_eq!(begun.elapsed(), secs(5), "the time that a child has");
    assert_closed(&a);
    assert_closed(&b);
    Ok(())
}
