//! Monitors set by a server: when they report, how often, and what.

use otp_core::{Down, ExitReason, MonitorRef, Pid};

use crate::exits::{End, Kind, Subject, boom};
use crate::support::{Msg, Outcome, inside, panic_message, quiet};

/// Has `subject` monitor a process.
async fn monitor(subject: &Subject, whom: &Pid) -> MonitorRef {
    let whom = whom.clone();
    inside(subject.server.as_ref().unwrap(), move |_, ctx| {
        ctx.monitor(&whom)
    })
    .await
}

const ALL: [Kind; 3] = [Kind::Server, Kind::Plain, Kind::Trapping];

#[tokio::test(start_paused = true)]
async fn a_report_gives_the_real_reason() -> Outcome {
    for watcher in [Kind::Server, Kind::Trapping] {
        for kind in ALL {
            for (end, text) in [
                (End::With(ExitReason::Normal), "normal"),
                (End::With(boom()), "boom"),
                (End::With(ExitReason::Kill), "kill"),
                (End::Killed, "killed"),
            ] {
                let (watcher, ends) = (Subject::new(watcher).await, Subject::new(kind).await);
                monitor(&watcher, &ends.pid).await;
                let told = format!("DOWN {}: {text}", ends.pid);
                ends.end(end).await;
                quiet().await;
                assert_eq!(watcher.log.take(), [told]);
                assert!(watcher.pid.is_alive());
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_end_of_who_monitors_is_nothing_to_the_other() -> Outcome {
    for kind in ALL {
        let (watcher, lives) = (Subject::new(Kind::Server).await, Subject::new(kind).await);
        monitor(&watcher, &lives.pid).await;
        watcher.end(End::With(boom())).await;
        quiet().await;
        assert!(lives.pid.is_alive());
        assert_eq!(lives.log.take(), [""; 0]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_monitor_is_reported_for_itself() -> Outcome {
    let (watcher, ends) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Plain).await,
    );
    let mut monitors = Vec::new();
    for _ in 0..3 {
        monitors.push(monitor(&watcher, &ends.pid).await);
    }
    let another = MonitorRef::clone(&monitors[0]);
    assert!(monitors[0] == another && monitors[0] < monitors[1] && monitors[1] != monitors[2]);
    let told = format!("DOWN {}: normal", ends.pid);
    ends.end(End::With(ExitReason::Normal)).await;
    quiet().await;
    assert_eq!(watcher.log.take(), [told.clone(), told.clone(), told]);
    Ok(())
}

/// Hands what it is told of to whoever asked for it.
struct Reports(otp_core::ServerRef<Down>, Vec<Pid>);

impl otp_core::GenServer for Reports {
    type Msg = ();

    async fn init(&mut self, ctx: &mut otp_core::Context<()>) -> crate::support::Done {
        for pid in &self.1 {
            ctx.monitor(pid);
        }
        Ok(())
    }

    async fn handle(&mut self, (): (), _: &mut otp_core::Context<()>) -> crate::support::Done {
        Ok(())
    }

    async fn handle_down(
        &mut self,
        down: Down,
        _: &mut otp_core::Context<()>,
    ) -> crate::support::Done {
        self.0.cast(down).map_err(|_| ExitReason::Shutdown)
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_names_its_monitor_its_process_and_the_reason() -> Outcome {
    let (address, mut reports) = otp_core::inbox();
    let ends = [
        Subject::new(Kind::Plain).await,
        Subject::new(Kind::Server).await,
    ];
    let pids = ends.each_ref().map(|ends| ends.pid.clone());
    let server = otp_core::start(Reports(address, pids.to_vec())).await?;
    let [first, second] = ends;
    second
        .end(End::With(ExitReason::from(std::fmt::Error)))
        .await;
    first.end(End::Killed).await;
    quiet().await;
    let (one, other) = (
        reports.recv().await.ok_or("none")?,
        reports.recv().await.ok_or("none")?,
    );
    assert!(one.pid == pids[1] && other.pid == pids[0]);
    // The first monitor that was set is that of the first process.
    assert!(other.monitor < one.monitor);
    assert!(one.reason.downcast_ref::<std::fmt::Error>().is_some());
    assert!(matches!(other.reason, ExitReason::Killed));
    drop(server);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_ended_process_is_reported_as_none() -> Outcome {
    for kind in ALL {
        let (watcher, ended) = (Subject::new(Kind::Server).await, Subject::new(kind).await);
        let pid = ended.pid.clone();
        ended.end(End::With(boom())).await;
        monitor(&watcher, &pid).await;
        monitor(&watcher, &pid).await;
        quiet().await;
        let told = format!("DOWN {pid}: no such process");
        assert_eq!(watcher.log.take(), [told.clone(), told]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reported_after_demonitoring() -> Outcome {
    let (watcher, ends) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Plain).await,
    );
    let (taken_away, stays) = (
        monitor(&watcher, &ends.pid).await,
        monitor(&watcher, &ends.pid).await,
    );
    assert!(taken_away != stays);
    let server = watcher.server.as_ref().ok_or("no server")?;
    assert!(inside(server, move |_, ctx| ctx.demonitor(taken_away)).await);
    let told = format!("DOWN {}: killed", ends.pid);
    ends.end(End::Killed).await;
    quiet().await;
    assert_eq!(watcher.log.take(), [told]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn demonitoring_flushes_a_report_that_waits() -> Outcome {
    for (ended_before, kind) in [
        (false, Kind::Plain),
        (true, Kind::Plain),
        (false, Kind::Server),
    ] {
        let (watcher, ends) = (Subject::new(Kind::Server).await, Subject::new(kind).await);
        let pid = ends.pid.clone();
        let server = watcher.server.as_ref().ok_or("no server")?;
        let mut ends = Some(ends);
        if ended_before {
            ends.take().ok_or("none")?.end(End::Killed).await;
        }
        let taken_away = monitor(&watcher, &pid).await;
        let suspended = server.suspend().await?;
        server.cast(Msg::act(move |probe, ctx| {
            let still = ctx.demonitor(taken_away);
            probe.log.note(format!("still to come: {still}"));
            let again = ctx.demonitor(taken_away);
            probe.log.note(format!("again: {again}"));
            Ok(())
        }))?;
        if let Some(ends) = ends {
            ends.end(End::Killed).await;
            drop(suspended);
            quiet().await;
            assert_eq!(watcher.log.take(), ["still to come: true", "again: false"]);
        } else {
            drop(suspended);
            quiet().await;
            // It had been reported before.
            let told = format!("DOWN {pid}: no such process");
            let lines = watcher.log.take();
            assert_eq!(
                lines,
                [told.as_str(), "still to come: false", "again: false"]
            );
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn demonitoring_tells_whether_a_report_was_to_come() -> Outcome {
    let (watcher, other, ends) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Plain).await,
    );
    let (own, anothers) = (
        monitor(&watcher, &ends.pid).await,
        monitor(&other, &ends.pid).await,
    );
    let server = watcher.server.as_ref().ok_or("no server")?;
    // Another process's monitor is none of this one's.
    assert!(!inside(server, move |_, ctx| ctx.demonitor(anothers)).await);
    let told = format!("DOWN {}: normal", ends.pid);
    ends.end(End::With(ExitReason::Normal)).await;
    quiet().await;
    assert_eq!(watcher.log.take(), [told.as_str()]);
    assert_eq!(other.log.take(), [told]);
    assert!(!inside(server, move |_, ctx| ctx.demonitor(own)).await);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_report_may_be_answered_by_another_end() -> Outcome {
    let ends = Subject::new(Kind::Plain).await;
    let pid = ends.pid.clone();
    let watcher = crate::support::Probe::new(&crate::support::Log::default())
        .on_init(move |_, ctx| {
            ctx.monitor(&pid);
            Box::pin(async { Ok(()) })
        })
        .on_told(|_, _| panic!("in handle_down"))
        .start()
        .await?;
    let end = watcher.pid().ok_or("no pid")?.monitor();
    ends.end(End::Killed).await;
    assert_eq!(panic_message(&end.await), Some("in handle_down"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_may_monitor_itself_and_hears_nothing_of_it() -> Outcome {
    let subject = Subject::new(Kind::Server).await;
    let own = monitor(&subject, &subject.pid).await;
    monitor(&subject, &subject.pid).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    assert!(inside(server, move |_, ctx| ctx.demonitor(own)).await);
    let log = subject.log.clone();
    subject.end(End::With(ExitReason::Normal)).await;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}
