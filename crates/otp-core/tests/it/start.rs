//! Starting a server: `init`, its failures and its time limit, and what is left behind.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use otp_core::{ExitReason, ServerOptions, ServerRef, StartError};
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::support::{
    Log, Msg, Outcome, Probe, block_on, ms, panic_message, poll_now, quiet, secs, shown,
};

/// A server whose `init` waits for the notification.
fn waiting(log: &Log, go: &Arc<Notify>) -> Probe {
    let go = Arc::clone(go);
    Probe::new(log).on_init(move |probe, _| {
        Box::pin(async move {
            probe.log.note("init begins");
            go.notified().await;
            probe.log.note("init ends");
            Ok(())
        })
    })
}

#[tokio::test(start_paused = true)]
async fn start_returns_when_init_has_returned() -> Outcome {
    let (log, go) = (Log::default(), Arc::new(Notify::new()));
    let starting = tokio::spawn(waiting(&log, &go).start());
    quiet().await;
    assert_eq!(log.take(), ["init begins"]);
    assert!(!starting.is_finished());
    go.notify_one();
    let server = starting.await??;
    assert_eq!(log.take(), ["init ends"]);
    assert!(server.is_alive());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_start_on_a_runtime_with_many_threads() -> Outcome {
    let mut servers = Vec::new();
    for _ in 0..100 {
        servers.push(tokio::spawn(Probe::new(&Log::default()).start()));
    }
    for (number, server) in (0..).zip(servers) {
        let server = server.await??;
        assert_eq!(server.call(|reply| Msg::Echo(number, reply)).await?, number);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_failed_init_is_an_error_and_leaves_nothing() {
    let log = Log::default();
    let failed = Probe::new(&log)
        .on_init(|_, _| Box::pin(async { Ok("x".parse::<u16>().map(drop)?) }))
        .start()
        .await;
    // The state is gone by now, and `terminate` is not for what never ran.
    assert_eq!(log.take(), ["state dropped"]);
    match failed {
        Err(StartError::Failed(reason)) => {
            assert!(reason.downcast_ref::<std::num::ParseIntError>().is_some());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_can_be_repeated_at_once() {
    let log = Log::default();
    for _ in 0..3 {
        let failed = Probe::new(&log)
            .on_init(|_, _| Box::pin(async { Err(ExitReason::boxed("why")) }))
            .start()
            .await;
        assert_eq!(shown(&failed), r#"Err(Failed(Error("why")))"#);
        assert_eq!(log.take(), ["state dropped"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_init_that_ends_normally_has_failed_too() {
    let log = Log::default();
    let failed = Probe::new(&log)
        .on_init(|_, _| Box::pin(async { Err(ExitReason::Normal) }))
        .start()
        .await;
    assert_eq!(shown(&failed), "Err(Failed(Normal))");
    assert_eq!(log.take(), ["state dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_init_is_an_error() {
    let log = Log::default();
    let failed = Probe::new(&log)
        .on_init(|_, _| Box::pin(async { panic!("boom") }))
        .start()
        .await;
    assert_eq!(log.take(), ["state dropped"]);
    match failed {
        Err(StartError::Failed(reason)) => assert_eq!(panic_message(&reason), Some("boom")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_may_decline_to_start() {
    let log = Log::default();
    let declines = Probe::new(&log).on_init(|_, ctx| {
        ctx.ignore();
        ctx.continue_with(Msg::Note("continued"));
        Box::pin(async { Ok(()) })
    });
    assert_eq!(shown(&declines.start().await), "Err(Ignored)");
    quiet().await;
    assert_eq!(log.take(), ["state dropped"]);
}

#[tokio::test(start_paused = true)]
async fn declining_in_a_handler_has_no_effect() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        ctx.ignore();
        Ok(())
    }))?;
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    server.stop().await?;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_killed_in_init_has_failed() {
    let log = Log::default();
    let killed = Probe::new(&log).on_init(|_, ctx| {
        ctx.pid().kill();
        Box::pin(std::future::pending())
    });
    assert_eq!(shown(&killed.start().await), "Err(Failed(Killed))");
    assert_eq!(log.take(), ["state dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_asked_for_in_init_comes_after_it() -> Outcome {
    let log = Log::default();
    let stops = Probe::new(&log).on_init(|_, ctx| {
        ctx.stop(ExitReason::Shutdown);
        ctx.continue_with(Msg::Note("continued"));
        Box::pin(async { Ok(()) })
    });
    // It did start, however short its life.
    let server = stops.start().await?;
    quiet().await;
    assert!(!server.is_alive());
    assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn init_may_take_as_long_as_it_likes() -> Outcome {
    let slow = Probe::new(&Log::default()).on_init(|_, _| {
        Box::pin(async {
            tokio::time::sleep(secs(86_400)).await;
            Ok(())
        })
    });
    assert!(slow.start().await?.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn init_may_take_as_long_as_the_start_timeout() -> Outcome {
    let slow = Probe::new(&Log::default()).on_init(|_, _| {
        Box::pin(async {
            tokio::time::sleep(ms(900)).await;
            Ok(())
        })
    });
    let server = slow
        .start_with(ServerOptions::default().start_timeout(secs(1)))
        .await?;
    // The limit is for `init` alone.
    tokio::time::sleep(secs(10)).await;
    assert!(server.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_init_that_takes_too_long_is_killed() {
    let (log, begun) = (Log::default(), Instant::now());
    let slow = waiting(&log, &Arc::new(Notify::new()));
    let late = slow
        .start_with(ServerOptions::default().start_timeout(secs(1)))
        .await;
    assert_eq!(shown(&late), "Err(Timeout)");
    assert!(
        (secs(1)..secs(1) + ms(20)).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
    quiet().await;
    assert_eq!(log.take(), ["init begins", "state dropped"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_when_a_start_has_timed_out() {
    let log = Log::default();
    let slow = waiting(&log, &Arc::new(Notify::new()));
    let late = slow
        .start_with(ServerOptions::default().start_timeout(secs(1)))
        .await;
    assert_eq!(shown(&late), "Err(Timeout)");
    assert_eq!(log.take(), ["init begins", "state dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_never_polled_starts_nothing() {
    let log = Log::default();
    drop(
        Probe::new(&log)
            .on_init(|_, _| Box::pin(async { unreachable!() }))
            .start(),
    );
    quiet().await;
    assert_eq!(log.take(), ["state dropped"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_start_before_init_begins_ends_the_process() {
    let log = Log::default();
    {
        let starting = pin!(waiting(&log, &Arc::new(Notify::new())).start());
        assert!(poll_now(starting).is_pending());
    }
    quiet().await;
    assert_eq!(log.take(), ["state dropped"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_start_within_init_ends_the_process() {
    let log = Log::default();
    {
        let mut starting = pin!(waiting(&log, &Arc::new(Notify::new())).start());
        assert!(poll_now(starting.as_mut()).is_pending());
        quiet().await;
        assert_eq!(log.take(), ["init begins"]);
    }
    quiet().await;
    assert_eq!(log.take(), ["state dropped"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_start_after_init_ends_the_process() {
    let log = Log::default();
    {
        let starting = pin!(Probe::new(&log).start());
        assert!(poll_now(starting).is_pending());
        quiet().await;
        assert_eq!(log.take(), [""; 0]);
    }
    quiet().await;
    // Nobody ever had a handle to it; whether it served is its own business.
    assert!(log.has("state dropped"));
}

#[test]
fn a_start_outside_a_runtime_is_an_error() {
    let log = Log::default();
    assert_eq!(shown(&block_on(Probe::new(&log).start())), "Err(NoRuntime)");
    assert_eq!(log.take(), ["state dropped"]);
}

#[test]
fn a_start_in_a_runtime_without_timers_is_an_error() -> Outcome {
    let log = Log::default();
    let runtime = Builder::new_current_thread().build()?;
    assert_eq!(
        shown(&runtime.block_on(Probe::new(&log).start())),
        "Err(NoTimers)"
    );
    assert_eq!(log.take(), ["state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_without_room_is_refused() {
    let log = Log::default();
    let refused = Probe::new(&log).start_bounded(0).await;
    assert_eq!(
        shown(&refused),
        r#"Err(BadOption(BadOption { option: "bounded", allowed: "1 or more" }))"#
    );
    assert_eq!(log.take(), ["state dropped"]);
}

#[test]
fn a_runtime_dropped_within_init_fails_the_start() -> Outcome {
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let mut starting = pin!(waiting(&log, &Arc::new(Notify::new())).start());
    {
        let _inside = runtime.enter();
        assert!(poll_now(starting.as_mut()).is_pending());
    }
    runtime.block_on(tokio::task::yield_now());
    drop(runtime);
    match poll_now(starting) {
        Poll::Ready(failed) => assert_eq!(shown(&failed), "Err(Failed(Killed))"),
        Poll::Pending => panic!("still starting"),
    }
    assert!(log.has("state dropped"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_init_sends_to_its_own_server_is_handled_after_it() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).on_init(|probe, ctx| {
        Box::pin(async move {
            ctx.self_ref().cast(Msg::Note("sent first")).unwrap();
            ctx.self_ref().cast(Msg::Note("sent second")).unwrap();
            ctx.continue_with(Msg::Note("continued"));
            tokio::time::sleep(secs(1)).await;
            probe.log.note("init ends");
            Ok(())
        })
    });
    let server = server.start().await?;
    server.call(|reply| Msg::Echo(1, reply)).await?;
    assert_eq!(
        log.take(),
        ["init ends", "continued", "sent first", "sent second"]
    );
    Ok(())
}

/// Starts a server that gives its address away in `init` and then waits for what `init` returns.
fn known_early(
    log: &Log,
) -> (
    Probe,
    oneshot::Receiver<ServerRef<Msg>>,
    oneshot::Sender<Result<(), ExitReason>>,
) {
    let (address, known) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let server = Probe::new(log).on_init(|_, ctx| {
        let sent = address.send(ctx.self_ref()).is_ok();
        Box::pin(async move {
            assert!(sent);
            ended.await?
        })
    });
    (server, known, end)
}

#[tokio::test(start_paused = true)]
async fn a_call_made_within_init_is_answered_after_it() -> Outcome {
    let (server, known, end) = known_early(&Log::default());
    let starting = tokio::spawn(server.start());
    let early = known.await?;
    let asked = tokio::spawn(async move { early.call(|reply| Msg::Echo(1, reply)).await });
    quiet().await;
    assert!(!asked.is_finished());
    assert!(end.send(Ok(())).is_ok());
    assert_eq!(asked.await??, 1);
    assert!(starting.await??.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_made_within_an_init_that_fails_is_told_why() -> Outcome {
    let (server, known, end) = known_early(&Log::default());
    let starting = tokio::spawn(server.start());
    let early = known.await?;
    let asked = tokio::spawn(async move {
        (
            early.call(|reply| Msg::Echo(1, reply)).await,
            early.call(|reply| Msg::Echo(2, reply)).await,
        )
    });
    quiet().await;
    assert!(end.send(Err(ExitReason::Shutdown)).is_ok());
    assert_eq!(shown(&asked.await?), "(Err(Exited(Shutdown)), Err(NoProc))");
    assert_eq!(shown(&starting.await?), "Err(Failed(Shutdown))");
    Ok(())
}
