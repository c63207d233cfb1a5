//! Exit signals that a process sends to itself.

use otp_core::{ExitReason, Pid};
use tokio::task::yield_now;

use super::{Kind, Subject, boom};
use crate::support::{Log, Msg, Outcome, Probe, quiet};

/// Why a process of each kind ends that sends itself `reason`.
async fn ends(kinds: &[Kind], reason: ExitReason) -> Vec<String> {
    let mut ends = Vec::new();
    for &kind in kinds {
        let reason = reason.clone();
        if kind == Kind::Plain {
            let sends = async move {
                Pid::current().unwrap().exit(reason);
                yield_now().await;
                Err(ExitReason::boxed("lives"))
            };
            let pid = otp_core::spawn(sends).unwrap();
            ends.push(pid.monitor().await.to_string());
            continue;
        }
        let subject = Subject::new(kind).await;
        let end = subject.pid.monitor();
        let server = subject.server.as_ref().unwrap();
        let sends = move |_: &mut Probe, ctx: &mut otp_core::Context<Msg>| {
            ctx.pid().exit(reason);
            Ok(())
        };
        server.cast(Msg::act(sends)).unwrap();
        server.cast(Msg::end(ExitReason::boxed("lives"))).unwrap();
        ends.push(end.await.to_string());
        let terminates = subject.log.has("terminate: lives");
        assert_eq!(terminates, ends.last().unwrap() == "lives");
    }
    ends.dedup();
    ends
}

const NOT_TRAPPING: [Kind; 2] = [Kind::Server, Kind::Plain];

#[tokio::test(start_paused = true)]
async fn a_process_may_end_itself_normally() -> Outcome {
    assert_eq!(ends(&NOT_TRAPPING, ExitReason::Normal).await, ["normal"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_may_end_itself_for_a_reason() -> Outcome {
    assert_eq!(ends(&NOT_TRAPPING, boom()).await, ["boom"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_may_kill_itself() -> Outcome {
    let all = [Kind::Server, Kind::Plain, Kind::Trapping];
    assert_eq!(ends(&all, ExitReason::Kill).await, ["killed"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_traps_is_told_of_its_own_exit_signals() -> Outcome {
    for (reason, text) in [(ExitReason::Normal, "normal"), (boom(), "boom")] {
        assert_eq!(ends(&[Kind::Trapping], reason.clone()).await, ["lives"]);
        let subject = Subject::new(Kind::Trapping).await;
        let server = subject.server.as_ref().ok_or("no server")?;
        server.cast(Msg::act(move |probe, ctx| {
            ctx.pid().exit(reason);
            probe.log.note("goes on");
            Ok(())
        }))?;
        quiet().await;
        let told = format!("EXIT {}: {text}", subject.pid);
        assert_eq!(subject.log.take(), ["goes on".to_owned(), told]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_normal_exit_by_its_own_task_is_anothers() -> Outcome {
    // OTP's `exit(self(), normal)` ends the process; a background task is not the process.
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        let pid = ctx.pid();
        ctx.spawn_task(async move { pid.exit(ExitReason::Normal) }, |_| {
            Msg::Note("done")
        });
        Ok(())
    }))?;
    quiet().await;
    assert_eq!(log.take(), ["done"]);
    assert!(server.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_itself_takes_those_linked_along() -> Outcome {
    let (subject, peer) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    subject.link(&peer).await;
    let end = peer.pid.monitor();
    let server = subject.server.as_ref().ok_or("no server")?;
    server.cast(Msg::act(|_, ctx| {
        ctx.pid().exit(ExitReason::Kill);
        Ok(())
    }))?;
    assert_eq!(end.await.to_string(), "killed");
    Ok(())
}
