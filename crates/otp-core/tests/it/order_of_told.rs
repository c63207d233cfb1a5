//! The order of what a process is told, and what overtakes it.

use std::sync::Arc;

use otp_core::{ExitReason, Pid, ServerRef};
use tokio::sync::{Semaphore, oneshot};

use crate::cancel::ByHand;
use crate::exits::{End, Kind, Subject, boom};
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet};

/// Sends notes to `whom`.
fn sends(whom: &ServerRef<Msg>, number: usize) {
    (0..number).for_each(|_| whom.cast(Msg::Note("sent")).unwrap());
}

/// What comes last of all that a process sends which ends right after; all before it is what it sent.
fn last_of(mut lines: Vec<String>, sent: usize) -> Vec<String> {
    let last = lines.split_off(sent);
    assert!(lines.iter().all(|line| line == "sent"), "{lines:?}");
    last
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_process_comes_after_a_thousand_things_that_it_sent() -> Outcome {
    for (reason, text) in [(ExitReason::Normal, "normal"), (boom(), "boom")] {
        let watcher = Subject::new(Kind::Trapping).await;
        let server = watcher.server.clone().ok_or("none")?;
        let (to, why) = (server.clone(), reason.clone());
        let plain = inside(&server, move |_, ctx| {
            let pid = ctx.spawn_link(async move {
                sends(&to, 1_000);
                Err(why)
            });
            ctx.monitor(&pid);
            pid
        })
        .await;
        quiet().await;
        let told = ["EXIT", "DOWN"].map(|what| format!("{what} {plain}: {text}"));
        assert_eq!(last_of(watcher.log.take(), 1_000), told);

        let sender = Subject::new(Kind::Server).await;
        watcher.link(&sender).await;
        let (whom, to) = (sender.pid.clone(), server.clone());
        inside(&server, move |_, ctx| ctx.monitor(&whom)).await;
        let told = ["EXIT", "DOWN"].map(|what| format!("{what} {}: {text}", sender.pid));
        let sends = Msg::act(move |_, _| {
            sends(&to, 1_000);
            Err(reason)
        });
        sender.server.as_ref().ok_or("none")?.cast(sends)?;
        quiet().await;
        assert_eq!(last_of(watcher.log.take(), 1_000), told);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_process_comes_last_on_several_threads_too() -> Outcome {
    let watcher = Subject::new(Kind::Trapping).await;
    let server = watcher.server.clone().ok_or("none")?;
    for round in 0..200 {
        let (to, (go, begins)) = (server.clone(), oneshot::channel::<()>());
        let plain = inside(&server, move |_, ctx| {
            let pid = ctx.spawn_link(async move {
                begins.await?;
                sends(&to, 100);
                Err(boom())
            });
            ctx.monitor(&pid);
            pid
        })
        .await;
        // It is told last of all, and the message behind it comes after all that was told.
        let end = plain.monitor();
        let _ = go.send(());
        end.await;
        inside(&server, |_, _| ()).await;
        let told = ["EXIT", "DOWN"].map(|what| format!("{what} {plain}: boom"));
        assert_eq!(last_of(watcher.log.take(), 100), told, "round {round}");
    }
    Ok(())
}

/// Has a server hold still, so that all that comes meanwhile waits.
#[derive(Clone, Copy, Debug)]
enum Held {
    Suspended,
    /// In a handler, with a batch swapped out behind it.
    Busy,
}

#[tokio::test(start_paused = true)]
async fn all_that_is_told_stands_in_one_line() -> Outcome {
    for held in [Held::Suspended, Held::Busy] {
        let watcher = Subject::new(Kind::Trapping).await;
        let server = watcher.server.clone().ok_or("none")?;
        let (linked, monitored, watched) = (
            Subject::new(Kind::Plain).await,
            Subject::new(Kind::Plain).await,
            Subject::new(Kind::Server).await,
        );
        watcher.link(&linked).await;
        let (whom, closes) = (monitored.pid.clone(), watched.server.clone().ok_or("none")?);
        let (done, task) = oneshot::channel::<()>();
        inside(&server, move |_, ctx| {
            ctx.monitor(&whom);
            ctx.watch(&closes, |change| match change {
                otp_core::ServerChange::Up(_) => Msg::Note("up"),
                otp_core::ServerChange::Closed => Msg::Note("closed"),
                _ => Msg::Note("down"),
            });
            ctx.spawn_task(task, |_| Msg::Note("task"));
        })
        .await;
        quiet().await;
        assert_eq!(watcher.log.take(), ["up"]);

        let (mut resting, gate) = (None, Arc::new(Semaphore::new(0)));
        match held {
            Held::Suspended => resting = Some(server.suspend().await?),
            Held::Busy => {
                let opens = Arc::clone(&gate);
                server.cast(Msg::run(|_, _| {
                    Box::pin(async move {
                        opens.acquire().await?.forget();
                        Ok(())
                    })
                }))?;
                server.cast(Msg::Note("0"))?;
                quiet().await;
            }
        }
        let told = [
            format!("EXIT {}: boom", linked.pid),
            format!("DOWN {}: killed", monitored.pid),
        ];
        server.cast(Msg::Note("1"))?;
        linked.end(End::With(boom())).await;
        server.cast(Msg::Note("2"))?;
        server.cast(Msg::Note("3"))?;
        monitored.end(End::Killed).await;
        watcher.pid.exit(ExitReason::Shutdown);
        server.cast(Msg::Note("4"))?;
        watched.end(End::With(ExitReason::Normal)).await;
        server.cast(Msg::Note("5"))?;
        let _ = done.send(());
        quiet().await;
        server.cast(Msg::Note("6"))?;
        let mut stop = ByHand::new(server.stop());
        assert!(stop.poll().is_pending());
        server.cast(Msg::Note("7"))?;
        watcher.pid.exit(boom());
        assert_eq!(watcher.log.take(), [""; 0]);
        drop(resting);
        gate.add_permits(1);
        quiet().await;
        let mut lines = watcher.log.take();
        if let Held::Busy = held {
            assert_eq!(lines.remove(0), "0");
        }
        let expected = [
            "1",
            &told[0],
            "2",
            "3",
            &told[1],
            "EXIT nobody: shutdown",
            "4",
            "down",
            "closed",
            "5",
            "task",
            "6",
            "terminate: normal",
            "state dropped",
        ];
        assert_eq!(lines, expected, "{held:?}");
        assert_eq!(server.info().dropped, 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fatal_signal_overtakes_a_thousand_messages() -> Outcome {
    for traps_and_killed in [false, true] {
        let subject =
            Subject::new([Kind::Server, Kind::Trapping][usize::from(traps_and_killed)]).await;
        let server = subject.server.clone().ok_or("none")?;
        let peer = Subject::new(Kind::Plain).await;
        subject.link(&peer).await;
        let resting = server.suspend().await?;
        sends(&server, 1_000);
        let end = subject.pid.monitor();
        if traps_and_killed {
            // What is trapped waits in line, a kill does not.
            peer.end(End::With(boom())).await;
            subject.pid.exit(ExitReason::Kill);
        } else {
            peer.end(End::With(boom())).await;
        }
        drop(resting);
        let expected = ["boom", "killed"][usize::from(traps_and_killed)];
        assert_eq!(end.await.to_string(), expected);
        assert_eq!(subject.log.take(), ["state dropped"]);
        assert_eq!(server.info().dropped, 1_000);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_handled_or_counted_whatever_ends_a_busy_server() -> Outcome {
    for kind in [Kind::Server, Kind::Trapping] {
        for (reason, traps) in [(boom(), false), (ExitReason::Kill, true)] {
            if (kind == Kind::Trapping) != traps {
                continue;
            }
            let subject = Subject::new(kind).await;
            let server = subject.server.clone().ok_or("none")?;
            let before = server.info().handled;
            let notes = subject.log.clone();
            sends(&server, 30);
            server.cast(Msg::hang())?;
            sends(&server, 20);
            quiet().await;
            // Twenty are swapped out by now; five more wait, and what is told counts for nothing.
            sends(&server, 5);
            subject.pid.exit(ExitReason::Normal);
            let end = subject.pid.monitor();
            subject.pid.exit(reason);
            end.await;
            assert_eq!(
                notes.take().iter().filter(|line| *line == "sent").count(),
                30
            );
            let info = server.info();
            assert_eq!(info.handled - before, 31);
            assert_eq!((info.dropped, info.mailbox_len), (25, 0));
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_told_takes_no_place_in_a_bounded_mailbox() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start_bounded(2).await?;
    let pids: Vec<Pid> = inside(&server, |_, ctx| {
        ctx.trap_exit();
        let pids: Vec<_> = (0..100)
            .map(|_| ctx.spawn_link(std::future::pending()))
            .collect();
        for pid in &pids {
            ctx.monitor(pid);
        }
        pids
    })
    .await;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("first"))?;
    for pid in &pids {
        pid.kill();
    }
    for pid in &pids {
        pid.monitor().await;
    }
    assert_eq!(server.info().mailbox_len, 1);
    server.cast(Msg::Note("second"))?;
    let refused = server.cast(Msg::Note("third"));
    assert!(refused.is_err_and(|refused| refused.is_full()));
    drop(resting);
    quiet().await;
    let lines = log.take();
    assert_eq!(
        (lines[0].as_str(), lines[201].as_str()),
        ("first", "second")
    );
    assert_eq!(lines.len(), 202);
    server.cast(Msg::Note("has room"))?;
    server.cast(Msg::Note("has room"))?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn being_told_ends_an_idle_time_and_a_flushed_report_does_not() -> Outcome {
    let (subject, other) = (
        Subject::new(Kind::Trapping).await,
        Subject::new(Kind::Plain).await,
    );
    let server = subject.server.as_ref().ok_or("none")?;
    let whom = other.pid.clone();
    let idles = move |_: &mut Probe, ctx: &mut otp_core::Context<Msg>| {
        let monitor = ctx.monitor(&whom);
        ctx.demonitor(monitor);
        ctx.idle_after(crate::support::secs(10), Msg::Note("idle"));
    };
    inside(server, idles.clone()).await;
    tokio::time::sleep(crate::support::secs(5)).await;
    other.end(End::Killed).await;
    tokio::time::sleep(crate::support::secs(6)).await;
    assert_eq!(subject.log.take(), ["idle"]);
    inside(server, idles).await;
    tokio::time::sleep(crate::support::secs(5)).await;
    subject.pid.exit(boom());
    tokio::time::sleep(crate::support::secs(60)).await;
    assert_eq!(subject.log.take(), ["EXIT nobody: boom"]);
    Ok(())
}
