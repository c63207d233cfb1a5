//! What goes wrong in a tree.

mod deep;
mod incarnations;
mod many;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use otp_core::{
    AutoShutdown, BadOption, CallError, Child, ChildError, ChildState, ExitReason,
    FailedToStartChild, Restart, ServerOptions, StartChildError, StartError, Strategy, Supervisor,
};
use tokio::time::Instant;

use super::{boom, crash, named, patient, probe, state};
use crate::support::{Log, Msg, Outcome, Probe, ms, panic_message, quiet, secs, shown};

/// A child whose start number `n`, from 1 on, goes as `how(n)` says.
fn starts(id: &'static str, how: impl Fn(u32) -> Start + Send + Sync + 'static) -> Child<Msg> {
    let starts = AtomicU32::new(0);
    Child::server(id, move || {
        let how = how(starts.fetch_add(1, Ordering::Relaxed) + 1);
        assert!(how != Start::FactoryPanics, "no server");
        Probe::new(&Log::default()).on_init(move |_, ctx| {
            if how == Start::Ignores {
                ctx.ignore();
            }
            assert!(how != Start::InitPanics, "no init");
            Box::pin(async move {
                match how {
                    Start::Fails => Err(boom()),
                    _ => Ok(()),
                }
            })
        })
    })
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Start {
    Works,
    Fails,
    InitPanics,
    FactoryPanics,
    Ignores,
}

#[tokio::test(start_paused = true)]
async fn a_first_start_that_fails_stops_what_was_started_and_says_why() -> Outcome {
    for (how, message) in [
        (Start::Fails, None),
        (Start::InitPanics, Some("no init")),
        (Start::FactoryPanics, Some("no server")),
    ] {
        let log = Log::default();
        let bad = starts("bad", move |_| how);
        let server = bad.server_ref();
        let mut call = Box::pin(server.call(|reply| Msg::Echo(1, reply)));
        assert!(crate::support::poll_now(call.as_mut()).is_pending());
        let plan = patient(Strategy::OneForOne).child(named("first", &log));
        let plan = plan.child(bad).child(named("never", &log));
        let started = plan.start().await;
        let Err(StartError::Failed(reason)) = started else {
            return Err(shown(&started).into());
        };
        let failed = reason.downcast_ref::<FailedToStartChild>();
        let failed = failed.ok_or_else(|| shown(&reason))?;
        assert!(reason.is_clean());
        assert_eq!(&*failed.id, "bad");
        assert_eq!(panic_message(&failed.reason), message, "{how:?}");
        assert_eq!(log.take(), ["up first", "down first", "dropped first"]);
        // The call that waited is told, and nobody has to wait for its time.
        let begun = Instant::now();
        assert!(call.await.is_err());
        assert_eq!(begun.elapsed(), ms(0));
        assert!(server.cast(Msg::Note("refused")).is_err());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_fails_is_tried_again() -> Outcome {
    for how in [Start::Fails, Start::InitPanics, Start::FactoryPanics] {
        let child = starts(
            "a",
            move |n| if n == 2 || n == 3 { how } else { Start::Works },
        );
        let server = child.server_ref();
        let plan = Supervisor::new(Strategy::OneForOne).intensity(3, secs(5));
        let tree = plan.child(child).start().await?;
        server.cast(Msg::end(boom()))?;
        // It waits in the mailbox over the two attempts that fail.
        assert_eq!(server.call(|reply| Msg::Echo(6, reply)).await?, 6);
        assert!(tree.is_alive());
        crash(&server).await;
        assert!(!tree.is_alive());
        assert!(server.cast(Msg::Note("refused")).is_err());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn callers_of_a_child_whose_restart_declines_are_told_at_once() -> Outcome {
    let child = starts("a", |n| if n == 2 { Start::Ignores } else { Start::Works });
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    server.cast(Msg::end(boom()))?;
    let begun = Instant::now();
    let outcome = server.call(|reply| Msg::Echo(1, reply)).await;
    assert!(matches!(outcome, Err(CallError::NoProc)), "{outcome:?}");
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!(state(&tree, "a").await, ChildState::Stopped);
    tree.restart_child("a").await?;
    assert_eq!(server.call(|reply| Msg::Echo(2, reply)).await?, 2);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn bad_specifications_start_nothing() -> Outcome {
    let log = Log::default();
    let two = || patient(Strategy::OneForOne).child(named("a", &log));
    let transient = || named("b", &log).restart(Restart::Transient).significant();
    let any = AutoShutdown::AnySignificant;
    let permanent = || named("b", &log).significant();
    type Plan<'a> = Box<dyn Fn() -> Supervisor + 'a>;
    let plans: [(Plan<'_>, &str); 3] = [
        (Box::new(|| two().child(named("a", &log))), "id"),
        (Box::new(|| two().child(transient())), "auto_shutdown"),
        (
            Box::new(|| two().auto_shutdown(any).child(permanent())),
            "restart",
        ),
    ];
    for (plan, expected) in &plans {
        let started = plan().start().await;
        let Err(StartError::BadOption(BadOption { option, .. })) = started else {
            return Err(shown(&started).into());
        };
        assert_eq!(option, *expected);
        let nested = Child::supervisor("nested", plan());
        let started = patient(Strategy::OneForOne).child(nested).start().await;
        let text = started.err().ok_or("started")?.to_string();
        assert!(
            text.contains(&format!("option `{expected}` must be")),
            "{text}"
        );
    }
    assert_eq!(log.take(), Vec::<String>::new());
    let tree = two().auto_shutdown(any).child(transient()).start().await?;
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_of_which_no_message_could_be_accepted_is_a_bad_option() -> Outcome {
    let options = ServerOptions::default().bounded(0);
    let child = Child::server_with("a", options, || Probe::new(&Log::default()));
    let started = patient(Strategy::OneForOne).child(child).start().await;
    assert!(
        matches!(
            started,
            Err(StartError::BadOption(BadOption {
                option: "bounded",
                ..
            }))
        ),
        "{started:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_errors_of_start_child_leave_no_child() -> Outcome {
    let tree = patient(Strategy::OneForOne).start().await?;
    let first = tree.start_child(probe("a", &Log::default())).await?;
    let again = tree.start_child(probe("a", &Log::default())).await;
    let Err(StartChildError::AlreadyStarted(pid)) = again else {
        return Err(shown(&again).into());
    };
    assert_eq!(Some(pid), first.pid());
    tree.terminate_child("a").await?;
    let again = tree.start_child(probe("a", &Log::default())).await;
    assert!(
        matches!(again, Err(StartChildError::AlreadyPresent)),
        "{again:?}"
    );
    for how in [Start::Fails, Start::InitPanics, Start::FactoryPanics] {
        let bad = starts("bad", move |_| how);
        let server = bad.server_ref();
        let failed = tree.start_child(bad).await;
        assert!(
            matches!(failed, Err(StartChildError::Failed(_))),
            "{failed:?}"
        );
        assert!(server.cast(Msg::Note("refused")).is_err());
    }
    let ignored = tree.start_child(starts("no", |_| Start::Ignores)).await;
    assert!(
        matches!(ignored, Err(StartChildError::Ignored)),
        "{ignored:?}"
    );
    let significant = probe("s", &Log::default()).restart(Restart::Temporary);
    let bad = tree.start_child(significant.significant()).await;
    assert!(
        matches!(
            bad,
            Err(StartChildError::BadOption(BadOption {
                option: "auto_shutdown",
                ..
            }))
        ),
        "{bad:?}"
    );
    let children = tree.which_children().await?;
    let ids: Vec<_> = children.iter().map(|child| &*child.id).collect();
    assert_eq!(ids, ["no", "a"]);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_has_ended_answers_nothing() -> Outcome {
    let tree = patient(Strategy::OneForOne).start().await?;
    tree.stop().await?;
    let gone =
        |error: Option<ChildError>| matches!(error, Some(ChildError::Call(CallError::NoProc)));
    assert!(gone(tree.terminate_child("a").await.err()));
    assert!(gone(tree.restart_child("a").await.err()));
    assert!(gone(tree.delete_child("a").await.err()));
    assert!(matches!(
        tree.which_children().await,
        Err(CallError::NoProc)
    ));
    assert!(matches!(
        tree.count_children().await,
        Err(CallError::NoProc)
    ));
    assert!(matches!(tree.snapshot().await, Err(CallError::NoProc)));
    assert!(matches!(tree.suspend().await, Err(CallError::NoProc)));
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let started = tree.start_child(child).await;
    assert!(
        matches!(started, Err(StartChildError::Call(CallError::NoProc))),
        "{started:?}"
    );
    assert!(server.cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_asks_its_supervisor_in_init_is_told_of_the_deadlock() -> Outcome {
    let tree = patient(Strategy::OneForOne).start().await?;
    let (above, log) = (Arc::new(tree.clone()), Log::default());
    let heard = log.clone();
    let child = Child::server("asks", move || {
        let (above, heard) = (Arc::clone(&above), heard.clone());
        Probe::new(&Log::default()).on_init(move |_, _| {
            Box::pin(async move {
                let outcome = above.which_children().await;
                heard.note(match outcome {
                    Err(CallError::Deadlock { .. }) => "deadlock".to_owned(),
                    other => shown(&other),
                });
                Ok(())
            })
        })
    });
    let begun = Instant::now();
    let server = tree.start_child(child).await?;
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!(log.take(), ["deadlock"]);
    crash(&server).await;
    assert_eq!(log.take(), ["deadlock"]);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_has_itself_terminated_is_not_waited_for_without_limit() -> Outcome {
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let above = tree.clone();
    server.cast(Msg::run(move |_, _| {
        Box::pin(async move {
            let _ = above.terminate_child("a").await;
            Ok(())
        })
    }))?;
    quiet().await;
    tokio::time::sleep(secs(5)).await;
    assert_eq!(state(&tree, "a").await, ChildState::Stopped);
    assert!(!server.is_alive());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_first_start_declines_is_kept_and_refuses() -> Outcome {
    let child = starts("a", |n| if n == 1 { Start::Ignores } else { Start::Works });
    let server = child.server_ref();
    server.cast(Msg::Note("before"))?;
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    assert_eq!(state(&tree, "a").await, ChildState::Stopped);
    assert_eq!((server.info().mailbox_len, server.info().dropped), (0, 1));
    assert!(server.cast(Msg::Note("refused")).is_err());
    assert!(tree.restart_child("a").await?.is_alive());
    server.cast(Msg::Note("accepted"))?;
    let reason = tree.pid().ok_or("no pid")?.monitor();
    tree.stop().await?;
    assert!(matches!(reason.await, ExitReason::Normal));
    Ok(())
}
