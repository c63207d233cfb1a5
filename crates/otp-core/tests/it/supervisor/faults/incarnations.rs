//! One slot, one incarnation at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use otp_core::{Child, Context, ExitReason, GenServer, ReplyTo, Shutdown, Strategy};

use crate::supervisor::{crash, patient};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

/// A child that traps exits, whose `terminate` takes a second.
fn lingers(log: &Log) -> Child<Msg> {
    let log = log.clone();
    Child::server("lingers", move || {
        log.note("made");
        Probe::new(&log)
            .on_init(|_, ctx| {
                ctx.trap_exit();
                Box::pin(async { Ok(()) })
            })
            .on_terminate(|_, _| {
                Box::pin(async {
                    tokio::time::sleep(secs(1)).await;
                    Ok(())
                })
            })
    })
}

#[tokio::test(start_paused = true)]
async fn a_child_of_a_killed_supervisor_ends_before_its_next_incarnation_begins() -> Outcome {
    let log = Log::default();
    let child = lingers(&log);
    let server = child.server_ref();
    let nested = Child::supervisor("nested", patient(Strategy::OneForOne).child(child));
    let below = nested.supervisor_ref();
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    let first = server.pid().ok_or("no pid")?;
    below.pid().ok_or("no pid")?.kill();
    tokio::time::sleep(ms(500)).await;
    let cleaning_up = first.is_alive();
    tokio::time::sleep(secs(3)).await;
    assert_eq!(
        log.take(),
        ["made", "terminate: killed", "state dropped", "made"]
    );
    assert!(cleaning_up, "its `terminate` takes a second");
    assert!(server.is_alive());
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    // The new one is its supervisor's as any other.
    crash(&server).await;
    tokio::time::sleep(secs(3)).await;
    assert_eq!(server.call(|reply| Msg::Echo(2, reply)).await?, 2);
    tree.stop().await?;
    assert!(!server.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_brutally_killed_supervisor_can_be_restarted_at_once() -> Outcome {
    for traps in [false, true] {
        let counts = (Arc::new(AtomicIsize::new(0)), Arc::new(AtomicIsize::new(0)));
        let (now, most) = counts.clone();
        let child = Child::server("alone", move || Alone::new(traps, &counts.0, &counts.1));
        let server = child.server_ref();
        let nested = Child::supervisor("nested", patient(Strategy::OneForOne).child(child));
        let nested = nested.shutdown(Shutdown::BrutalKill);
        let tree = patient(Strategy::OneForOne).child(nested).start().await?;
        for _ in 0..10 {
            tree.terminate_child("nested").await?;
            tree.restart_child("nested").await?;
            server.call(|reply| reply).await?;
        }
        tree.stop().await?;
        quiet().await;
        let (most, left) = (most.load(Ordering::SeqCst), now.load(Ordering::SeqCst));
        assert_eq!((most, left), (1, 0), "most at a time, and left at the end");
    }
    Ok(())
}

/// Counts how many of it there are at a time.
struct Alone {
    traps: bool,
    now: Arc<AtomicIsize>,
}

impl Alone {
    fn new(traps: bool, now: &Arc<AtomicIsize>, most: &AtomicIsize) -> Self {
        let alive = now.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(alive, Ordering::SeqCst);
        let now = Arc::clone(now);
        Self { traps, now }
    }
}

impl GenServer for Alone {
    type Msg = ReplyTo<()>;

    async fn init(&mut self, ctx: &mut Context<ReplyTo<()>>) -> Result<(), ExitReason> {
        if self.traps {
            ctx.trap_exit();
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        reply: ReplyTo<()>,
        _: &mut Context<ReplyTo<()>>,
    ) -> Result<(), ExitReason> {
        reply.send(());
        Ok(())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_is_never_more_than_one_incarnation_of_a_child() -> Outcome {
    one_at_a_time(false).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_is_never_more_than_one_incarnation_of_a_child_that_traps_exits() -> Outcome {
    one_at_a_time(true).await
}

/// Kills the supervisor of eight children time and again.
async fn one_at_a_time(traps: bool) -> Outcome {
    let mut plan = patient(Strategy::OneForOne);
    let mut children = Vec::new();
    for at in 0..8 {
        let (now, most) = (Arc::new(AtomicIsize::new(0)), Arc::new(AtomicIsize::new(0)));
        let counts = (Arc::clone(&now), Arc::clone(&most));
        let child = Child::server(format!("{at}"), move || {
            // Counted from here on: a kill may come before `init`.
            Alone::new(traps, &counts.0, &counts.1)
        });
        children.push((child.server_ref(), now, most));
        plan = plan.child(child);
    }
    let nested = Child::supervisor("nested", plan);
    let below = nested.supervisor_ref();
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    for _ in 0..100 {
        if let Some(pid) = below.pid() {
            pid.kill();
        }
        for (server, ..) in &children {
            // Whoever is told of a kill in between asks again.
            let mut asked = 0;
            while let Err(error) = server.call(|reply| reply).await {
                asked += 1;
                assert!(asked < 1_000, "{error}");
                tokio::task::yield_now().await;
            }
        }
    }
    // The last kill may not have been acted on yet, and for the children of a killed supervisor nobody waits
    // but its next incarnation.
    let mut asked = 0;
    while below.count_children().await.is_err() {
        asked += 1;
        assert!(asked < 1_000, "it does not come back");
        tokio::task::yield_now().await;
    }
    tree.stop().await?;
    for (server, now, most) in children {
        // The last kill may have come right before the stop: nobody waits for the children of a killed one.
        if let Some(pid) = server.pid() {
            pid.monitor().await;
        }
        let (most, left) = (most.load(Ordering::SeqCst), now.load(Ordering::SeqCst));
        assert_eq!((most, left), (1, 0), "most at a time, and left at the end");
        assert!(!server.is_alive());
    }
    Ok(())
}
