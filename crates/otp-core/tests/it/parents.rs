//! `start_link`: what a parent is to the server that it starts.

use std::future::pending;

use otp_core::{ExitReason, Pid, ServerOptions, ServerRef, StartError};
use tokio::sync::oneshot;

use crate::exits::{End, Kind, Subject, boom};
use crate::support::{Log, Msg, Outcome, Probe, inside, ms, panic_message, quiet, secs, shown};

/// Starts `child` as a child of `parent`.
async fn start_link(
    parent: &Subject,
    child: Probe,
    options: ServerOptions,
) -> Result<ServerRef<Msg>, StartError> {
    let started = parent.server.as_ref().unwrap().call(|reply| {
        Msg::run(move |_, ctx| {
            let starting = ctx.start_link_with(child, options);
            Box::pin(async move {
                reply.send(starting.await);
                Ok(())
            })
        })
    });
    started.await.unwrap()
}

/// A parent and its child, with the child's log.
async fn family(parent: Kind, child: Kind) -> (Subject, ServerRef<Msg>, Log) {
    let (parent, log) = (Subject::new(parent).await, Log::default());
    let probe = Probe::new(&log);
    let started = start_link(&parent, probe, ServerOptions::default()).await;
    let started = started.unwrap();
    if child == Kind::Trapping {
        inside(&started, |_, ctx| ctx.trap_exit()).await;
    }
    (parent, started, log)
}

