//! `Pid::crash`: a process fails as if its own code had panicked.

mod others;
mod supervisors;

use std::future::pending;

use otp_core::{CallError, ExitReason, Pid, ReplyTo, StartError};
use tokio::sync::oneshot;

use crate::support::{Log, Msg, Outcome, Probe, inside, ms, panic_message, quiet, shown};

/// What is left of a reason of which only the message counts.
fn drill(reason: &ExitReason) -> bool {
    panic_message(reason) == Some("drill")
}

/// Whether a call was told of the crash.
fn told<T>(outcome: &Result<T, CallError>) -> bool {
    matches!(outcome, Err(CallError::Exited(reason)) if drill(reason))
}

#[tokio::test(start_paused = true)]
async fn an_idle_server_terminates_and_everybody_is_told_of_the_panic() -> Outcome {
    let (log, peers) = (Log::default(), Log::default());
    let server = Probe::new(&log).start().await?;
    let peer = Probe::new(&peers).start().await?;
    let pid = server.pid().ok_or("no pid")?;
    let whom = pid.clone();
    inside(&peer, move |_, ctx| {
        ctx.trap_exit();
        ctx.link(&whom).unwrap();
        ctx.monitor(&whom);
    })
    .await;
    let caller = tokio::spawn({
        let server = server.clone();
        async move { server.call(Msg::Keep).await }
    });
    quiet().await;
    let end = pid.monitor();
    pid.crash("drill");
    assert!(drill(&end.await));
    assert!(told(&caller.await?));
    quiet().await;
    assert_eq!(log.take(), ["terminate: panicked: drill", "state dropped"]);
    let expected = ["EXIT", "DOWN"].map(|what| format!("{what} {pid}: panicked: drill"));
    assert_eq!(peers.take(), expected);
    assert!(!server.is_alive());
    let refused = server.call(|reply| Msg::Echo(1, reply)).await;
    assert!(matches!(refused, Err(CallError::NoProc)), "{refused:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_that_is_linked_and_does_not_trap_exits_dies_of_the_same_panic() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let peer = otp_core::spawn(pending())?;
    let (pid, whom) = (server.pid().ok_or("no pid")?, peer.clone());
    inside(&server, move |_, ctx| ctx.link(&whom).unwrap()).await;
    let end = peer.monitor();
    pid.crash("drill");
    assert!(drill(&end.await));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_is_dropped_and_its_caller_told() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let held = log.on_drop("handler dropped");
    let to = server.clone();
    let caller = tokio::spawn(async move {
        let call = to.call(move |reply: ReplyTo<()>| {
            Msg::run(move |_, _| {
                Box::pin(async move {
                    let _held = (held, reply);
                    pending().await
                })
            })
        });
        call.await
    });
    quiet().await;
    server.cast(Msg::Note("never handled"))?;
    let behind = tokio::spawn({
        let server = server.clone();
        async move { server.call(|reply| Msg::Echo(1, reply)).await }
    });
    quiet().await;
    server.pid().ok_or("no pid")?.crash("drill");
    assert!(told(&caller.await?));
    assert!(told(&behind.await?));
    assert_eq!(
        log.take(),
        [
            "handler dropped",
            "terminate: panicked: drill",
            "state dropped"
        ]
    );
    assert_eq!(server.info().dropped, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_init_is_a_failed_start_without_terminate() -> Outcome {
    let log = Log::default();
    let (sender, begun) = oneshot::channel();
    let probe = Probe::new(&log).on_init(|_, ctx| {
        let _ = sender.send(ctx.pid());
        Box::pin(pending())
    });
    let start = tokio::spawn(probe.start());
    begun.await?.crash("drill");
    match start.await? {
        Err(StartError::Failed(reason)) if drill(&reason) => {}
        other => return Err(shown(&other).into()),
    }
    assert_eq!(log.take(), ["state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_terminate_cuts_it_short_and_takes_the_place_of_the_reason() -> Outcome {
    let log = Log::default();
    let probe = Probe::new(&log).on_terminate(|probe, _| {
        let held = probe.log.on_drop("terminate dropped");
        Box::pin(async move {
            let _held = held;
            pending().await
        })
    });
    let server = probe.start().await?;
    let pid = server.pid().ok_or("no pid")?;
    let end = pid.monitor();
    server.cast(Msg::end(ExitReason::Normal))?;
    quiet().await;
    assert_eq!(log.take(), ["terminate: normal"]);
    pid.crash("drill");
    assert!(drill(&end.await));
    assert_eq!(log.take(), ["terminate dropped", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crash_that_meets_the_end_of_a_handler_does_not_keep_terminate_from_running() -> Outcome {
    for end in [Ok(()), Err(ExitReason::Normal), Err(ExitReason::Shutdown)] {
        for waits in [false, true] {
            let log = Log::default();
            let probe = Probe::new(&log).on_terminate(move |probe, _| {
                Box::pin(async move {
                    if waits {
                        tokio::time::sleep(ms(1)).await;
                    }
                    probe.log.note("terminated");
                    Ok(())
                })
            });
            let server = probe.start().await?;
            let ended = server.pid().ok_or("no pid")?.monitor();
            let end = end.clone();
            server.cast(Msg::act(|_, ctx| {
                ctx.pid().crash("drill");
                end
            }))?;
            let reason = ended.await;
            assert!(drill(&reason), "{reason}");
            let expected = ["terminate: panicked: drill", "terminated", "state dropped"];
            assert_eq!(log.take(), expected);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_a_handler_that_crashes_its_own_process_is_not_handled() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let end = server.pid().ok_or("no pid")?.monitor();
    server.cast(Msg::Note("before"))?;
    server.cast(Msg::act(|probe, ctx| {
        ctx.pid().crash("drill");
        probe.log.note("not cut short");
        Ok(())
    }))?;
    for _ in 0..1_000 {
        server.cast(Msg::Note("after"))?;
    }
    assert!(drill(&end.await));
    assert_eq!(
        log.take(),
        [
            "before",
            "not cut short",
            "terminate: panicked: drill",
            "state dropped"
        ]
    );
    assert_eq!((server.info().handled, server.info().dropped), (2, 1_000));
    Ok(())
}

/// A message that sends itself again.
fn again() -> Msg {
    Msg::act(|_, ctx| {
        let sent = ctx.self_ref().cast(again());
        sent.map_err(|_| ExitReason::boxed("refused"))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_waits_is_crashed_between_two_messages() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().ok_or("no pid")?;
    server.cast(again())?;
    for number in 0..1_000 {
        // It goes on all the while.
        assert_eq!(server.call(|reply| Msg::Echo(number, reply)).await?, number);
    }
    let end = pid.monitor();
    pid.crash("drill");
    assert!(drill(&end.await));
    assert_eq!(log.take(), ["terminate: panicked: drill", "state dropped"]);
    assert!(server.info().handled >= 1_000);
    assert_eq!(server.info().mailbox_len, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_is_crashed_at_once_and_the_guard_is_harmless() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let end = server.pid().ok_or("no pid")?.monitor();
    let suspended = server.suspend().await?;
    server.cast(Msg::Note("never handled"))?;
    server.pid().ok_or("no pid")?.crash("drill");
    assert!(drill(&end.await));
    drop(suspended);
    assert_eq!(log.take(), ["terminate: panicked: drill", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_two_crashes_in_a_row_the_first_counts_and_terminate_runs_once() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().ok_or("no pid")?;
    let end = pid.monitor();
    pid.crash("drill");
    pid.crash("another");
    assert!(drill(&end.await));
    pid.crash("too late");
    quiet().await;
    assert_eq!(log.take(), ["terminate: panicked: drill", "state dropped"]);
    assert!(matches!(pid.monitor().await, ExitReason::NoProc));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_beats_a_crash_whichever_came_first() -> Outcome {
    let orders: [fn(&Pid); 2] = [
        |pid| {
            pid.crash("drill");
            pid.kill();
        },
        |pid| {
            pid.kill();
            pid.crash("drill");
        },
    ];
    for both in orders {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let pid = server.pid().ok_or("no pid")?;
        let end = pid.monitor();
        both(&pid);
        assert!(matches!(end.await, ExitReason::Killed));
        assert_eq!(log.take(), ["state dropped"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_against_a_kill_ends_a_server_in_one_of_the_two_ways() -> Outcome {
    for _ in 0..100 {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let pid = server.pid().ok_or("no pid")?;
        let end = pid.monitor();
        let other = pid.clone();
        let crash = std::thread::spawn(move || other.crash("drill"));
        pid.kill();
        crash.join().map_err(|_| "it panicked")?;
        match end.await {
            ExitReason::Killed => {
                let seen = log.take();
                assert_eq!(seen.last().map(String::as_str), Some("state dropped"));
            }
            reason => {
                assert!(drill(&reason), "{reason}");
                assert_eq!(log.take(), ["terminate: panicked: drill", "state dropped"]);
            }
        }
    }
    Ok(())
}
