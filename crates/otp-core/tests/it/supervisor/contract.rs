//! A `ServerRef` survives restarts.

mod messages;
mod nested;

use std::sync::Arc;

use otp_core::{
    CallError, Child, Context, ExitReason, GenServer, ReplyTo, ServerChange, ServerState, Strategy,
    Supervisor,
};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::{boom, crash, named, patient, probe};
use crate::support::{Log, Msg, Outcome, Probe, inside, ms, poll_now, quiet, secs, shown};

#[tokio::test(start_paused = true)]
async fn an_address_takes_messages_and_calls_before_the_start() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    assert!(!server.is_alive());
    assert_eq!(server.info().state, ServerState::Starting);
    server.cast(Msg::Note("first"))?;
    let call = server.call(|reply| Msg::Echo(1, reply));
    let mut call = Box::pin(call);
    assert!(poll_now(call.as_mut()).is_pending());
    server.cast(Msg::Note("last"))?;
    assert_eq!(server.info().mailbox_len, 3);
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    assert_eq!(call.await?, 1);
    quiet().await;
    assert_eq!(log.take(), ["first", "last"]);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_child_that_does_not_start_times_out() {
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let begun = Instant::now();
    let outcome = server.call(|reply| Msg::Echo(1, reply)).await;
    assert!(matches!(outcome, Err(CallError::Timeout)), "{outcome:?}");
    assert!(begun.elapsed() >= secs(5) && begun.elapsed() <= secs(5) + ms(20));
}

