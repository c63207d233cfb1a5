//! `Context::watch`: a server's comings and goings as messages.

use std::sync::Arc;

use otp_core::{ServerChange, ServerRef, WatchRef, inbox};
use tokio::sync::{Semaphore, oneshot};

use crate::exits::{End, Kind, Subject, boom};
use crate::support::{Log, Msg, Outcome, Probe, inside, panic_message, quiet, shown};

/// What a change is written down as.
fn text(change: &ServerChange) -> String {
    match change {
        ServerChange::Up(pid) => format!("Up {pid}"),
        ServerChange::Down(reason) => format!("Down {reason}"),
        other => shown(other),
    }
}

/// A message that writes a change down.
fn changed(change: ServerChange) -> Msg {
    Msg::act(move |probe, _| {
        probe.log.note(text(&change));
        Ok(())
    })
}

async fn watch<N: Send + 'static>(watcher: &Subject, server: &ServerRef<N>) -> WatchRef {
    let server = server.clone();
    let own = watcher.server.as_ref().unwrap();
    inside(own, move |_, ctx| ctx.watch(&server, changed)).await
}

#[tokio::test(start_paused = true)]
async fn a_running_server_is_up_then_down_then_closed() -> Outcome {
    for (end, reason) in [(End::With(boom()), "boom"), (End::Killed, "killed")] {
        let (watcher, watched) = (
            Subject::new(Kind::Server).await,
            Subject::new(Kind::Server).await,
        );
        watch(&watcher, watched.server.as_ref().ok_or("no server")?).await;
        let up = format!("Up {}", watched.pid);
        quiet().await;
        assert_eq!(watcher.log.take(), [up]);
        watched.end(end).await;
        quiet().await;
        assert_eq!(
            watcher.log.take(),
            [format!("Down {reason}"), "Closed".to_owned()]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_so_now_comes_right_after_the_callback_in_hand() -> Outcome {
    let (watcher, watched) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    let server = watched.server.clone().ok_or("no server")?;
    let own = watcher.server.as_ref().ok_or("no server")?;
    let resting = own.suspend().await?;
    own.cast(Msg::act(move |probe, ctx| {
        ctx.watch(&server, changed);
        probe.log.note("watches");
        Ok(())
    }))?;
    own.cast(Msg::Note("queued"))?;
    drop(resting);
    quiet().await;
    let up = format!("Up {}", watched.pid);
    assert_eq!(watcher.log.take(), ["watches", &up, "queued"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_watch_in_init_begins_there() -> Outcome {
    let (log, watched) = (Log::default(), Subject::new(Kind::Server).await);
    let server = watched.server.clone().ok_or("no server")?;
    let _watcher = Probe::new(&log)
        .on_init(move |_, ctx| {
            ctx.watch(&server, changed);
            Box::pin(async { Ok(()) })
        })
        .start()
        .await?;
    quiet().await;
    assert_eq!(log.take(), [format!("Up {}", watched.pid)]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_ended_server_is_closed_at_once() -> Outcome {
    let (watcher, watched) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    let server = watched.server.clone().ok_or("no server")?;
    watched.end(End::With(boom())).await;
    let first = watch(&watcher, &server).await;
    let second = watch(&watcher, &server).await;
    assert!(first != second);
    quiet().await;
    assert_eq!(watcher.log.take(), ["Closed", "Closed"]);
    let own = watcher.server.as_ref().ok_or("no server")?;
    assert!(!inside(own, move |_, ctx| ctx.unwatch(first)).await);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_watch_is_reported_for_itself() -> Outcome {
    let (watcher, watched) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    let server = watched.server.clone().ok_or("no server")?;
    let first = watch(&watcher, &server).await;
    watch(&watcher, &server).await;
    watch(&watcher, &server).await;
    let own = watcher.server.as_ref().ok_or("no server")?;
    assert!(inside(own, move |_, ctx| ctx.unwatch(first)).await);
    assert!(!inside(own, move |_, ctx| ctx.unwatch(first)).await);
    quiet().await;
    assert_eq!(watcher.log.take().len(), 3);
    watched.end(End::Killed).await;
    quiet().await;
    assert_eq!(watcher.log.take().len(), 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_arrives_after_unwatching_not_even_what_waits() -> Outcome {
    let (watcher, watched) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    let watch = watch(&watcher, watched.server.as_ref().ok_or("no server")?).await;
    quiet().await;
    watcher.log.take();
    let own = watcher.server.as_ref().ok_or("no server")?;
    let resting = own.suspend().await?;
    own.cast(Msg::act(move |probe, ctx| {
        probe.log.note(format!("watched: {}", ctx.unwatch(watch)));
        Ok(())
    }))?;
    watched.end(End::With(boom())).await;
    drop(resting);
    quiet().await;
    assert_eq!(watcher.log.take(), ["watched: true"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_arrives_of_a_watch_that_is_taken_back_at_once() -> Outcome {
    for ended in [false, true] {
        let (watcher, watched) = (
            Subject::new(Kind::Server).await,
            Subject::new(Kind::Server).await,
        );
        let server = watched.server.clone().ok_or("no server")?;
        let mut watched = Some(watched);
        if ended {
            watched.take().ok_or("none")?.end(End::Killed).await;
        }
        let own = watcher.server.as_ref().ok_or("no server")?;
        inside(own, move |_, ctx| {
            let watch = ctx.watch(&server, changed);
            ctx.unwatch(watch)
        })
        .await;
        quiet().await;
        assert_eq!(watcher.log.take(), [""; 0], "the server had ended: {ended}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn changes_take_their_turn_behind_what_the_watched_process_sent() -> Outcome {
    let (watcher, watched) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    let server = watched.server.clone().ok_or("no server")?;
    watch(&watcher, &server).await;
    quiet().await;
    watcher.log.take();
    let own = watcher.server.clone().ok_or("no server")?;
    server.cast(Msg::act(move |_, _| {
        (0..1_000)
            .try_for_each(|_| own.cast(Msg::Note("sent")))
            .unwrap();
        Err(boom())
    }))?;
    quiet().await;
    let mut lines = watcher.log.take();
    assert_eq!(lines.split_off(1_000), ["Down boom", "Closed"]);
    assert!(lines.iter().all(|line| line == "sent"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_watch_does_not_keep_the_server_running() -> Outcome {
    let (watcher, watched) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    let Subject { server, pid, .. } = watched;
    let server = server.ok_or("no server")?;
    watch(&watcher, &server).await;
    drop(server);
    quiet().await;
    assert!(!pid.is_alive());
    let lines = watcher.log.take();
    assert_eq!(
        lines,
        [format!("Up {pid}"), "Down normal".into(), "Closed".into()]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_inbox_may_be_watched() -> Outcome {
    let watcher = Subject::new(Kind::Server).await;
    let (address, inbox) = inbox::<u32>();
    watch(&watcher, &address).await;
    let up = format!("Up {}", inbox.pid());
    drop(inbox);
    quiet().await;
    assert_eq!(
        watcher.log.take(),
        [up, "Down normal".into(), "Closed".into()]
    );
    Ok(())
}

/// A server whose `init` waits at a gate, and hands out its address before.
fn gated(
    outcome: fn() -> crate::support::Done,
) -> (Probe, oneshot::Receiver<ServerRef<Msg>>, Arc<Semaphore>) {
    let (tell, told) = oneshot::channel();
    let gate = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&gate);
    let probe = Probe::new(&Log::default()).on_init(move |_, ctx| {
        let _ = tell.send(ctx.self_ref());
        Box::pin(async move {
            opens.acquire().await?.forget();
            outcome()
        })
    });
    (probe, told, gate)
}

#[tokio::test(start_paused = true)]
async fn a_server_is_up_when_its_init_has_returned() -> Outcome {
    let watcher = Subject::new(Kind::Server).await;
    let (probe, address, gate) = gated(|| Ok(()));
    let starting = tokio::spawn(probe.start());
    watch(&watcher, &address.await?).await;
    quiet().await;
    assert_eq!(watcher.log.take(), [""; 0]);
    gate.add_permits(1);
    let server = starting.await??;
    quiet().await;
    let up = format!("Up {}", server.pid().ok_or("no pid")?);
    assert_eq!(watcher.log.take(), [up]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_init_fails_was_never_up() -> Outcome {
    let watcher = Subject::new(Kind::Server).await;
    let (probe, address, gate) = gated(|| Err(boom()));
    let starting = tokio::spawn(probe.start());
    watch(&watcher, &address.await?).await;
    gate.add_permits(1);
    assert!(starting.await?.is_err());
    quiet().await;
    let lines = watcher.log.take();
    assert_eq!(
        lines.last().map(String::as_str),
        Some("Closed"),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.starts_with("Up")),
        "{lines:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_may_watch_itself() -> Outcome {
    let watcher = Subject::new(Kind::Server).await;
    let own = watcher.server.clone().ok_or("no server")?;
    watch(&watcher, &own).await;
    quiet().await;
    assert_eq!(watcher.log.take(), [format!("Up {}", watcher.pid)]);
    let log = watcher.log.clone();
    watcher.end(End::With(boom())).await;
    assert_eq!(log.take(), ["terminate: boom", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_map_that_panics_is_the_watchers_panic() -> Outcome {
    for at in ["Up", "Down", "Closed"] {
        let (watcher, watched) = (
            Subject::new(Kind::Server).await,
            Subject::new(Kind::Server).await,
        );
        let server = watched.server.clone().ok_or("no server")?;
        let over = watcher.pid.monitor();
        let own = watcher.server.as_ref().ok_or("no server")?;
        own.cast(Msg::act(move |_, ctx| {
            ctx.watch(&server, move |change| {
                assert!(!text(&change).starts_with(at), "in the map");
                changed(change)
            });
            Ok(())
        }))?;
        quiet().await;
        let other = Subject::new(Kind::Server).await;
        watch(&other, watched.server.as_ref().ok_or("no server")?).await;
        watched.end(End::With(boom())).await;
        assert_eq!(panic_message(&over.await), Some("in the map"), "{at}");
        quiet().await;
        let lines = watcher.log.take();
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("terminate: panicked")),
            "{lines:?}"
        );
        assert_eq!(other.log.take()[1..], ["Down boom", "Closed"]);
    }
    Ok(())
}
