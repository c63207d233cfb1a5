//! The order of the end of a process, as those bound to it see it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use otp_core::{ExitReason, Pid, ReplyTo, ServerRef, ServerState};
use tokio::sync::Semaphore;

use crate::cancel::{ByHand, waker};
use crate::exits::{Kind, Subject, boom};
use crate::order::holding;
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet};

/// How a server is brought to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Itself,
    Panic,
    Kill,
    /// An exit signal that it does not trap.
    Signal,
}

const WAYS: [By; 4] = [By::Itself, By::Panic, By::Kill, By::Signal];

impl By {
    fn terminates(self) -> bool {
        matches!(self, Self::Itself | Self::Panic)
    }
}

/// A server that waits at a gate in its handler, behind which it ends.
async fn gated(server: &ServerRef<Msg>, by: By) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&gate);
    server
        .cast(Msg::run(move |probe, ctx| {
            let timer = probe.log.on_drop("timer dropped");
            Box::pin(async move {
                ctx.send_after(crate::support::secs(9), holding(timer));
                let _local = probe.log.on_drop("handler dropped");
                opens.acquire().await?.forget();
                match by {
                    By::Panic => panic!("boom"),
                    _ => Err(boom()),
                }
            })
        }))
        .unwrap();
    quiet().await;
    gate
}

fn ends(by: By, pid: &Pid, gate: &Semaphore) {
    match by {
        By::Itself | By::Panic => gate.add_permits(1),
        By::Kill => pid.kill(),
        By::Signal => pid.exit(boom()),
    }
}

#[tokio::test(start_paused = true)]
async fn callers_come_before_links_and_links_before_monitors_and_those_before_futures() -> Outcome {
    for by in WAYS {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let pid = server.pid().ok_or("no pid")?;
        // Bound in another order than that of the end.
        let told = |who: &'static str, watchers: &[&Subject]| {
            let (log, server) = (log.clone(), server.clone());
            let watchers: Vec<_> = watchers
                .iter()
                .map(|watcher| watcher.server.clone().unwrap())
                .collect();
            waker(move || {
                // Who has been told something is not idle any more, though it may not have run yet.
                let told: String = watchers
                    .iter()
                    .map(|watcher| match watcher.info().state {
                        ServerState::Idle => '-',
                        _ => '+',
                    })
                    .collect();
                let gone = !server.is_alive() && server.info().state == ServerState::Ended;
                log.note(format!("{who} {told} {gone}"));
            })
        };
        let (changed, down, exit) = (
            Subject::new(Kind::Server).await,
            Subject::new(Kind::Server).await,
            Subject::new(Kind::Trapping).await,
        );
        let all = [&exit, &down, &changed];
        let mut monitor = ByHand::woken(pid.monitor(), told("monitor", &all));
        let mut stop = ByHand::woken(server.stop(), told("stop", &all));
        let (whom, watched) = (pid.clone(), server.clone());
        inside(changed.server.as_ref().ok_or("none")?, move |_, ctx| {
            ctx.watch(&watched, |_| Msg::Note("changed"));
        })
        .await;
        let monitored = whom.clone();
        inside(down.server.as_ref().ok_or("none")?, move |_, ctx| {
            ctx.monitor(&monitored);
        })
        .await;
        let (_address, mut linked) = otp_core::inbox::<u32>();
        let (inbox_pid, exit_pid) = (linked.pid(), exit.pid.clone());
        inside(&server, move |_, ctx| {
            ctx.link(&inbox_pid).unwrap();
            ctx.link(&exit_pid).unwrap();
        })
        .await;
        let mut linked = ByHand::woken(linked.recv(), told("link", &[&down, &changed]));
        let mut call = ByHand::woken(server.call(Msg::Keep), told("caller", &all));
        assert!(call.poll().is_pending());
        let gate = gated(&server, by).await;
        let pending = [monitor.poll().is_pending(), linked.poll().is_pending()];
        assert!(pending == [true; 2] && stop.poll().is_pending());
        log.take();

        ends(by, &pid, &gate);
        // Not `quiet`: the watchers' turns come after.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        quiet().await;
        let mut lines = log.take();
        if by.terminates() {
            assert!(lines.remove(2).starts_with("terminate: "), "{by:?}");
        }
        let expected = [
            "handler dropped",
            "timer dropped",
            "state dropped",
            "caller --- true",
            "link -- true",
            "monitor +++ true",
            "stop +++ true",
        ];
        assert_eq!(lines, expected, "{by:?}");
        assert_eq!(exit.log.take().len(), 1);
        assert_eq!(down.log.take().len(), 1);
        assert!(
            changed
                .log
                .take()
                .ends_with(&["changed".into(), "changed".into()])
        );
    }
    Ok(())
}

