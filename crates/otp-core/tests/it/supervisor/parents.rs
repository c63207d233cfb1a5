//! The end of who is above, while restarts are tried again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use otp_core::{Child, ExitReason, ServerRef, Strategy, Supervisor, SupervisorRef};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{boom, crash, named, patient};
use crate::support::{Log, Msg, Outcome, Probe, ms, poll_now, quiet, secs};

/// A child that comes up once and never again, and counts the attempts.
fn once(attempts: &Arc<AtomicUsize>) -> Child<Msg> {
    let attempts = Arc::clone(attempts);
    Child::server("once", move || {
        let first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
        Probe::new(&Log::default())
            .on_init(move |_, _| Box::pin(async move { if first { Ok(()) } else { Err(boom()) } }))
    })
}

/// A tree that tries again without end, and the log of its other child.
struct Trying {
    plan: Supervisor,
    server: ServerRef<Msg>,
    attempts: Arc<AtomicUsize>,
    log: Log,
}

fn trying() -> Trying {
    let (attempts, log) = (Arc::default(), Log::default());
    let child = once(&attempts);
    let server = child.server_ref();
    let plan = patient(Strategy::OneForOne).child(named("a", &log));
    Trying {
        plan: plan.child(child),
        server,
        attempts,
        log,
    }
}

impl Trying {
    /// It has ended in order, and tries no more.
    async fn assert_ended(&self) {
        assert_eq!(self.log.take(), ["up a", "down a", "dropped a"]);
        let attempts = self.attempts.load(Ordering::Relaxed);
        assert!(attempts > 3, "{attempts}");
        quiet().await;
        assert_eq!(self.attempts.load(Ordering::Relaxed), attempts);
        assert!(self.server.cast(Msg::Note("refused")).is_err());
    }

    async fn tries(&self) {
        let before = self.attempts.load(Ordering::Relaxed);
        self.server.cast(Msg::end(boom())).unwrap();
        while self.attempts.load(Ordering::Relaxed) < before + 3 {
            tokio::task::yield_now().await;
        }
    }
}

/// Has a server start a tree as its parent.
async fn linked(parent: &ServerRef<Msg>, plan: Supervisor) -> Option<SupervisorRef> {
    let (sender, started) = oneshot::channel();
    let start = Msg::run(move |_, ctx| {
        let start = plan.start_link(ctx);
        Box::pin(async {
            let _ = sender.send(start.await.ok());
            Ok(())
        })
    });
    parent.cast(start).ok()?;
    started.await.ok()?
}

#[tokio::test]
async fn a_tree_that_tries_a_restart_without_end_ends_with_its_parent() -> Outcome {
    let mut of_trying = trying();
    let plan = std::mem::replace(&mut of_trying.plan, patient(Strategy::OneForOne));
    let parent = Probe::new(&Log::default()).start().await?;
    let tree = linked(&parent, plan).await.ok_or("not started")?;
    of_trying.tries().await;
    let end = tree.pid().ok_or("no pid")?.monitor();
    parent.cast(Msg::end(boom()))?;
    let reason = timeout(secs(30), end).await.map_err(|_| "it hangs")?;
    assert_eq!(reason.to_string(), "boom");
    of_trying.assert_ended().await;
    Ok(())
}

#[tokio::test]
async fn a_tree_that_tries_a_restart_without_end_can_be_stopped_and_asked() -> Outcome {
    let mut of_trying = trying();
    let plan = std::mem::replace(&mut of_trying.plan, patient(Strategy::OneForOne));
    let tree = plan.start().await?;
    of_trying.tries().await;
    let count = timeout(secs(30), tree.count_children()).await;
    assert_eq!(count.map_err(|_| "it hangs")??.active, 1);
    timeout(secs(30), tree.stop())
        .await
        .map_err(|_| "it hangs")??;
    of_trying.assert_ended().await;
    Ok(())
}

