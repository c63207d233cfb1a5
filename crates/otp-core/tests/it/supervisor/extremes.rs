//! Options at their ends: nothing, and more than there is.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otp_core::backoff::Backoff;
use otp_core::{Child, ChildState, ServerOptions, Shutdown, StartChildError, Strategy, Supervisor};
use tokio::time::{Instant, sleep, timeout};

use super::{boom, crash, named, patient, probe, state};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

#[tokio::test(start_paused = true)]
async fn without_any_intensity_the_first_restart_is_one_too_many() -> Outcome {
    for period in [Duration::ZERO, secs(5), Duration::MAX] {
        for strategy in [
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
        ] {
            let log = Log::default();
            let a = probe("a", &Log::default());
            let server = a.server_ref();
            let plan = Supervisor::new(strategy).intensity(0, period);
            let tree = plan.child(named("b", &log)).child(a).start().await?;
            let end = tree.pid().ok_or("no pid")?.monitor();
            log.take();
            crash(&server).await;
            assert_eq!(end.await.to_string(), "shutdown");
            assert_eq!(log.take(), ["down b", "dropped b"]);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn in_a_period_without_end_no_restart_is_forgotten() -> Outcome {
    let a = probe("a", &Log::default());
    let server = a.server_ref();
    let plan = Supervisor::new(Strategy::OneForOne).intensity(3, Duration::MAX);
    let tree = plan.child(a).start().await?;
    for _ in 0..3 {
        crash(&server).await;
        sleep(secs(1_000_000)).await;
        assert!(server.is_alive());
    }
    crash(&server).await;
    assert!(!tree.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn in_a_period_of_nothing_only_what_happens_at_once_counts() -> Outcome {
    let fails = Arc::new(AtomicUsize::new(0));
    let how_often = Arc::clone(&fails);
    let a = Child::server("a", move || {
        let fails = how_often
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        Probe::new(&Log::default())
            .on_init(move |_, _| Box::pin(async move { if fails { Err(boom()) } else { Ok(()) } }))
    });
    let server = a.server_ref();
    let plan = Supervisor::new(Strategy::OneForOne).intensity(2, Duration::ZERO);
    let tree = plan.child(a).start().await?;
    for _ in 0..20 {
        crash(&server).await;
    }
    fails.store(1, Ordering::Relaxed);
    crash(&server).await;
    assert!(server.is_alive(), "two attempts at once are borne");
    fails.store(2, Ordering::Relaxed);
    crash(&server).await;
    assert!(!tree.is_alive(), "three are not");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_without_any_time_to_end_is_killed() -> Outcome {
    let log = Log::default();
    let a = named("a", &log).shutdown(Shutdown::Timeout(Duration::ZERO));
    let server = a.server_ref();
    let tree = patient(Strategy::OneForOne).child(a).start().await?;
    server.cast(Msg::hang())?;
    quiet().await;
    log.take();
    let begun = Instant::now();
    tree.terminate_child("a").await?;
    assert!(begun.elapsed() <= ms(1), "{:?}", begun.elapsed());
    assert_eq!(log.take(), ["dropped a"]);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_with_all_the_time_there_is_is_waited_for() -> Outcome {
    for shutdown in [Shutdown::Timeout(Duration::MAX), Shutdown::Infinity] {
        let log = Log::default();
        let own = log.clone();
        let a = Child::server("a", move || {
            Probe::new(&own).on_terminate(|_, _| {
                Box::pin(async {
                    sleep(secs(1_000_000)).await;
                    Ok(())
                })
            })
        });
        let tree = patient(Strategy::OneForOne).child(a.shutdown(shutdown));
        let tree = tree.start().await?;
        let begun = Instant::now();
        tree.stop().await?;
        assert_eq!(begun.elapsed(), secs(1_000_000));
        assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_waited_for_without_limit_may_end_itself() -> Outcome {
    let ends: [fn() -> Msg; 3] = [
        || Msg::end(otp_core::ExitReason::Normal),
        || Msg::end(boom()),
        Msg::panic,
    ];
    for end in ends {
        let log = Log::default();
        let a = probe("a", &log).shutdown(Shutdown::Infinity);
        let server = a.server_ref();
        let tree = patient(Strategy::OneForOne).child(a).start().await?;
        // By itself, and then while it is asked to.
        server.cast(end())?;
        quiet().await;
        assert!(server.is_alive());
        let first = server.pid();
        server.cast(Msg::run(move |_, ctx| {
            let me = ctx.self_ref();
            Box::pin(async move {
                sleep(secs(10)).await;
                let _ = me.cast(end());
                Err(boom())
            })
        }))?;
        quiet().await;
        let begun = Instant::now();
        tree.terminate_child("a").await?;
        assert_eq!(begun.elapsed(), secs(10) - ms(1));
        assert_eq!(state(&tree, "a").await, ChildState::Stopped);
        assert!(first.is_some_and(|pid| !pid.is_alive()));
        assert_eq!(log.take().last().map(String::as_str), Some("state dropped"));
        tree.stop().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_without_any_time_to_start_fails_and_leaves_nothing() -> Outcome {
    let (log, tree) = (Log::default(), patient(Strategy::OneForOne).start().await?);
    let own = log.clone();
    let options = ServerOptions::default().start_timeout(Duration::ZERO);
    let a = Child::server_with("a", options, move || {
        own.note("made");
        Probe::new(&own).on_init(|_, _| Box::pin(pending()))
    });
    let server = a.server_ref();
    let outcome = tree.start_child(a).await;
    assert!(
        matches!(outcome, Err(StartChildError::Failed(_))),
        "{outcome:?}"
    );
    let (made, dropped) = (log.has("made"), log.has("state dropped"));
    assert_eq!(made, dropped);
    assert!(server.cast(Msg::Note("refused")).is_err());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_with_all_the_time_there_is_to_start_starts_when_it_is_ready() -> Outcome {
    let tree = patient(Strategy::OneForOne).start().await?;
    let options = ServerOptions::default().start_timeout(Duration::MAX);
    let a = Child::server_with("a", options, || {
        Probe::new(&Log::default()).on_init(|_, _| {
            Box::pin(async {
                sleep(secs(1_000_000)).await;
                Ok(())
            })
        })
    });
    let begun = Instant::now();
    assert!(tree.start_child(a).await?.is_alive());
    assert_eq!(begun.elapsed(), secs(1_000_000));
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_back_off_of_nothing_restarts_at_once_and_one_without_end_never() -> Outcome {
    let a = probe("a", &Log::default()).backoff(Backoff::constant(Duration::ZERO));
    let b = probe("b", &Log::default()).backoff(Backoff::constant(Duration::MAX));
    let (to_a, to_b) = (a.server_ref(), b.server_ref());
    let tree = patient(Strategy::OneForOne)
        .child(a)
        .child(b)
        .start()
        .await?;
    crash(&to_a).await;
    assert!(to_a.is_alive());
    crash(&to_b).await;
    sleep(secs(1_000_000)).await;
    assert_eq!(state(&tree, "b").await, ChildState::Restarting);
    tree.terminate_child("b").await?;
    assert!(tree.restart_child("b").await?.is_alive());
    timeout(secs(1), tree.stop()).await??;
    Ok(())
}
