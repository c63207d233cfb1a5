//! Starts that are given up or take too long.

use std::sync::atomic::{AtomicUsize, Ordering};

use otp_core::{Child, FailedToStartChild, ServerOptions, StartError, Strategy, Supervisor};
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::supervisor::{boom, crash, named, patient};
use crate::support::{Log, Msg, Outcome, Probe, block_on, ms, poll_now, quiet, secs, shown};

/// A child whose `init` lets others run a few times.
fn starts_slowly(id: &'static str, log: &Log) -> Child<Msg> {
    let log = log.clone();
    Child::server(id, move || {
        log.note("made");
        Probe::new(&log).on_init(|_, _| {
            Box::pin(async {
                for _ in 0..3 {
                    yield_now().await;
                }
                Ok(())
            })
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_given_up_at_any_moment_leaves_nothing() -> Outcome {
    for polls in 1..1_000 {
        let log = Log::default();
        let (a, b) = (starts_slowly("a", &log), starts_slowly("b", &log));
        let servers = [a.server_ref(), b.server_ref()];
        let nested = Supervisor::new(Strategy::OneForOne).child(b);
        let plan = patient(Strategy::OneForOne);
        let plan = plan.child(a).child(Child::supervisor("nested", nested));
        let mut start = Box::pin(plan.start());
        let mut started = None;
        for _ in 0..polls {
            if let std::task::Poll::Ready(outcome) = poll_now(start.as_mut()) {
                started = Some(outcome);
                break;
            }
            yield_now().await;
        }
        drop(start);
        if let Some(started) = started {
            assert!(polls > 6, "given up at no moment between");
            started?.stop().await?;
            return Ok(());
        }
        quiet().await;
        let (seen, count) = (log.take(), |seen: &[String], what: &str| {
            seen.iter().filter(|line| *line == what).count()
        });
        assert_eq!(
            count(&seen, "made"),
            count(&seen, "state dropped"),
            "after {polls}: {seen:?}"
        );
        for server in servers {
            assert!(!server.is_alive());
            assert!(server.cast(Msg::Note("refused")).is_err(), "after {polls}");
        }
    }
    Err("it never started".into())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_takes_too_long_to_start_is_killed() -> Outcome {
    let log = Log::default();
    let own = log.clone();
    let options = ServerOptions::default().start_timeout(ms(300));
    let hangs = Child::server_with("hangs", options, move || {
        Probe::new(&own).on_init(|_, _| Box::pin(std::future::pending()))
    });
    let begun = Instant::now();
    let plan = patient(Strategy::OneForOne).child(named("first", &log));
    let started = plan.child(hangs).child(named("never", &log)).start().await;
    assert_eq!(begun.elapsed(), ms(300));
    let Err(StartError::Failed(reason)) = started else {
        return Err(shown(&started).into());
    };
    let failed = reason.downcast_ref::<FailedToStartChild>();
    let failed = failed.ok_or_else(|| shown(&reason))?;
    assert_eq!(&*failed.id, "hangs");
    assert!(matches!(
        failed.reason.downcast_ref(),
        Some(StartError::Timeout)
    ));
    assert_eq!(
        log.take(),
        ["up first", "state dropped", "down first", "dropped first"]
    );
    Ok(())
}

/// A child whose `init` hangs from its second start on.
fn hangs_later(log: &Log, options: ServerOptions) -> Child<Msg> {
    let (log, starts) = (log.clone(), AtomicUsize::new(0));
    Child::server_with("later", options, move || {
        let first = starts.fetch_add(1, Ordering::Relaxed) == 0;
        Probe::new(&log).on_init(move |probe, _| {
            probe.log.note("init");
            Box::pin(async move {
                if !first {
                    std::future::pending::<()>().await;
                }
                Ok(())
            })
        })
    })
}

#[tokio::test(start_paused = true)]
async fn restarts_that_take_too_long_are_tried_again_until_there_were_too_many() -> Outcome {
    let log = Log::default();
    let child = hangs_later(&log, ServerOptions::default().start_timeout(ms(300)));
    let server = child.server_ref();
    let plan = Supervisor::new(Strategy::OneForOne).intensity(2, secs(5));
    let tree = plan.child(child).start().await?;
    let begun = Instant::now();
    let ended = tree.pid().ok_or("no pid")?.monitor();
    server.cast(Msg::end(boom()))?;
    server.cast(Msg::Note("never handled"))?;
    assert!(ended.await.is_clean());
    assert_eq!(begun.elapsed(), ms(600));
    let hung = ["init", "state dropped"];
    let first = ["init", "terminate: boom", "state dropped"];
    assert_eq!(log.take(), [&first[..], &hung, &hung].concat());
    assert_eq!(server.info().dropped, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_supervisor_takes_a_child_along_that_it_was_starting() -> Outcome {
    let log = Log::default();
    let child = hangs_later(&log, ServerOptions::default());
    let server = child.server_ref();
    let plan = patient(Strategy::OneForOne);
    let tree = plan
        .child(named("beside", &log))
        .child(child)
        .start()
        .await?;
    crash(&server).await;
    log.take();
    tree.pid().ok_or("no pid")?.kill();
    quiet().await;
    let mut seen = log.take();
    seen.sort();
    assert_eq!(seen, ["dropped beside", "state dropped"]);
    assert!(server.cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[test]
fn a_tree_needs_a_runtime() {
    let started = block_on(patient(Strategy::OneForOne).start());
    assert!(matches!(started, Err(StartError::NoRuntime)), "{started:?}");
}
