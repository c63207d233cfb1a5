//! `info`: how a server is doing, without asking it.

use std::pin::pin;

use otp_core::{ExitReason, ServerInfo, ServerOptions, ServerRef, ServerState};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::support::{Log, Msg, Outcome, Probe, poll_now, quiet, secs};

/// The counters: waiting, begun, dropped.
fn counters(info: &ServerInfo) -> (usize, u64, usize) {
    (info.mailbox_len, info.handled, info.dropped)
}

async fn start() -> Result<ServerRef<Msg>, otp_core::StartError> {
    Probe::new(&Log::default()).start().await
}

fn sleeps() -> Msg {
    Msg::run(|_, _| {
        Box::pin(async {
            sleep(secs(60)).await;
            Ok(())
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_new_server_is_idle() -> Outcome {
    let server = start().await?;
    quiet().await;
    let info = server.info();
    assert_eq!(
        (info.state, info.name.clone(), info.busy_since),
        (ServerState::Idle, None, None)
    );
    assert_eq!(counters(&info), (0, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn info_knows_the_name() -> Outcome {
    let server = Probe::new(&Log::default())
        .start_with(ServerOptions::default().name("probe"))
        .await?;
    assert_eq!(server.info().name.as_deref(), Some("probe"));
    server.stop().await?;
    assert_eq!(server.info().name.as_deref(), Some("probe"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_in_init_is_starting() -> Outcome {
    let (address, known) = oneshot::channel();
    let slow = Probe::new(&Log::default()).on_init(|_, ctx| {
        let sent = address.send(ctx.self_ref()).is_ok();
        Box::pin(async move {
            assert!(sent);
            sleep(secs(60)).await;
            Ok(())
        })
    });
    let starting = tokio::spawn(slow.start());
    let early: ServerRef<Msg> = known.await?;
    early.cast(Msg::Note("waits"))?;
    quiet().await;
    assert_eq!(
        (early.info().state, counters(&early.info())),
        (ServerState::Starting, (1, 0, 0))
    );
    let server = starting.await??;
    quiet().await;
    assert_eq!(
        (server.info().state, counters(&server.info())),
        (ServerState::Idle, (0, 1, 0))
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn messages_are_counted() -> Outcome {
    for server in [
        start().await?,
        Probe::new(&Log::default()).start_bounded(1_000).await?,
    ] {
        for _ in 0..200 {
            server.cast(Msg::Note("note"))?;
        }
        assert_eq!(
            (server.info().state, counters(&server.info())),
            (ServerState::Busy, (200, 0, 0))
        );
        quiet().await;
        assert_eq!(
            (server.info().state, counters(&server.info())),
            (ServerState::Idle, (0, 200, 0))
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_is_busy_since_its_handler_waits() -> Outcome {
    let server = start().await?;
    server.cast(Msg::Note("before"))?;
    quiet().await;
    let begun = Instant::now();
    server.cast(sleeps())?;
    server.cast(Msg::Note("behind"))?;
    sleep(secs(30)).await;
    let info = server.info();
    assert_eq!(
        (info.state, info.busy_since),
        (ServerState::Busy, Some(begun))
    );
    assert_eq!(counters(&info), (1, 2, 0));
    server.cast(Msg::Note("later"))?;
    assert_eq!(counters(&server.info()), (2, 2, 0));
    sleep(secs(31)).await;
    let info = server.info();
    assert_eq!(
        (info.state, info.busy_since, counters(&info)),
        (ServerState::Idle, None, (0, 4, 0))
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_waiting_handler_is_busy_since_its_own_beginning() -> Outcome {
    let (server, begun) = (start().await?, Instant::now());
    server.cast(sleeps())?;
    server.cast(sleeps())?;
    sleep(secs(30)).await;
    assert_eq!(server.info().busy_since, Some(begun));
    sleep(secs(60)).await;
    assert_eq!(server.info().busy_since, Some(begun + secs(60)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_is_busy_while_it_handles_a_timers_message() -> Outcome {
    let (server, begun) = (start().await?, Instant::now());
    server.cast(Msg::act(|_, ctx| {
        ctx.send_after(secs(10), sleeps());
        Ok(())
    }))?;
    sleep(secs(5)).await;
    assert_eq!(
        (server.info().state, server.info().busy_since),
        (ServerState::Idle, None)
    );
    sleep(secs(30)).await;
    let info = server.info();
    assert_eq!(
        (info.state, info.busy_since),
        (ServerState::Busy, Some(begun + secs(10)))
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_says_so() -> Outcome {
    let server = start().await?;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("waits"))?;
    assert_eq!(
        (server.info().state, counters(&server.info())),
        (ServerState::Suspended, (1, 0, 0))
    );
    drop(resting);
    quiet().await;
    assert_eq!(
        (server.info().state, counters(&server.info())),
        (ServerState::Idle, (0, 1, 0))
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_ended_server_tells_what_it_left_undone() -> Outcome {
    for server in [
        start().await?,
        Probe::new(&Log::default()).start_bounded(1_000).await?,
    ] {
        server.cast(Msg::Note("handled"))?;
        server.cast(Msg::end(ExitReason::Shutdown))?;
        for _ in 0..3 {
            server.cast(Msg::Note("left"))?;
        }
        quiet().await;
        let info = server.info();
        assert_eq!((info.state, info.busy_since), (ServerState::Ended, None));
        assert_eq!(counters(&info), (0, 2, 3));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_ended_server_that_left_nothing_has_an_empty_mailbox() -> Outcome {
    for server in [
        start().await?,
        Probe::new(&Log::default()).start_bounded(1_000).await?,
    ] {
        server.cast(Msg::Note("handled"))?;
        server.cast(Msg::Note("handled"))?;
        server.cast(Msg::end(ExitReason::Shutdown))?;
        quiet().await;
        assert_eq!(
            (server.info().state, counters(&server.info())),
            (ServerState::Ended, (0, 3, 0))
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_killed_in_its_handler_is_not_busy_any_more() -> Outcome {
    let server = start().await?;
    server.cast(Msg::hang())?;
    server.cast(Msg::Note("left"))?;
    quiet().await;
    server.pid().ok_or("no pid")?.kill();
    quiet().await;
    let info = server.info();
    assert_eq!(
        (info.state, info.busy_since, counters(&info)),
        (ServerState::Ended, None, (0, 1, 1))
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn refused_messages_are_not_counted() -> Outcome {
    let server = Probe::new(&Log::default()).start_bounded(1).await?;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("accepted"))?;
    assert!(server.cast(Msg::Note("refused")).is_err());
    // Nor are those that wait for room.
    let mut waiting = pin!(server.cast_wait(Msg::Note("waits for room")));
    assert!(poll_now(waiting.as_mut()).is_pending());
    assert_eq!(counters(&server.info()), (1, 0, 0));
    server.pid().ok_or("no pid")?.kill();
    assert!(waiting.await.is_err());
    drop(resting);
    assert_eq!(counters(&server.info()), (0, 0, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_weak_and_the_strong_see_the_same() -> Outcome {
    let server = start().await?;
    let weak = server.downgrade();
    server.cast(Msg::Note("note"))?;
    quiet().await;
    let info = weak.upgrade().ok_or("gone")?.info();
    assert_eq!(counters(&info), counters(&server.info()));
    Ok(())
}
