//! Kills: when they come, and what they leave out.

use std::future::ready;

use otp_core::{Context, ExitReason, GenServer, StartError, start};

use crate::cancel::ByHand;
use crate::support::{Done, Log, Msg, Outcome, Probe, quiet};

#[tokio::test(start_paused = true)]
async fn a_kill_during_init_fails_the_start() -> Outcome {
    let log = Log::default();
    let (told, mut pids) = otp_core::inbox();
    let probe = Probe::new(&log).on_init(move |probe, ctx| {
        let sent = told.cast(ctx.pid()).is_ok();
        Box::pin(async move {
            let _local = probe.log.on_drop(format!("init dropped, {sent}"));
            std::future::pending().await
        })
    });
    let (started, ()) = tokio::join!(probe.start(), async {
        pids.recv().await.unwrap().kill();
    });
    assert!(
        matches!(started, Err(StartError::Failed(ExitReason::Killed))),
        "{started:?}"
    );
    assert_eq!(log.take(), ["init dropped, true", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_during_terminate_cuts_it_short() -> Outcome {
    let log = Log::default();
    let probe = Probe::new(&log).on_terminate(|probe, _| {
        Box::pin(async {
            let _local = probe.log.on_drop("terminate dropped");
            std::future::pending().await
        })
    });
    let server = probe.start().await?;
    let pid = server.pid().unwrap();
    let (end, mut stop) = (pid.monitor(), ByHand::new(server.stop()));
    assert!(stop.poll().is_pending());
    quiet().await;
    assert_eq!(log.take(), ["terminate: normal"]);
    pid.kill();
    assert!(matches!(end.await, ExitReason::Killed));
    assert_eq!(log.take(), ["terminate dropped", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_reaches_an_idle_and_a_suspended_server() -> Outcome {
    for suspends in [false, true] {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let suspended = if suspends {
            Some(server.suspend().await?)
        } else {
            None
        };
        server.cast(Msg::Note("never"))?;
        let pid = server.pid().unwrap();
        let end = pid.monitor();
        pid.kill();
        assert!(matches!(end.await, ExitReason::Killed));
        assert_eq!(log.take(), ["state dropped"]);
        assert_eq!(server.info().dropped, 1);
        drop(suspended);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_second_kill_and_one_after_the_end_do_nothing() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().unwrap();
    let end = pid.monitor();
    pid.kill();
    pid.kill();
    assert!(matches!(end.await, ExitReason::Killed));
    pid.kill();
    quiet().await;
    assert!(!pid.is_alive() && server.pid().is_none());
    assert_eq!(log.take(), ["state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_overtakes_all_that_waits() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let killer = server.pid().unwrap();
    let end = killer.monitor();
    server.cast(Msg::act(move |probe, _| {
        killer.kill();
        probe.log.note("goes on to its next await");
        Ok(())
    }))?;
    (0..200).try_for_each(|_| server.cast(Msg::Note("never")))?;
    assert!(matches!(end.await, ExitReason::Killed));
    assert_eq!(log.take(), ["goes on to its next await", "state dropped"]);
    assert_eq!((server.info().handled, server.info().dropped), (1, 200));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_and_an_orderly_end_at_once_are_one_or_the_other() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().unwrap();
    let end = pid.monitor();
    server.cast(Msg::act(move |_, _| {
        pid.kill();
        Err(ExitReason::Normal)
    }))?;
    let (reason, lines) = (end.await, log.take());
    let killed = matches!(reason, ExitReason::Killed) && lines == ["state dropped"];
    let orderly = reason.is_normal() && lines == ["terminate: normal", "state dropped"];
    assert!(killed || orderly, "{reason}: {lines:?}");
    Ok(())
}

/// Does its work before it returns its futures.
struct Eager(Log);

impl GenServer for Eager {
    type Msg = ();

    fn handle(&mut self, (): (), ctx: &mut Context<()>) -> impl Future<Output = Done> + Send {
        self.0.note("handle");
        ctx.pid().kill();
        ready(Ok(()))
    }

    fn terminate(
        &mut self,
        _: &ExitReason,
        _: &mut Context<()>,
    ) -> impl Future<Output = ()> + Send {
        self.0.note("terminate");
        ready(())
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_terminate_runs_after_a_kill() -> Outcome {
    let log = Log::default();
    let server = start(Eager(log.clone())).await?;
    let end = server.pid().unwrap().monitor();
    server.cast(())?;
    server.cast(())?;
    assert!(matches!(end.await, ExitReason::Killed));
    assert_eq!(log.take(), ["handle"]);
    Ok(())
}
