//! `start_link` dropped half-way, and what else ends a server that starts.

use std::future::pending;

use otp_core::{ExitReason, ReplyTo, ServerOptions};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::{at_every_poll, count, dropped_after};
use crate::exits::{End, Kind, Subject, boom};
use crate::support::{Log, Msg, Outcome, Probe, inside, ms, quiet, secs};

#[tokio::test(start_paused = true)]
async fn a_start_link_that_is_dropped_leaves_nothing_and_tells_nothing() -> Outcome {
    for kind in [Kind::Server, Kind::Trapping] {
        for timeout in [std::time::Duration::MAX, secs(1)] {
            at_every_poll(async |polls, drops| {
                let (parent, log) = (Subject::new(kind).await, Log::default());
                let child = Probe::new(&log).on_init(|probe, _| {
                    Box::pin(async {
                        let _local = probe.log.on_drop("init dropped");
                        tokio::task::yield_now().await;
                        sleep(ms(5)).await;
                        Ok(())
                    })
                });
                let options = ServerOptions::default().start_timeout(timeout);
                let server = parent.server.as_ref().ok_or("none")?;
                let started = server.call(|reply: ReplyTo<_>| {
                    Msg::run(move |_, ctx| {
                        let starting = ctx.start_link_with(child, options);
                        Box::pin(async move {
                            let started = dropped_after(polls, drops, starting).await;
                            reply.send(started);
                            Ok(())
                        })
                    })
                });
                let started = started.await?.transpose()?;
                let done = started.is_some();
                sleep(secs(1)).await;
                // An end in order is told as that of any linked process; a start given up is not told at all.
                assert!(parent.pid.is_alive());
                assert_eq!(parent.log.take(), [""; 0]);
                if let Some(child) = started {
                    let pid = child.pid().ok_or("no pid")?;
                    assert!(child.stop().await.is_ok());
                    quiet().await;
                    let told = match kind {
                        Kind::Trapping => vec![format!("EXIT {pid}: normal")],
                        _ => vec![],
                    };
                    assert_eq!(parent.log.take(), told);
                }
                let lines = log.take();
                assert_eq!(count(&lines, "state dropped"), 1, "{lines:?}");
                let terminated = count(&lines, "terminate: normal");
                assert_eq!(terminated, usize::from(done), "{lines:?}");
                // Nor is anything left of the link.
                let log = parent.log.clone();
                parent.end(End::With(ExitReason::Normal)).await;
                assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
                Ok(done)
            })
            .await?;
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_link_that_is_never_polled_is_nothing() -> Outcome {
    let (parent, log) = (Subject::new(Kind::Trapping).await, Log::default());
    let child = Probe::new(&log);
    let server = parent.server.as_ref().ok_or("none")?;
    inside(server, |_, ctx| drop(ctx.start_link(child))).await;
    quiet().await;
    assert_eq!(log.take(), ["state dropped"]);
    assert_eq!(parent.log.take(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fatal_signal_in_init_fails_the_start_with_its_reason() -> Outcome {
    for traps in [false, true] {
        let (parent, log) = (Subject::new(Kind::Trapping).await, Log::default());
        let (tell, told) = oneshot::channel();
        let child = Probe::new(&log).on_init(move |probe, ctx| {
            if traps {
                ctx.trap_exit();
            }
            let _ = tell.send(ctx.pid());
            let local = probe.log.on_drop("init dropped");
            Box::pin(async {
                let _local = local;
                pending().await
            })
        });
        let server = parent.server.as_ref().ok_or("none")?;
        let starting = inside(server, |_, ctx| ctx.start_link(child)).await;
        let starting = tokio::spawn(starting);
        let pid = told.await?;
        let end = pid.monitor();
        pid.exit(ExitReason::Normal);
        pid.exit(if traps { ExitReason::Kill } else { boom() });
        let expected = ["boom", "killed"][usize::from(traps)];
        assert_eq!(end.await.to_string(), expected);
        match starting.await? {
            Err(otp_core::StartError::Failed(reason)) => assert_eq!(reason.to_string(), expected),
            other => return Err(format!("{other:?}").into()),
        }
        quiet().await;
        assert_eq!(log.take(), ["init dropped", "state dropped"]);
        assert_eq!(parent.log.take(), [""; 0]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_signal_trapped_in_init_waits_for_its_end() -> Outcome {
    let (log, gate) = (Log::default(), oneshot::channel::<()>());
    let (tell, told) = oneshot::channel();
    let server = Probe::new(&log).on_init(move |probe, ctx| {
        ctx.trap_exit();
        let _ = tell.send(ctx.pid());
        Box::pin(async move {
            let _ = gate.1.await;
            probe.log.note("init is over");
            Ok(())
        })
    });
    let starting = tokio::spawn(server.start());
    told.await?.exit(boom());
    quiet().await;
    let _ = gate.0.send(());
    let _server = starting.await??;
    quiet().await;
    assert_eq!(log.take(), ["init is over", "EXIT nobody: boom"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fatal_signal_cuts_terminate_short() -> Outcome {
    for (reason, text) in [
        (boom(), "boom"),
        (ExitReason::Shutdown, "shutdown"),
        (ExitReason::Kill, "killed"),
    ] {
        let (log, peer) = (Log::default(), Subject::new(Kind::Trapping).await);
        let server = Probe::new(&log).on_terminate(|probe, _| {
            Box::pin(async {
                let _local = probe.log.on_drop("terminate dropped");
                pending().await
            })
        });
        let server = server.start().await?;
        let (pid, whom) = (server.pid().ok_or("no pid")?, peer.pid.clone());
        inside(&server, move |_, ctx| ctx.link(&whom)).await?;
        let end = pid.monitor();
        server.cast(Msg::end(ExitReason::Normal))?;
        quiet().await;
        assert_eq!(log.take(), ["terminate: normal"]);
        pid.exit(ExitReason::Normal);
        quiet().await;
        assert!(pid.is_alive());
        pid.exit(reason);
        assert_eq!(end.await.to_string(), text);
        assert_eq!(log.take(), ["terminate dropped", "state dropped"]);
        quiet().await;
        assert_eq!(peer.log.take(), [format!("EXIT {pid}: {text}")]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_linked_process_cuts_terminate_short_too() -> Outcome {
    let (log, peer) = (Log::default(), Subject::new(Kind::Plain).await);
    let server = Probe::new(&log)
        .on_terminate(|_, _| Box::pin(pending()))
        .start()
        .await?;
    let (pid, whom) = (server.pid().ok_or("no pid")?, peer.pid.clone());
    inside(&server, move |_, ctx| ctx.link(&whom)).await?;
    let end = pid.monitor();
    server.cast(Msg::end(ExitReason::Normal))?;
    quiet().await;
    peer.end(End::With(boom())).await;
    assert_eq!(end.await.to_string(), "boom");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_terminate_binds_goes_with_the_process() -> Outcome {
    let (log, other) = (Log::default(), Subject::new(Kind::Trapping).await);
    let (whom, watched) = (other.pid.clone(), other.server.clone().ok_or("none")?);
    let server = Probe::new(&log).on_terminate(move |_, ctx| {
        let linked = ctx.link(&whom);
        ctx.monitor(&whom);
        ctx.watch(&watched, |_| Msg::Note("never"));
        ctx.spawn_link(pending());
        Box::pin(async move { Ok(linked?) })
    });
    let server = server.start().await?;
    let pid = server.pid().ok_or("no pid")?;
    server.stop().await?;
    quiet().await;
    assert_eq!(other.log.take(), [format!("EXIT {pid}: normal")]);
    other.end(End::Killed).await;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}
