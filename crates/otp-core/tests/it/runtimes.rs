//! Links, monitors and watches between runtimes, of which one is dropped.

use std::future::pending;
use std::time::Duration;

use otp_core::{ExitReason, Pid, ServerRef, StartError, start};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Log, Msg, Outcome, Probe, inside};

/// The ways in which a runtime goes away.
const WAYS: [fn(Runtime); 3] = [drop, Runtime::shutdown_background, |runtime| {
    runtime.shutdown_timeout(Duration::from_secs(9));
}];

fn single() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn multi() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().unwrap()
}

/// Waits in `runtime`, a minute at most.
fn wait<T>(runtime: &Runtime, future: impl Future<Output = T>) -> T {
    let limited = async { tokio::time::timeout(Duration::from_secs(60), future).await };
    runtime.block_on(limited).unwrap()
}

/// Lets a server handle what it has been told.
fn settle(runtime: &Runtime, server: &ServerRef<Msg>) {
    wait(runtime, inside(server, |_, _| ()));
    wait(runtime, inside(server, |_, _| ()));
}

/// A server that is bound to `whom` in every way, in `runtime`.
fn bound(runtime: &Runtime, log: &Log, whom: &ServerRef<Msg>) -> ServerRef<Msg> {
    let server = wait(runtime, start(Probe::new(log))).unwrap();
    let (pid, watched) = (whom.pid().unwrap(), whom.clone());
    let binds = inside(&server, move |_, ctx| {
        ctx.trap_exit();
        ctx.link(&pid).unwrap();
        ctx.monitor(&pid);
        ctx.watch(&watched, |change| match change {
            otp_core::ServerChange::Up(_) => Msg::Note("up"),
            otp_core::ServerChange::Closed => Msg::Note("closed"),
            _ => Msg::Note("down"),
        });
    });
    wait(runtime, binds);
    server
}

#[test]
fn those_elsewhere_are_told_that_the_processes_of_a_dropped_runtime_were_killed() -> Outcome {
    for goes_away in WAYS {
        for make in [single, multi] {
            let (stays, goes, log) = (multi(), make(), Log::default());
            let gone = wait(&goes, start(Probe::new(&Log::default())))?;
            let pid = gone.pid().ok_or("no pid")?;
            let server = bound(&stays, &log, &gone);
            // One that does not trap, linked from the other side.
            let dies: Pid = stays.block_on(async { otp_core::spawn(pending()) })?;
            let (whom, end, killed) = (dies.clone(), dies.monitor(), pid.monitor());
            wait(&goes, inside(&gone, move |_, ctx| ctx.link(&whom)))?;
            goes_away(goes);
            assert!(matches!(wait(&stays, killed), ExitReason::Killed));
            assert!(matches!(wait(&stays, end), ExitReason::Killed));
            settle(&stays, &server);
            let expected = [
                "up".to_owned(),
                format!("EXIT {pid}: killed"),
                format!("DOWN {pid}: killed"),
                "down".to_owned(),
                "closed".to_owned(),
            ];
            assert_eq!(log.take(), expected);
        }
    }
    Ok(())
}

#[test]
fn the_end_of_who_lives_elsewhere_reaches_nobody_in_a_runtime_that_is_gone() -> Outcome {
    for goes_away in WAYS {
        for make in [single, multi] {
            let (stays, goes, log) = (multi(), make(), Log::default());
            let lives = wait(&stays, start(Probe::new(&Log::default())))?;
            let gone = bound(&goes, &log, &lives);
            let end = gone.pid().ok_or("no pid")?.monitor();
            // A link with a killed process would end it.
            let trap = inside(&lives, |_, ctx| ctx.trap_exit());
            wait(&stays, trap);
            goes_away(goes);
            assert!(matches!(wait(&stays, end), ExitReason::Killed));
            settle(&stays, &lives);
            wait(&stays, lives.stop())?;
            assert!(!log.has("down") && !log.has("closed"));
            assert!(log.has("state dropped"));
        }
    }
    Ok(())
}

#[test]
fn plain_processes_of_a_dropped_runtime_are_killed_begun_or_not() -> Outcome {
    for goes_away in WAYS {
        for begun in [false, true] {
            let (stays, goes, log) = (multi(), single(), Log::default());
            let held = log.on_drop("future dropped");
            let pid = {
                let _inside = goes.enter();
                otp_core::spawn(async move {
                    let _held = held;
                    pending().await
                })?
            };
            if begun {
                goes.block_on(tokio::task::yield_now());
            }
            let (told, of) = (Log::default(), pid.clone());
            let server = wait(&stays, start(Probe::new(&told)))?;
            wait(&stays, inside(&server, move |_, ctx| ctx.monitor(&of)));
            let end = pid.monitor();
            goes_away(goes);
            assert!(matches!(wait(&stays, end), ExitReason::Killed));
            assert_eq!(log.take(), ["future dropped"]);
            settle(&stays, &server);
            assert_eq!(told.take(), [format!("DOWN {pid}: killed")]);
        }
    }
    Ok(())
}

#[test]
fn a_linked_start_in_a_runtime_that_goes_is_told_and_so_is_nobody_else() -> Outcome {
    // The parent lives in one runtime and awaits the start in another, which is dropped.
    for goes_away in WAYS {
        let (stays, goes, log) = (multi(), single(), Log::default());
        let parent_log = Log::default();
        let parent = wait(&stays, start(Probe::new(&parent_log)))?;
        let child = Probe::new(&log).on_init(|_, _| Box::pin(pending()));
        let starting = inside(&parent, |_, ctx| {
            ctx.trap_exit();
            ctx.start_link(child)
        });
        let mut starting = Box::pin(wait(&stays, starting));
        {
            let _inside = goes.enter();
            let polled = crate::support::poll_now(starting.as_mut());
            assert!(polled.is_pending());
        }
        goes_away(goes);
        let started = wait(&stays, starting);
        assert!(
            matches!(started, Err(StartError::Failed(ExitReason::Killed))),
            "{started:?}"
        );
        settle(&stays, &parent);
        assert_eq!(parent_log.take(), [""; 0]);
        assert_eq!(log.take(), ["state dropped"]);
    }
    Ok(())
}

#[test]
fn two_runtimes_that_are_dropped_at_once_hang_nobody() -> Outcome {
    for _ in 0..100 {
        let (one, other) = (multi(), multi());
        let mut pids = Vec::new();
        let mut servers = Vec::new();
        for _ in 0..10 {
            let a = wait(&one, start(Probe::new(&Log::default())))?;
            let b = bound(&other, &Log::default(), &a);
            pids.extend([a.pid().ok_or("a")?, b.pid().ok_or("b")?]);
            servers.extend([a, b]);
        }
        let ends: Vec<_> = pids.iter().map(Pid::monitor).collect();
        let drops = [one, other].map(|runtime| std::thread::spawn(move || drop(runtime)));
        for thread in drops {
            thread.join().map_err(|_| "a panic")?;
        }
        let waits = single();
        for end in ends {
            assert!(matches!(wait(&waits, end), ExitReason::Killed));
        }
        assert!(servers.iter().all(|server| !server.is_alive()));
    }
    Ok(())
}
