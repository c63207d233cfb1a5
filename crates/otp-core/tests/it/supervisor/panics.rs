//! What is the program's and panics, in a supervisor's hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use otp_core::{Child, ChildState, ExitReason, Restart, StartError, Strategy, Supervisor};

use super::{crash, named, patient, state};
use crate::support::{Log, Msg, Outcome, Probe, panic_message, quiet, shown};

/// Panics when it is dropped, and writes it down.
struct Bomb(Log);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.note("bomb");
        panic!("bomb");
    }
}

/// A child whose factory owns a bomb.
fn armed(id: &'static str, log: &Log) -> Child<Msg> {
    let bomb = Bomb(log.clone());
    Child::server(id, move || {
        let _ = &bomb;
        Probe::new(&Log::default())
    })
}

/// The same as a task.
fn armed_task(id: &'static str, log: &Log) -> Child<std::convert::Infallible> {
    let bomb = Bomb(log.clone());
    Child::task(id, move |stop| {
        let _ = &bomb;
        async move {
            stop.requested().await;
            Ok(())
        }
    })
}

#[tokio::test(start_paused = true)]
async fn the_drop_of_a_factory_that_panics_does_its_supervisor_no_harm() -> Outcome {
    let (log, other) = (Log::default(), Log::default());
    let tree = patient(Strategy::OneForOne).child(named("other", &other));
    let tree = tree.start().await?;
    other.take();
    let pid = tree.pid();
    // By `delete_child`, by `terminate_child`, by its own end, and by a failed start.
    let a = tree.start_child(armed("a", &log)).await?;
    tree.terminate_child("a").await?;
    tree.delete_child("a").await?;
    let b = armed("b", &log).restart(Restart::Temporary);
    let b = tree.start_child(b).await?;
    tree.terminate_child("b").await?;
    let c = armed("c", &log).restart(Restart::Temporary);
    let c = tree.start_child(c).await?;
    c.cast(Msg::end(ExitReason::Normal))?;
    quiet().await;
    let bomb = Bomb(log.clone());
    let fails = Child::server("d", move || {
        let _ = &bomb;
        Probe::new(&Log::default()).on_init(|_, _| Box::pin(async { Err(super::boom()) }))
    });
    assert!(tree.start_child(fails).await.is_err());
    let twice = tree.start_child(armed("other", &log)).await;
    assert!(twice.is_err());
    quiet().await;
    assert_eq!(log.take(), ["bomb"; 5]);
    assert_eq!(tree.pid(), pid);
    assert!(!a.is_alive() && !b.is_alive() && !c.is_alive());
    for gone in [a, b, c] {
        assert!(gone.cast(Msg::Note("refused")).is_err());
    }
    assert!(other.take().is_empty());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn many_factories_whose_drops_panic_go_with_the_tree() -> Outcome {
    let log = Log::default();
    let nested = patient(Strategy::OneForOne)
        .child(armed("c", &log))
        .child(armed_task("d", &log));
    let plan = patient(Strategy::OneForOne)
        .child(armed("a", &log))
        .child(armed_task("b", &log))
        .child(Child::supervisor("nested", nested));
    let tree = plan.start().await?;
    let end = tree.pid().ok_or("no pid")?.monitor();
    tree.stop().await?;
    assert!(end.await.is_normal());
    quiet().await;
    assert_eq!(log.take(), ["bomb"; 4]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_specification_whose_factory_drops_panic_can_be_dropped_unstarted() -> Outcome {
    let log = Log::default();
    let plan = patient(Strategy::OneForOne)
        .child(armed("a", &log))
        .child(armed_task("b", &log));
    drop(plan);
    assert_eq!(log.take(), ["bomb"; 2]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_panics_at_a_restart_is_tried_again_until_there_were_too_many() -> Outcome {
    let made = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&made);
    let child = Child::server("a", move || {
        let number = counts.fetch_add(1, Ordering::Relaxed);
        assert!(number == 0, "no server");
        Probe::new(&Log::default())
    });
    let server = child.server_ref();
    let tree = Supervisor::new(Strategy::OneForOne).child(child);
    let tree = tree.start().await?;
    let end = tree.pid().ok_or("no pid")?.monitor();
    let caller = {
        let server = server.clone();
        tokio::spawn(async move {
            quiet().await;
            server.call(|reply| Msg::Echo(1, reply)).await
        })
    };
    crash(&server).await;
    assert_eq!(end.await.to_string(), "shutdown");
    assert_eq!(made.load(Ordering::Relaxed), 4);
    assert!(caller.await?.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_panics_is_a_failed_start() -> Outcome {
    let root = patient(Strategy::OneForOne).only_if(|| panic!("no answer"));
    let started = root.start().await;
    match started {
        Err(StartError::Failed(reason)) if panic_message(&reason) == Some("no answer") => {}
        other => return Err(shown(&other).into()),
    }

    let bad = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&bad);
    let (log, nested) = (Log::default(), patient(Strategy::OneForOne));
    let nested = nested.child(named("a", &log)).only_if(move || {
        assert!(!asked.swap(false, Ordering::Relaxed), "no answer");
        true
    });
    let nested = Child::supervisor("nested", nested);
    let below = nested.supervisor_ref();
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    bad.store(true, Ordering::Relaxed);
    below.pid().ok_or("no pid")?.crash("drill");
    quiet().await;
    // The first attempt failed, the second did not.
    assert!(matches!(
        state(&tree, "nested").await,
        ChildState::Running(_)
    ));
    let restarts = super::child(&tree, "nested")
        .await
        .ok_or("no child")?
        .restarts;
    assert_eq!(restarts, 1);
    assert_eq!(log.take(), ["up a", "down a", "dropped a", "up a"]);
    tree.stop().await?;
    Ok(())
}
