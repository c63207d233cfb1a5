//! Looking into a server's state, and holding it still.

use std::pin::pin;
use std::sync::Arc;

use otp_core::{ExitReason, InspectError, inbox};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::support::{Log, Msg, Outcome, Probe, ms, panic_message, poll_now, quiet, secs, shown};

/// A handler that waits for the notification.
fn waits(go: &Arc<Notify>) -> Msg {
    let go = Arc::clone(go);
    Msg::run(|probe, _| {
        Box::pin(async move {
            probe.log.note("begins");
            go.notified().await;
            probe.log.note("ends");
            Ok(())
        })
    })
}

#[tokio::test(start_paused = true)]
async fn inspect_sees_the_state() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    assert_eq!(server.inspect(|probe: &Probe| probe.kept.len()).await?, 0);
    let mut call = pin!(server.call(Msg::Keep));
    assert!(poll_now(call.as_mut()).is_pending());
    quiet().await;
    assert_eq!(server.inspect(|probe: &Probe| probe.kept.len()).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn inspect_of_another_state_says_what_was_asked_for() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    match server.inspect(|text: &String| text.len()).await {
        Err(InspectError::OtherState { expected }) => assert_eq!(expected, "alloc::string::String"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_look_that_panics_does_the_server_no_harm() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    match server.inspect(|_: &Probe| -> u32 { panic!("boom") }).await {
        Err(InspectError::Panicked(reason)) => assert_eq!(panic_message(&reason), Some("boom")),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    Ok(())
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in the drop of a result");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_nobody_reads_does_the_server_no_harm() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    assert!(poll_now(pin!(server.inspect(|_: &Probe| Bomb))).is_pending());
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn inspect_overtakes_the_mailbox_but_not_the_handler() -> Outcome {
    let (log, go) = (Log::default(), Arc::new(Notify::new()));
    let server = Probe::new(&log).start().await?;
    server.cast(waits(&go))?;
    server.cast(Msg::Note("swapped out with it"))?;
    quiet().await;
    server.cast(Msg::Note("arrives later"))?;
    let mut look = pin!(server.inspect(|probe: &Probe| probe.log.note("looks")));
    assert!(poll_now(look.as_mut()).is_pending());
    quiet().await;
    assert_eq!(log.take(), ["begins"]);
    go.notify_one();
    look.await?;
    quiet().await;
    assert_eq!(
        log.take(),
        ["ends", "looks", "swapped out with it", "arrives later"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn inspect_waits_for_five_seconds() -> Outcome {
    let (log, go) = (Log::default(), Arc::new(Notify::new()));
    let server = Probe::new(&log).start().await?;
    server.cast(waits(&go))?;
    quiet().await;
    let begun = Instant::now();
    let look = server.inspect(|probe: &Probe| probe.log.note("looks"));
    assert_eq!(shown(&look.await), "Err(Call(Timeout))");
    assert!(begun.elapsed() >= secs(5) && begun.elapsed() <= secs(5) + ms(20));
    // It may still run.
    go.notify_one();
    quiet().await;
    assert_eq!(log.take(), ["begins", "ends", "looks"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_given_up_does_no_harm() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    drop(server.inspect(|probe: &Probe| probe.log.note("never looks")));
    assert!(poll_now(pin!(server.inspect(|_: &Probe| ()))).is_pending());
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert_eq!(log.take(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_ended_server_cannot_be_inspected() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    server.cast(Msg::end(ExitReason::Shutdown))?;
    // It still runs: the end comes before the look.
    let mut look = pin!(server.inspect(|_: &Probe| ()));
    server.cast(Msg::hang())?;
    assert!(poll_now(look.as_mut()).is_pending());
    look.await?;
    quiet().await;
    assert_eq!(
        shown(&server.inspect(|_: &Probe| ()).await),
        "Err(Call(NoProc))"
    );
    assert_eq!(shown(&server.suspend().await), "Err(NoProc)");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_look_is_told_of_the_end() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    server.cast(Msg::hang())?;
    quiet().await;
    let mut look = pin!(server.inspect(|_: &Probe| ()));
    let mut rest = pin!(server.suspend());
    assert!(poll_now(look.as_mut()).is_pending() && poll_now(rest.as_mut()).is_pending());
    server.pid().ok_or("no pid")?.kill();
    assert_eq!(shown(&look.await), "Err(Call(Exited(Killed)))");
    assert_eq!(shown(&rest.await), "Err(Exited(Killed))");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_handles_nothing() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        ctx.send_after(secs(1), Msg::Note("timer"));
        ctx.idle_after(secs(2), Msg::Note("idle"));
        Ok(())
    }))?;
    quiet().await;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("message"))?;
    let mut call = pin!(server.call_timeout(Msg::Keep, secs(1)));
    assert_eq!(shown(&call.as_mut().await), "Err(Timeout)");
    sleep(secs(3_600)).await;
    assert_eq!(log.take(), [""; 0]);
    drop(resting);
    quiet().await;
    // What is due by then comes first.
    assert_eq!(log.take(), ["timer", "message"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_can_be_inspected_while_it_is_suspended() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("message"))?;
    for _ in 0..3 {
        server
            .inspect(|probe: &Probe| probe.log.note("looks"))
            .await?;
        quiet().await;
    }
    assert_eq!(log.take(), ["looks", "looks", "looks"]);
    drop(resting);
    quiet().await;
    assert_eq!(log.take(), ["message"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_can_be_killed() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let resting = server.suspend().await?;
    let pid = server.pid().ok_or("no pid")?;
    pid.kill();
    assert_eq!(shown(&pid.monitor().await), "Killed");
    drop(resting);
    assert_eq!(log.take(), ["state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_is_stopped_when_it_goes_on() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let resting = server.suspend().await?;
    let mut stop = pin!(server.stop());
    assert!(poll_now(stop.as_mut()).is_pending());
    sleep(secs(60)).await;
    assert_eq!(log.take(), [""; 0]);
    drop(resting);
    stop.await?;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_ends_without_handles_when_it_goes_on() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let resting = server.suspend().await?;
    drop(server);
    sleep(secs(60)).await;
    assert_eq!(log.take(), [""; 0]);
    drop(resting);
    quiet().await;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_goes_on_when_the_last_guard_is_dropped() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let guards = [
        server.suspend().await?,
        server.suspend().await?,
        server.suspend().await?,
    ];
    server.cast(Msg::Note("message"))?;
    for guard in guards {
        quiet().await;
        assert_eq!(log.take(), [""; 0]);
        drop(guard);
    }
    quiet().await;
    assert_eq!(log.take(), ["message"]);
    // And it can be suspended again.
    let _resting = server.suspend().await?;
    server.cast(Msg::Note("message"))?;
    quiet().await;
    assert_eq!(log.take(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn suspend_waits_for_the_handler_in_hand_without_limit() -> Outcome {
    let (log, go) = (Log::default(), Arc::new(Notify::new()));
    let server = Probe::new(&log).start().await?;
    server.cast(waits(&go))?;
    server.cast(Msg::Note("swapped out with it"))?;
    quiet().await;
    let mut suspend = pin!(server.suspend());
    assert!(
        tokio::time::timeout(secs(86_400), suspend.as_mut())
            .await
            .is_err()
    );
    go.notify_one();
    let _resting = suspend.await?;
    quiet().await;
    assert_eq!(log.take(), ["begins", "ends"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspend_that_is_given_up_is_taken_back() -> Outcome {
    let (log, go) = (Log::default(), Arc::new(Notify::new()));
    let server = Probe::new(&log).start().await?;
    drop(server.suspend());
    server.cast(waits(&go))?;
    quiet().await;
    assert!(poll_now(pin!(server.suspend())).is_pending());
    go.notify_one();
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);

    // Also where it had been granted, and nobody had looked yet.
    {
        let mut suspend = pin!(server.suspend());
        assert!(poll_now(suspend.as_mut()).is_pending());
        quiet().await;
    }
    assert_eq!(server.call(|reply| Msg::Echo(2, reply)).await?, 2);
    assert_eq!(log.take(), ["begins", "ends"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn looking_in_does_not_count_as_activity() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        ctx.idle_after(secs(10), Msg::Note("idle"));
        Ok(())
    }))?;
    sleep(secs(4)).await;
    server.inspect(|_: &Probe| ()).await?;
    assert_eq!(server.info().mailbox_len, 0);
    sleep(secs(4)).await;
    drop(server.suspend().await?);
    while !log.has("idle") {
        sleep(ms(1)).await;
    }
    let idle = begun.elapsed();
    assert!(idle >= secs(10) && idle <= secs(10) + ms(20), "{idle:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_guard_names_its_server() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let pid = server.pid().ok_or("no pid")?;
    let resting = server.suspend().await?;
    assert_eq!(
        shown(&resting),
        format!(
            "Suspended {{ pid: {} }}",
            pid.to_string().trim_matches(['<', '>'])
        )
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_inbox_has_no_state_to_look_into() -> Outcome {
    let (address, mut inbox) = inbox::<Msg>();
    let reading = tokio::spawn(async move { inbox.recv().await.is_some() });
    let look = tokio::time::timeout(secs(60), address.inspect(|_: &Probe| ())).await;
    assert!(matches!(look, Ok(Err(_))), "{look:?}");
    assert!(!reading.is_finished());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspend_of_an_inbox_does_not_hang() -> Outcome {
    let (address, mut inbox) = inbox::<Msg>();
    let reading = tokio::spawn(async move { inbox.recv().await.is_some() });
    let suspended = tokio::time::timeout(secs(3_600), address.suspend()).await;
    assert!(suspended.is_ok(), "{suspended:?}");
    assert!(!reading.is_finished());
    Ok(())
}
