//! `stop`: its turn, what it waits for, and what it says when the end is another one.

use std::pin::pin;

use otp_core::{ExitReason, ServerRef, StopError};
use tokio::time::{Instant, sleep};

use crate::support::{
    Log, Msg, Outcome, Probe, block_on, ms, panic_message, poll_now, quiet, secs, shown,
};

type Stopping = tokio::task::JoinHandle<Result<(), StopError>>;

/// Stops from a task of its own.
fn stopping(server: &ServerRef<Msg>, reason: ExitReason) -> Stopping {
    let server = server.clone();
    tokio::spawn(async move { server.stop_with(reason).await })
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_its_turn_in_the_queue() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    for note in ["first", "second", "third"] {
        server.cast(Msg::Note(note))?;
    }
    let mut stop = pin!(server.stop());
    assert!(poll_now(stop.as_mut()).is_pending());
    server.cast(Msg::Note("too late"))?;
    stop.await?;
    assert_eq!(
        log.take(),
        [
            "first",
            "second",
            "third",
            "terminate: normal",
            "state dropped"
        ]
    );
    assert_eq!(server.info().dropped, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_handler_in_hand() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::run(|probe, _| {
        Box::pin(async {
            sleep(secs(60)).await;
            probe.log.note("handled");
            Ok(())
        })
    }))?;
    server.stop().await?;
    assert!(begun.elapsed() >= secs(60));
    assert_eq!(
        log.take(),
        ["handled", "terminate: normal", "state dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_continued_comes_before_a_stop() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        ctx.continue_with(Msg::Note("continued"));
        Ok(())
    }))?;
    server.stop().await?;
    assert_eq!(
        log.take(),
        ["continued", "terminate: normal", "state dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_returns_when_all_is_over() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let slow = Probe::new(&log).on_terminate(|probe, _| {
        Box::pin(async {
            sleep(secs(60)).await;
            probe.log.note("cleaned up");
            Ok(())
        })
    });
    let server = slow.start().await?;
    let pid = server.pid().ok_or("no pid")?;
    let mut kept = pin!(server.call_timeout(Msg::Keep, secs(600)));
    assert!(poll_now(kept.as_mut()).is_pending());
    server.stop().await?;
    assert!(begun.elapsed() >= secs(60));
    assert_eq!(
        log.take(),
        ["terminate: normal", "cleaned up", "state dropped"]
    );
    assert_eq!(shown(&poll_now(kept)), "Ready(Err(Exited(Normal)))");
    assert!(!server.is_alive() && !pid.is_alive() && server.pid().is_none());
    assert!(
        server
            .cast(Msg::Note("too late"))
            .is_err_and(|refused| !refused.is_full())
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_is_stopped_with_any_reason() -> Outcome {
    for (reason, text) in [
        (ExitReason::Normal, "normal"),
        (ExitReason::Shutdown, "shutdown"),
        (ExitReason::shutdown_with("moving"), "shutdown: moving"),
        (ExitReason::boxed("why"), "why"),
    ] {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let end = server.pid().ok_or("no pid")?.monitor();
        server.stop_with(reason.clone()).await?;
        assert_eq!(
            log.take(),
            [format!("terminate: {text}"), "state dropped".to_owned()]
        );
        assert_eq!(shown(&end.await), shown(&reason));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_ended_server_cannot_be_stopped() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    server.stop().await?;
    assert_eq!(shown(&server.stop().await), "Err(NoProc)");
    assert_eq!(
        shown(&server.stop_with(ExitReason::Shutdown).await),
        "Err(NoProc)"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_terminate_takes_the_place_of_the_reason() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log)
        .on_terminate(|_, _| panic!("boom"))
        .start()
        .await?;
    match server.stop().await {
        Err(StopError::Exited(reason)) => assert_eq!(panic_message(&reason), Some("boom")),
        other => panic!("{other:?}"),
    }
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_end_before_the_stop_is_reported() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    server.cast(Msg::end(ExitReason::boxed("why")))?;
    assert_eq!(shown(&server.stop().await), r#"Err(Exited(Error("why")))"#);

    let server = Probe::new(&Log::default()).start().await?;
    server.cast(Msg::hang())?;
    let stop = stopping(&server, ExitReason::Normal);
    quiet().await;
    server.pid().ok_or("no pid")?.kill();
    assert_eq!(shown(&stop.await?), "Err(Exited(Killed))");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_end_for_the_same_reason_is_as_good() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::end(ExitReason::Normal))?;
    server.stop().await?;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    // Two errors are the same only if they are the very same.
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::end(ExitReason::boxed("why")))?;
    let other = ExitReason::boxed("why");
    assert_eq!(
        shown(&server.stop_with(other).await),
        r#"Err(Exited(Error("why")))"#
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn several_may_stop_a_server_at_once() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let stops: Vec<_> = (0..5)
        .map(|_| stopping(&server, ExitReason::Normal))
        .collect();
    for stop in stops {
        stop.await??;
    }
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_several_stops_the_first_gives_the_reason() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let first = stopping(&server, ExitReason::Shutdown);
    let second = stopping(&server, ExitReason::Normal);
    first.await??;
    assert_eq!(shown(&second.await?), "Err(Exited(Shutdown))");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_given_up_goes_on() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    drop(server.stop());
    quiet().await;
    assert!(server.is_alive());
    assert!(poll_now(pin!(server.stop())).is_pending());
    quiet().await;
    assert!(!server.is_alive());
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_terminate_that_hangs_can_be_killed() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log)
        .on_terminate(|_, _| Box::pin(std::future::pending()))
        .start()
        .await?;
    let stop = stopping(&server, ExitReason::Normal);
    sleep(secs(3_600)).await;
    assert!(!stop.is_finished());
    server.pid().ok_or("no pid")?.kill();
    assert_eq!(shown(&stop.await?), "Err(Exited(Killed))");
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_its_turn_on_a_full_mailbox_too() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start_bounded(1).await?;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("first"))?;
    let stop = stopping(&server, ExitReason::Normal);
    sleep(ms(10)).await;
    assert!(!stop.is_finished());
    drop(resting);
    stop.await??;
    assert_eq!(log.take(), ["first", "terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_server_may_stop_a_server() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let other = Probe::new(&Log::default()).start().await?;
    let stopped = other.call(|reply| {
        Msg::run(|_, _| {
            Box::pin(async move {
                reply.send(shown(&server.stop().await));
                Ok(())
            })
        })
    });
    assert_eq!(stopped.await?, "Ok(())");
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[test]
fn a_server_is_stopped_from_outside_its_runtime() -> Outcome {
    let log = Log::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()?;
    let server = runtime.block_on(Probe::new(&log).start())?;
    block_on(server.stop())?;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}