/// Writes down, when it is told of an end, whether the port is free by then.
async fn binds_when_told(log: &Log, address: SocketAddr) -> ServerRef<Msg> {
    let server = Probe::new(log).on_init(|_, ctx| {
        ctx.trap_exit();
        Box::pin(async { Ok(()) })
    });
    let server = server.on_told(move |probe, _| {
        let free = TcpListener::bind(address).is_ok();
        probe.log.note(format!("free: {free}"));
        Box::pin(async { Ok(()) })
    });
    server.start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_port_of_a_server_is_free_when_those_bound_to_it_are_told() -> Outcome {
    for by in WAYS {
        let port = TcpListener::bind("127.0.0.1:0")?;
        let address = port.local_addr()?;
        let seen = Log::default();
        let holds = Probe::new(&seen)
            // Never told of anything: it goes with the state.
            .on_told(move |_, _| {
                drop(port);
                Box::pin(async { Ok(()) })
            })
            .on_terminate(move |probe, _| {
                let free = TcpListener::bind(address).is_ok();
                probe.log.note(format!("free: {free}"));
                Box::pin(async { Ok(()) })
            });
        let server = holds.start().await?;
        let pid = server.pid().ok_or("no pid")?;
        let (exit, down) = (Log::default(), Log::default());
        let exits = binds_when_told(&exit, address).await;
        let downs = binds_when_told(&down, address).await;
        let (linked, monitored) = (pid.clone(), pid.clone());
        inside(&exits, move |_, ctx| ctx.link(&linked)).await?;
        inside(&downs, move |_, ctx| ctx.monitor(&monitored)).await;
        let log = Log::default();
        let binds = |who: &'static str| {
            let log = log.clone();
            waker(move || log.note(format!("{who}: {}", TcpListener::bind(address).is_ok())))
        };
        let mut call = ByHand::woken(server.call(Msg::Keep), binds("caller"));
        let mut monitor = ByHand::woken(pid.monitor(), binds("monitor"));
        assert!(call.poll().is_pending() && monitor.poll().is_pending());
        let gate = gated(&server, by).await;
        let mut stop = ByHand::woken(server.stop(), binds("stop"));
        assert!(stop.poll().is_pending());
        assert!(TcpListener::bind(address).is_err());
        ends(by, &pid, &gate);
        quiet().await;
        let told = log.take();
        assert_eq!(
            told,
            ["caller: true", "monitor: true", "stop: true"],
            "{by:?}"
        );
        for log in [exit, down] {
            assert_eq!(log.take()[1..], ["free: true"], "{by:?}");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_port_of_a_plain_process_is_free_when_those_bound_to_it_are_told() -> Outcome {
    for by in WAYS {
        let port = TcpListener::bind("127.0.0.1:0")?;
        let (address, gate) = (port.local_addr()?, Arc::new(Semaphore::new(0)));
        let opens = Arc::clone(&gate);
        let pid = otp_core::spawn(async move {
            let _port = port;
            opens.acquire().await?.forget();
            match by {
                By::Panic => panic!("boom"),
                _ => Err(boom()),
            }
        })?;
        let (exit, down) = (Log::default(), Log::default());
        let exits = binds_when_told(&exit, address).await;
        let downs = binds_when_told(&down, address).await;
        let (linked, monitored) = (pid.clone(), pid.clone());
        inside(&exits, move |_, ctx| ctx.link(&linked)).await?;
        inside(&downs, move |_, ctx| ctx.monitor(&monitored)).await;
        assert!(TcpListener::bind(address).is_err());
        let log = Log::default();
        let notes = log.clone();
        let binds = waker(move || notes.note(TcpListener::bind(address).is_ok().to_string()));
        let mut monitor = ByHand::woken(pid.monitor(), binds);
        assert!(monitor.poll().is_pending());
        ends(by, &pid, &gate);
        quiet().await;
        assert_eq!(log.take(), ["true"], "{by:?}");
        for log in [exit, down] {
            assert_eq!(log.take()[1..], ["free: true"], "{by:?}");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_reason_that_everybody_is_told_is_the_same() -> Outcome {
    for by in WAYS {
        let (watcher, server) = (
            Subject::new(Kind::Trapping).await,
            Probe::new(&Log::default()).start().await?,
        );
        let pid = server.pid().ok_or("no pid")?;
        let own = watcher.server.as_ref().ok_or("none")?;
        let (whom, watched) = (pid.clone(), server.clone());
        inside(own, move |_, ctx| {
            ctx.link(&whom).unwrap();
            ctx.monitor(&whom);
            ctx.watch(&watched, |change| match change {
                otp_core::ServerChange::Down(reason) => Msg::act(move |probe, _| {
                    probe.log.note(format!("Down {reason}"));
                    Ok(())
                }),
                _ => Msg::Note("other"),
            });
        })
        .await;
        let mut call = ByHand::new(server.call(|reply: ReplyTo<u32>| holding(reply)));
        let gate = gated(&server, by).await;
        assert!(call.poll().is_pending());
        let end = pid.monitor();
        ends(by, &pid, &gate);
        let reason: ExitReason = end.await;
        quiet().await;
        let said = call.poll();
        assert!(
            format!("{said:?}").contains(&format!("Exited({reason:?})")),
            "{said:?}"
        );
        let expected = ["EXIT", "DOWN"].map(|what| format!("{what} {pid}: {reason}"));
        let lines = watcher.log.take();
        assert_eq!(lines[1..3], expected);
        assert_eq!(lines[3..], [format!("Down {reason}"), "other".to_owned()]);
    }
    Ok(())
}