#[tokio::test(start_paused = true)]
async fn who_traps_ends_in_order_with_its_parent_also_a_normal_one() -> Outcome {
    for (end, text) in [
        (End::With(ExitReason::Normal), "normal"),
        (End::With(ExitReason::Shutdown), "shutdown"),
        (End::With(boom()), "boom"),
        (End::With(ExitReason::Kill), "kill"),
        (End::Killed, "killed"),
    ] {
        let (parent, child, log) = family(Kind::Server, Kind::Trapping).await;
        let over = child.pid().ok_or("no pid")?.monitor();
        parent.end(end).await;
        assert_eq!(over.await.to_string(), text);
        assert_eq!(
            log.take(),
            [format!("terminate: {text}"), "state dropped".to_owned()]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_does_not_trap_dies_at_once_with_its_parent() -> Outcome {
    for (end, text) in [
        (End::With(ExitReason::Shutdown), "shutdown"),
        (End::With(boom()), "boom"),
        (End::With(ExitReason::Kill), "kill"),
        (End::Killed, "killed"),
    ] {
        let (parent, child, log) = family(Kind::Server, Kind::Server).await;
        let over = child.pid().ok_or("no pid")?.monitor();
        parent.end(end).await;
        assert_eq!(over.await.to_string(), text);
        assert_eq!(log.take(), ["state dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_parents_normal_end_does_nothing_to_who_does_not_trap() -> Outcome {
    let (parent, child, log) = family(Kind::Server, Kind::Server).await;
    parent.end(End::With(ExitReason::Normal)).await;
    quiet().await;
    assert_eq!(child.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert_eq!(log.take(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_parents_end_takes_its_turn_in_who_traps() -> Outcome {
    let (parent, child, log) = family(Kind::Server, Kind::Trapping).await;
    let resting = child.suspend().await?;
    child.cast(Msg::Note("before"))?;
    parent.end(End::With(boom())).await;
    child.cast(Msg::Note("after"))?;
    let over = child.pid().ok_or("no pid")?.monitor();
    drop(resting);
    over.await;
    assert_eq!(log.take(), ["before", "terminate: boom", "state dropped"]);
    assert_eq!(child.info().dropped, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_others_are_told_to_handle_exit() -> Outcome {
    let (parent, child, log) = family(Kind::Server, Kind::Trapping).await;
    let stranger = Subject::new(Kind::Plain).await;
    let (whom, told) = (stranger.pid.clone(), format!("EXIT {}: boom", stranger.pid));
    inside(&child, move |_, ctx| ctx.link(&whom)).await?;
    stranger.end(End::With(boom())).await;
    quiet().await;
    assert_eq!(log.take(), [told]);
    assert!(child.is_alive() && parent.pid.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_parents_exit_signal_ends_who_traps_in_order_and_a_strangers_does_not() -> Outcome {
    // As in OTP, where it is the sender that counts and not how it sent.
    let (parent, child, log) = family(Kind::Server, Kind::Trapping).await;
    let pid = child.pid().ok_or("no pid")?;
    let over = pid.monitor();
    pid.exit(boom());
    quiet().await;
    assert_eq!(log.take(), ["EXIT nobody: boom"]);
    let server = parent.server.as_ref().ok_or("no server")?;
    inside(server, move |_, _| pid.exit(ExitReason::Shutdown)).await;
    assert_eq!(over.await.to_string(), "shutdown");
    assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
    quiet().await;
    assert!(!parent.pid.is_alive(), "it does not trap");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_childs_end_is_that_of_any_linked_process() -> Outcome {
    let (parent, child, _) = family(Kind::Trapping, Kind::Server).await;
    let told = format!("EXIT {}: boom", child.pid().ok_or("no pid")?);
    child.cast(Msg::end(boom()))?;
    quiet().await;
    assert_eq!(parent.log.take(), [told]);

    let (parent, child, _) = family(Kind::Server, Kind::Server).await;
    let over = parent.pid.monitor();
    child.cast(Msg::end(boom()))?;
    assert_eq!(over.await.to_string(), "boom");
    assert_eq!(parent.log.take(), ["state dropped"]);

    let (parent, child, _) = family(Kind::Server, Kind::Server).await;
    child.stop().await?;
    quiet().await;
    assert!(parent.pid.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_unlinked_stands_alone() -> Outcome {
    for kind in [Kind::Server, Kind::Trapping] {
        let (parent, child, log) = family(Kind::Server, kind).await;
        let whom = child.pid().ok_or("no pid")?;
        let server = parent.server.as_ref().ok_or("no server")?;
        inside(server, move |_, ctx| ctx.unlink(&whom)).await;
        parent.end(End::With(boom())).await;
        quiet().await;
        assert!(child.is_alive());
        assert_eq!(log.take(), [""; 0]);
    }
    Ok(())
}

/// What a failing start is tried with.
type Fails = (&'static str, fn(Probe) -> Probe, ServerOptions);

fn failing() -> Vec<Fails> {
    let any = ServerOptions::default;
    vec![
        (
            "Failed(Normal)",
            |probe| probe.on_init(|_, _| Box::pin(async { Err(ExitReason::Normal) })),
            any(),
        ),
        (
            r#"Failed(Error("boom"))"#,
            |probe| probe.on_init(|_, _| Box::pin(async { Err(boom()) })),
            any(),
        ),
        (
            "Ignored",
            |probe| {
                probe.on_init(|_, ctx| {
                    ctx.ignore();
                    Box::pin(async { Ok(()) })
                })
            },
            any(),
        ),
        (
            "Failed(Killed)",
            |probe| {
                probe.on_init(|_, ctx| {
                    ctx.pid().kill();
                    Box::pin(pending())
                })
            },
            any(),
        ),
        (
            r#"Failed(Error("boom"))"#,
            |probe| {
                probe.on_init(|_, ctx| {
                    let pid = ctx.pid();
                    tokio::spawn(async move { pid.exit(boom()) });
                    Box::pin(pending())
                })
            },
            any(),
        ),
        (
            "Timeout",
            |probe| probe.on_init(|_, _| Box::pin(pending())),
            any().start_timeout(ms(50)),
        ),
        ("BadOption", |probe| probe, any().bounded(0)),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_only_an_error() -> Outcome {
    for kind in [Kind::Server, Kind::Trapping] {
        for (error, make, options) in failing() {
            let (parent, log) = (Subject::new(kind).await, Log::default());
            let started = start_link(&parent, make(Probe::new(&log)), options).await;
            let failed = started.err().ok_or("it started")?;
            assert!(shown(&failed).starts_with(error), "{failed:?}");
            // Nothing is left of it by now, and nothing is told of it later.
            assert_eq!(log.take(), ["state dropped"]);
            tokio::time::sleep(secs(1)).await;
            assert!(parent.pid.is_alive(), "{error}");
            assert_eq!(parent.log.take(), [""; 0], "{error}");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_init_is_only_an_error_to_the_parent() -> Outcome {
    for kind in [Kind::Server, Kind::Trapping] {
        let (parent, log) = (Subject::new(kind).await, Log::default());
        let child = Probe::new(&log).on_init(|_, _| panic!("in init"));
        match start_link(&parent, child, ServerOptions::default()).await {
            Err(StartError::Failed(reason)) => assert_eq!(panic_message(&reason), Some("in init")),
            other => return Err(format!("{other:?}").into()),
        }
        quiet().await;
        assert!(parent.pid.is_alive());
        assert_eq!(parent.log.take(), [""; 0]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn others_linked_in_a_failed_init_are_told() -> Outcome {
    let (parent, other) = (
        Subject::new(Kind::Trapping).await,
        Subject::new(Kind::Trapping).await,
    );
    let whom = other.pid.clone();
    let child = Probe::new(&Log::default()).on_init(move |_, ctx| {
        let linked = ctx.link(&whom);
        Box::pin(async move {
            linked?;
            Err(boom())
        })
    });
    let failed = start_link(&parent, child, ServerOptions::default()).await;
    assert!(matches!(failed, Err(StartError::Failed(_))));
    quiet().await;
    assert!(other.log.take()[0].ends_with(": boom"));
    assert_eq!(parent.log.take(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_dies_while_a_child_starts_takes_it_along() -> Outcome {
    for (traps, end) in [
        (false, End::Killed),
        (true, End::Killed),
        (false, End::With(boom())),
        (true, End::With(boom())),
    ] {
        let (parent, log) = (Subject::new(Kind::Server).await, Log::default());
        let (tell, told) = oneshot::channel::<Pid>();
        let child = Probe::new(&log).on_init(move |probe, ctx| {
            if traps {
                ctx.trap_exit();
            }
            let _ = tell.send(ctx.pid());
            let local = probe.log.on_drop("init dropped");
            Box::pin(async {
                let _local = local;
                pending().await
            })
        });
        let server = parent.server.as_ref().ok_or("no server")?;
        server.cast(Msg::run(|_, ctx| {
            let starting = ctx.start_link(child);
            Box::pin(async move {
                starting.await.map(drop)?;
                Ok(())
            })
        }))?;
        let child = told.await?;
        let over = child.monitor();
        match end {
            End::Killed => parent.pid.kill(),
            End::With(reason) => parent.pid.exit(reason),
        }
        // With the future that starts it, so it is killed whatever it traps.
        assert!(matches!(over.await, ExitReason::Killed));
        assert_eq!(log.take(), ["init dropped", "state dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_outlives_its_parent_leaves_no_orphan() -> Outcome {
    // The future borrows nothing, so it may run elsewhere, and begin after the end of the parent.
    for kind in [Kind::Server, Kind::Trapping] {
        let (parent, log) = (Subject::new(Kind::Server).await, Log::default());
        let child = Probe::new(&log).on_init(move |_, ctx| {
            if kind == Kind::Trapping {
                ctx.trap_exit();
            }
            Box::pin(async { Ok(()) })
        });
        let server = parent.server.as_ref().ok_or("no server")?;
        let starting = inside(server, |_, ctx| ctx.start_link(child)).await;
        parent.end(End::With(boom())).await;
        let started = starting.await;
        quiet().await;
        let alive = started.as_ref().is_ok_and(ServerRef::is_alive);
        assert!(!alive, "{kind:?}: it lives without its parent");
        assert!(log.has("state dropped"));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_awaited_elsewhere_is_the_parents_all_the_same() -> Outcome {
    let (parent, log) = (Subject::new(Kind::Server).await, Log::default());
    let server = parent.server.as_ref().ok_or("no server")?;
    let child = Probe::new(&log);
    let child = inside(server, |_, ctx| ctx.start_link(child)).await.await?;
    let over = child.pid().ok_or("no pid")?.monitor();
    parent.end(End::With(boom())).await;
    assert_eq!(over.await.to_string(), "boom");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_linked_process_without_a_server_ends_with_its_parent() -> Outcome {
    for (end, text) in [
        (End::With(boom()), "boom"),
        (End::Killed, "killed"),
        (End::With(ExitReason::Shutdown), "shutdown"),
    ] {
        let (parent, log) = (Subject::new(Kind::Server).await, Log::default());
        let gone = log.on_drop("future dropped");
        let server = parent.server.as_ref().ok_or("no server")?;
        let work = async move {
            let _gone = gone;
            pending().await
        };
        let pid = inside(server, |_, ctx| ctx.spawn_link(work)).await;
        let over = pid.monitor();
        parent.end(end).await;
        assert_eq!(over.await.to_string(), text);
        assert_eq!(log.take(), ["future dropped"]);
    }
    Ok(())
}