#[tokio::test(start_paused = true)]
async fn a_specification_that_is_never_started_closes_its_address() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    let held = log.on_drop("handed on");
    server.cast(Msg::act(move |_, _| {
        drop(held);
        Ok(())
    }))?;
    let mut call = Box::pin(server.call(|reply| Msg::Echo(1, reply)));
    assert!(poll_now(call.as_mut()).is_pending());
    drop(child);
    assert_eq!(log.take(), ["handed on"]);
    assert!(matches!(call.await, Err(CallError::NoProc)));
    assert!(server.cast(Msg::Note("late")).is_err());
    assert_eq!(server.info().state, ServerState::Ended);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_old_incarnation_is_gone_before_the_factory_runs() -> Outcome {
    let log = Log::default();
    let own = log.clone();
    let child = Child::server("a", move || {
        own.note("factory");
        let ended = own.clone();
        Probe::new(&own).on_terminate(move |_, ctx| {
            let held = ended.on_drop("task dropped");
            ctx.spawn_task(
                async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                },
                |_| Msg::Note("result"),
            );
            Box::pin(async { Ok(()) })
        })
    });
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    assert_eq!(log.take(), ["factory"]);
    let heard = log.clone();
    let (monitored, told) = (server.pid().ok_or("no pid")?.monitor(), log.clone());
    tokio::spawn(async move {
        let reason = monitored.await;
        told.note(format!("monitor: {reason}"));
    });
    quiet().await;
    let outcome = server
        .call(|reply: ReplyTo<()>| {
            Msg::act(move |probe, _| {
                probe.log.note("handles");
                let _reply = reply;
                Err(boom())
            })
        })
        .await;
    assert!(matches!(outcome, Err(CallError::Exited(_))), "{outcome:?}");
    quiet().await;
    let seen = heard.take();
    let at = |what: &str| seen.iter().position(|line| line == what);
    let ends = [
        "handles",
        "terminate: boom",
        "state dropped",
        "task dropped",
    ];
    let last = ends.iter().map(|end| at(end)).max().flatten();
    assert!(ends.iter().all(|end| at(end).is_some()), "{seen:?}");
    assert!(last < at("factory"), "{seen:?}");
    assert!(at("monitor: boom").is_some(), "{seen:?}");
    tree.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_port_of_the_old_state_is_free_for_the_new_one() -> Outcome {
    struct Listens {
        port: Arc<std::sync::OnceLock<u16>>,
        listener: Option<TcpListener>,
    }
    enum Ask {
        Port(ReplyTo<u16>),
        Crash,
    }
    impl GenServer for Listens {
        type Msg = Ask;

        async fn init(&mut self, _: &mut Context<Ask>) -> Result<(), ExitReason> {
            let port = self.port.get().copied().unwrap_or(0);
            let listener = TcpListener::bind(("127.0.0.1", port)).await?;
            let port = listener.local_addr()?.port();
            self.port.get_or_init(|| port);
            self.listener = Some(listener);
            Ok(())
        }

        async fn handle(&mut self, msg: Ask, _: &mut Context<Ask>) -> Result<(), ExitReason> {
            match msg {
                Ask::Port(reply) => {
                    let listener = self.listener.as_ref().ok_or_else(boom)?;
                    reply.send(listener.local_addr()?.port());
                }
                Ask::Crash => return Err(boom()),
            }
            Ok(())
        }
    }

    let port = Arc::new(std::sync::OnceLock::new());
    let child = Child::server("listens", move || Listens {
        port: Arc::clone(&port),
        listener: None,
    });
    let server = child.server_ref();
    // No restart may fail: the second within the period is one too many.
    let tree = Supervisor::new(Strategy::OneForOne)
        .intensity(20, secs(1_000))
        .child(child)
        .start()
        .await?;
    let first = server.call(Ask::Port).await?;
    for _ in 0..20 {
        server.cast(Ask::Crash)?;
        assert_eq!(server.call(Ask::Port).await?, first);
    }
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_told_and_no_message_ends_with_its_incarnation() -> Outcome {
    let log = Log::default();
    let other = Probe::new(&Log::default()).start().await?;
    let child = probe("a", &log);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let peer = other.pid().ok_or("no pid")?;
    inside(&other, |_, ctx| ctx.trap_exit()).await;
    inside(&server, move |_, ctx| {
        ctx.trap_exit();
        ctx.link(&peer).unwrap();
        ctx.monitor(&peer);
        ctx.send_after(ms(500), Msg::Note("timer"));
        ctx.idle_after(ms(500), Msg::Note("idle"));
        ctx.spawn_task(tokio::time::sleep(ms(500)), |_| Msg::Note("task"));
    })
    .await;
    let own = server.clone();
    inside(&server, move |_, ctx| {
        ctx.continue_with(Msg::Note("continue"));
        own.pid().unwrap().kill();
    })
    .await;
    other.stop().await?;
    quiet().await;
    assert_eq!(log.take(), ["state dropped"]);
    assert!(server.is_alive());
    tokio::time::sleep(secs(10)).await;
    assert_eq!(log.take(), Vec::<String>::new());
    // Nor does the new one trap exits or have the links of the old one.
    assert_eq!(server.info().links, 0);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn exits_and_downs_that_wait_are_not_for_the_next_incarnation() -> Outcome {
    let log = Log::default();
    let other = Probe::new(&Log::default()).start().await?;
    let child = probe("a", &log);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let peer = other.pid().ok_or("no pid")?;
    inside(&server, move |_, ctx| {
        ctx.trap_exit();
        ctx.link(&peer).unwrap();
        ctx.monitor(&peer);
    })
    .await;
    let resting = server.suspend().await?;
    other.stop().await?;
    server.cast(Msg::Note("message"))?;
    quiet().await;
    server.pid().ok_or("no pid")?.kill();
    quiet().await;
    // The guard of the old one does not hold the new one, and letting go of it changes nothing.
    assert_eq!(log.take(), ["state dropped", "message"]);
    let held = server.suspend().await?;
    drop(resting);
    server.cast(Msg::Note("held"))?;
    quiet().await;
    assert_eq!(log.take(), Vec::<String>::new());
    drop(held);
    quiet().await;
    assert_eq!(log.take(), ["held"]);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn monitors_pids_and_stop_mean_one_incarnation() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let first = server.pid().ok_or("no pid")?;
    let end = first.monitor();
    crash(&server).await;
    let second = server.pid().ok_or("no pid")?;
    assert_eq!(end.await.to_string(), "boom");
    assert_ne!(first, second);
    assert!(!first.is_alive() && second.is_alive());
    assert!(server.has_run_as(&first) && server.has_run_as(&second));
    // What is meant for the first does not touch the second.
    first.kill();
    first.exit(boom());
    assert_eq!(first.monitor().await.to_string(), "no such process");
    quiet().await;
    assert_eq!(server.pid(), Some(second.clone()));
    // A stop is an end as any other: the permanent child comes back.
    server.stop().await?;
    quiet().await;
    assert!(server.is_alive());
    assert_ne!(server.pid(), Some(second));
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_over_restarts_until_the_server_is_closed() -> Outcome {
    let log = Log::default();
    let watcher = Probe::new(&log).start().await?;
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let watched = server.clone();
    inside(&watcher, move |_, ctx| {
        ctx.watch(&watched, |change| {
            Msg::act(move |probe, _| {
                probe.log.note(match change {
                    ServerChange::Up(_) => "up".to_owned(),
                    ServerChange::Down(reason) => format!("down: {reason}"),
                    other => shown(&other),
                });
                Ok(())
            })
        })
    })
    .await;
    quiet().await;
    assert_eq!(log.take(), Vec::<String>::new());
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    quiet().await;
    assert_eq!(log.take(), ["up"]);
    crash(&server).await;
    assert_eq!(log.take(), ["down: boom", "up"]);
    tree.terminate_child("a").await?;
    quiet().await;
    assert_eq!(log.take(), ["down: shutdown"]);
    tree.restart_child("a").await?;
    quiet().await;
    assert_eq!(log.take(), ["up"]);
    tree.terminate_child("a").await?;
    tree.delete_child("a").await?;
    quiet().await;
    assert_eq!(log.take(), ["down: shutdown", "Closed"]);
    tree.stop().await?;
    quiet().await;
    assert_eq!(log.take(), Vec::<String>::new());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_runs_on_without_any_handle() -> Outcome {
    let log = Log::default();
    let child = named("a", &log);
    let server = child.server_ref();
    let weak = server.downgrade();
    drop(server);
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    quiet().await;
    assert_eq!(log.take(), ["up a"]);
    let server = weak.upgrade().ok_or("no handle")?;
    assert_eq!(server.call(|reply| Msg::Echo(3, reply)).await?, 3);
    drop(server);
    quiet().await;
    assert_eq!(log.take(), Vec::<String>::new());
    tree.stop().await?;
    assert_eq!(log.take(), ["down a", "dropped a"]);
    Ok(())
}