#[tokio::test]
async fn a_supervisor_that_tries_a_restart_without_end_is_stopped_by_the_one_above() -> Outcome {
    let mut of_trying = trying();
    let plan = std::mem::replace(&mut of_trying.plan, patient(Strategy::OneForOne));
    let above = patient(Strategy::OneForOne).child(Child::supervisor("nested", plan));
    let tree = above.start().await?;
    of_trying.tries().await;
    timeout(secs(30), tree.stop())
        .await
        .map_err(|_| "it hangs")??;
    of_trying.assert_ended().await;
    Ok(())
}

#[tokio::test]
async fn a_tree_that_tries_a_restart_without_end_ends_with_its_last_handle() -> Outcome {
    let mut of_trying = trying();
    let plan = std::mem::replace(&mut of_trying.plan, patient(Strategy::OneForOne));
    let tree = plan.start().await?;
    of_trying.tries().await;
    let end = tree.pid().ok_or("no pid")?.monitor();
    drop(tree);
    let reason = timeout(secs(30), end).await.map_err(|_| "it runs on")?;
    assert!(reason.is_normal(), "{reason}");
    of_trying.assert_ended().await;
    Ok(())
}

#[tokio::test]
async fn a_tree_whose_child_ends_as_soon_as_it_has_started_ends_with_its_last_handle() -> Outcome {
    let starts = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&starts);
    let child = Child::task("a", move |_| {
        counts.fetch_add(1, Ordering::Relaxed);
        async { Err(boom()) }
    });
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    while starts.load(Ordering::Relaxed) < 10 {
        tokio::task::yield_now().await;
    }
    let end = tree.pid().ok_or("no pid")?.monitor();
    drop(tree);
    let reason = timeout(secs(30), end).await.map_err(|_| "it runs on")?;
    assert!(reason.is_normal(), "{reason}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_parents_end_takes_its_turn_behind_what_was_asked_before() -> Outcome {
    let log = Log::default();
    let parent = Probe::new(&Log::default()).start().await?;
    let plan = patient(Strategy::OneForOne).child(named("a", &log));
    let tree = linked(&parent, plan).await.ok_or("not started")?;
    let suspended = tree.suspend().await?;
    let mut before = Box::pin(tree.start_child(named("before", &log)));
    assert!(poll_now(before.as_mut()).is_pending());
    parent.cast(Msg::end(ExitReason::Normal))?;
    quiet().await;
    let mut after = Box::pin(tree.start_child(named("after", &log)));
    assert!(poll_now(after.as_mut()).is_pending());
    let end = tree.pid().ok_or("no pid")?.monitor();
    log.take();
    drop(suspended);
    assert!(end.await.is_normal());
    assert!(before.await.is_ok());
    assert!(after.await.is_err());
    assert_eq!(
        log.take(),
        [
            "up before",
            "down before",
            "dropped before",
            "down a",
            "dropped a"
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_parents_end_comes_between_two_attempts_and_not_after_the_last() -> Outcome {
    // Each attempt takes a second; the parent ends within the second of them.
    let (slow, attempts) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (slows, counts) = (Arc::clone(&slow), Arc::clone(&attempts));
    let child = Child::server("a", move || {
        counts.fetch_add(1, Ordering::Relaxed);
        let slow = slows.load(Ordering::Relaxed);
        Probe::new(&Log::default()).on_init(move |_, _| {
            Box::pin(async move {
                if slow {
                    tokio::time::sleep(secs(1)).await;
                    return Err(boom());
                }
                Ok(())
            })
        })
    });
    let server = child.server_ref();
    let parent = Probe::new(&Log::default()).start().await?;
    let plan = patient(Strategy::OneForOne).child(child);
    let tree = linked(&parent, plan).await.ok_or("not started")?;
    slow.store(true, Ordering::Relaxed);
    crash(&server).await;
    tokio::time::sleep(ms(1_500)).await;
    let end = tree.pid().ok_or("no pid")?.monitor();
    parent.cast(Msg::end(boom()))?;
    let begun = tokio::time::Instant::now();
    assert_eq!(end.await.to_string(), "boom");
    // The attempt in hand is finished. Its retry was queued behind the parent's end.
    assert_eq!(begun.elapsed(), ms(499));
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
    Ok(())
}
