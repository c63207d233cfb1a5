//! Exit signals sent by `Pid::exit`.

use std::sync::Arc;

use otp_core::{ExitReason, ServerState};
use tokio::sync::Semaphore;

use super::{Kind, Subject, boom};
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet};

/// Who sends a signal.
const SENDERS: [Option<Kind>; 3] = [None, Some(Kind::Server), Some(Kind::Plain)];

/// What becomes of each kind of process that is sent `reason` by others.
async fn fates(of: &[Kind], reason: ExitReason) -> Vec<String> {
    let mut fates = Vec::new();
    for &kind in of {
        for sender in SENDERS {
            let subject = Subject::new(kind).await;
            let over = subject.pid.monitor();
            let (whom, reason) = (subject.pid.clone(), reason.clone());
            let from = match sender {
                None => {
                    whom.exit(reason);
                    "nobody".to_owned()
                }
                Some(Kind::Plain) => {
                    let sends = async move {
                        whom.exit(reason);
                        Ok(())
                    };
                    otp_core::spawn(sends).unwrap().to_string()
                }
                Some(_) => {
                    let sender = Subject::new(Kind::Server).await;
                    let server = sender.server.as_ref().unwrap();
                    inside(server, move |_, _| whom.exit(reason)).await;
                    sender.pid.to_string()
                }
            };
            let fate = subject.fate(over, &subject.pid).await;
            fates.push(fate.replace(&format!("EXIT {from}:"), "EXIT sender:"));
        }
    }
    fates.dedup();
    fates
}

const NOT_TRAPPING: [Kind; 2] = [Kind::Server, Kind::Plain];
const ALL: [Kind; 3] = [Kind::Server, Kind::Plain, Kind::Trapping];

#[tokio::test(start_paused = true)]
async fn a_normal_exit_signal_does_nothing() -> Outcome {
    assert_eq!(fates(&NOT_TRAPPING, ExitReason::Normal).await, ["lives: "]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_normal_exit_signal_is_told_to_who_traps() -> Outcome {
    assert_eq!(
        fates(&[Kind::Trapping], ExitReason::Normal).await,
        ["lives: EXIT sender: normal"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_exit_signal_ends_a_process_with_its_reason() -> Outcome {
    assert_eq!(fates(&NOT_TRAPPING, boom()).await, ["dies: boom"]);
    assert_eq!(
        fates(&NOT_TRAPPING, ExitReason::Shutdown).await,
        ["dies: shutdown"]
    );
    // Only `Kill` is what a kill is.
    assert_eq!(
        fates(&NOT_TRAPPING, ExitReason::Killed).await,
        ["dies: killed"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_exit_signal_is_told_to_who_traps() -> Outcome {
    for (reason, text) in [(boom(), "boom"), (ExitReason::Killed, "killed")] {
        assert_eq!(
            fates(&[Kind::Trapping], reason).await,
            [format!("lives: EXIT sender: {text}")]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_signal_ends_everybody_as_killed() -> Outcome {
    assert_eq!(fates(&ALL, ExitReason::Kill).await, ["dies: killed"]);
    for kind in ALL {
        let subject = Subject::new(kind).await;
        let over = subject.pid.monitor();
        subject.pid.kill();
        assert_eq!(subject.fate(over, &subject.pid).await, "dies: killed");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_ended_process_is_not_impressed() -> Outcome {
    for kind in ALL {
        let subject = Subject::new(kind).await;
        let (pid, log) = (subject.pid.clone(), subject.log.clone());
        subject.end(super::End::Killed).await;
        log.take();
        for reason in [ExitReason::Normal, ExitReason::Kill, boom()] {
            pid.exit(reason);
        }
        quiet().await;
        assert_eq!(log.take(), [""; 0]);
        assert!(matches!(pid.monitor().await, ExitReason::NoProc));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_dies_at_its_next_await() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().ok_or("no pid")?;
    let (end, notes) = (pid.monitor(), log.clone());
    server.cast(Msg::run(move |_, ctx| {
        let pid = ctx.pid();
        Box::pin(async move {
            let _local = notes.on_drop("handler dropped");
            pid.exit(boom());
            notes.note(format!("before, alive: {}", pid.is_alive()));
            tokio::task::yield_now().await;
            notes.note("never");
            Ok(())
        })
    }))?;
    assert_eq!(end.await.to_string(), "boom");
    assert_eq!(
        log.take(),
        ["before, alive: true", "handler dropped", "state dropped"]
    );

    let notes = log.clone();
    let plain = otp_core::spawn(async move {
        let _local = notes.on_drop("future dropped");
        otp_core::Pid::current()
            .ok_or("no pid")
            .map_err(ExitReason::boxed)?
            .exit(boom());
        notes.note("before");
        tokio::task::yield_now().await;
        notes.note("never");
        Ok(())
    })?;
    assert_eq!(plain.monitor().await.to_string(), "boom");
    assert_eq!(log.take(), ["before", "future dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_several_fatal_signals_the_first_counts() -> Outcome {
    for kind in NOT_TRAPPING {
        for (first, second, text) in [
            (boom(), ExitReason::Shutdown, "boom"),
            (boom(), ExitReason::Kill, "boom"),
            (ExitReason::Kill, boom(), "killed"),
            (ExitReason::Normal, boom(), "boom"),
        ] {
            let subject = Subject::new(kind).await;
            let over = subject.pid.monitor();
            subject.pid.exit(first);
            subject.pid.exit(second);
            assert_eq!(over.await.to_string(), text);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fatal_signal_reaches_a_suspended_and_a_parked_server() -> Outcome {
    for suspends in [false, true] {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let suspended = match suspends {
            true => Some(server.suspend().await?),
            false => None,
        };
        let pid = server.pid().ok_or("no pid")?;
        let end = pid.monitor();
        server.cast(Msg::Note("never"))?;
        pid.exit(boom());
        assert_eq!(end.await.to_string(), "boom");
        assert_eq!(log.take(), ["state dropped"]);
        assert_eq!(server.info().dropped, 1);
        assert_eq!(server.info().state, ServerState::Ended);
        drop(suspended);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_trapped_signal_waits_while_the_server_is_suspended() -> Outcome {
    let subject = Subject::new(Kind::Trapping).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    let suspended = server.suspend().await?;
    subject.pid.exit(boom());
    quiet().await;
    assert_eq!(subject.log.take(), [""; 0]);
    drop(suspended);
    quiet().await;
    assert_eq!(subject.log.take(), ["EXIT nobody: boom"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn trapping_may_begin_and_end_at_any_time() -> Outcome {
    let subject = Subject::new(Kind::Trapping).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    let over = subject.pid.monitor();
    // What counts is how it was when the signal arrived, not when it is handled.
    let gate = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&gate);
    server.cast(Msg::run(move |_, ctx| {
        Box::pin(async move {
            opens.acquire().await?.forget();
            ctx.untrap_exit();
            Ok(())
        })
    }))?;
    quiet().await;
    subject.pid.exit(boom());
    subject.pid.exit(ExitReason::Normal);
    gate.add_permits(1);
    quiet().await;
    assert_eq!(
        subject.log.take(),
        ["EXIT nobody: boom", "EXIT nobody: normal"]
    );
    subject.pid.exit(ExitReason::Normal);
    quiet().await;
    assert_eq!(subject.log.take(), [""; 0]);
    subject.pid.exit(boom());
    assert_eq!(subject.fate(over, &subject.pid).await, "dies: boom");
    Ok(())
}
