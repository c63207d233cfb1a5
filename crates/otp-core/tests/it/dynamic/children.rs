//! Starting and forgetting children.

mod most;

use otp_core::{
    BadOption, Child, ChildError, ChildKind, ExitReason, Restart, ServerOptions, StartChildError,
    StartError, Strategy, Supervisor,
};
use tokio::time::Instant;

use super::{assert_closed, both, counted, numbers, plain};
use crate::supervisor::boom;
use crate::support::{Log, Msg, Outcome, Probe, inside, panic_message, quiet, secs, shown};

#[tokio::test(start_paused = true)]
async fn a_child_is_started_listed_counted_and_terminated() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        assert_eq!(numbers(&supervisor).await, (0, 0));
        let a = supervisor.start_child(plain("same")).await?;
        let b = supervisor
            .start_child(plain("same").restart(Restart::Temporary))
            .await?;
        assert_eq!(a.call(|reply| Msg::Echo(1, reply)).await?, 1);
        let (of_a, of_b) = (a.pid().ok_or("none")?, b.pid().ok_or("none")?);
        let children = supervisor.which_children().await?;
        assert_eq!(children.len(), 2);
        for child in &children {
            let pid = child.pid().ok_or("none")?;
            assert!([&of_a, &of_b].contains(&pid));
            assert_eq!(
                (&*child.id, child.kind, child.restarts),
                ("same", ChildKind::Worker, 0)
            );
            let restart = if *pid == of_a {
                Restart::Permanent
            } else {
                Restart::Temporary
            };
            assert_eq!(child.restart, restart);
        }
        let counts = supervisor.count_children().await?;
        assert_eq!(
            (
                counts.specs,
                counts.active,
                counts.workers,
                counts.supervisors
            ),
            (2, 2, 2, 0)
        );

        supervisor.terminate_child(&of_a).await?;
        assert_closed(&a);
        let again = supervisor.terminate_child(&of_a).await;
        assert!(matches!(again, Err(ChildError::NotFound)), "{again:?}");
        assert_eq!(numbers(&supervisor).await, (1, 1));
        assert!(of_b.is_alive());
        supervisor.stop().await?;
        assert_closed(&b);
        assert!(!supervisor.is_alive());
        let late = supervisor.start_child(plain("late")).await;
        assert!(matches!(late, Err(StartChildError::Call(_))), "{late:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_pid_that_is_no_childs_is_not_found() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let stranger = Probe::new(&Log::default()).start().await?;
        let dead = Probe::new(&Log::default()).start().await?;
        let pid = dead.pid().ok_or("none")?;
        dead.stop().await?;
        let own = supervisor.pid().ok_or("none")?;
        for pid in [stranger.pid().ok_or("none")?, pid, own] {
            let outcome = supervisor.terminate_child(&pid).await;
            assert!(matches!(outcome, Err(ChildError::NotFound)), "{outcome:?}");
        }
        assert!(stranger.is_alive() && supervisor.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_child_that_declines_or_fails() -> Outcome {
    for plan in both() {
        let supervisor = plan.max_children(1).start().await?;
        let ignores = || {
            Child::server("ignores", || {
                Probe::new(&Log::default()).on_init(|_, ctx| {
                    ctx.ignore();
                    Box::pin(async { Ok(()) })
                })
            })
        };
        let fails = || counted("fails", |_| Err(boom())).0;
        let panics = || counted("panics", |_| panic!("in init")).0;
        let factory = || Child::server("factory", || -> Probe { panic!("in the factory") });
        let slow = || {
            let options = ServerOptions::default().start_timeout(secs(3));
            Child::server_with("slow", options, || {
                Probe::new(&Log::default()).on_init(|_, _| Box::pin(std::future::pending()))
            })
        };
        let cases: [(&str, Child<Msg>); 5] = [
            ("ignored", ignores()),
            ("boom", fails()),
            ("in init", panics()),
            ("in the factory", factory()),
            ("timeout", slow()),
        ];
        for (text, child) in cases {
            let (address, begun) = (child.server_ref(), Instant::now());
            let error = supervisor.start_child(child).await.err().ok_or(text)?;
            match (&error, text) {
                (StartChildError::Ignored, "ignored") => {}
                (StartChildError::Failed(reason), "boom") => assert_eq!(reason.to_string(), "boom"),
                (StartChildError::Failed(reason), "timeout") => {
                    let cause = reason.downcast_ref::<StartError>();
                    assert!(matches!(cause, Some(StartError::Timeout)), "{reason}");
                    assert_eq!(begun.elapsed(), secs(3));
                }
                (StartChildError::Failed(reason), _) => {
                    assert_eq!(panic_message(reason), Some(text));
                }
                _ => return Err(shown(&error).into()),
            }
            quiet().await;
            assert_closed(&address);
            assert_eq!(numbers(&supervisor).await, (0, 0), "{text}");
        }
        let _a = supervisor.start_child(plain("a")).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn options_that_do_not_go_together_are_refused() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let refused = supervisor.start_child(plain("a").significant()).await;
        assert!(matches!(
            refused,
            Err(StartChildError::BadOption(BadOption {
                option: "auto_shutdown",
                ..
            }))
        ));
        let options = ServerOptions::default().bounded(0);
        let child = Child::server_with("a", options, || Probe::new(&Log::default()));
        let refused = supervisor.start_child(child).await;
        assert!(matches!(
            refused,
            Err(StartChildError::BadOption(BadOption {
                option: "bounded",
                ..
            }))
        ));
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_its_own_is_refused_by_a_supervisor_that_is_not_dynamic() -> Outcome {
    let limited = || plain("a").own_limit(1, secs(1));
    let started = Supervisor::new(Strategy::OneForOne)
        .child(limited())
        .start()
        .await;
    let text = started.err().ok_or("it started")?.to_string();
    assert!(
        text.contains("own_limit") && text.contains("dynamic"),
        "{text}"
    );
    let tree = Supervisor::new(Strategy::OneForOne).start().await?;
    let refused = tree.start_child(limited()).await;
    assert!(matches!(
        refused,
        Err(StartChildError::BadOption(BadOption {
            option: "own_limit",
            ..
        }))
    ));
    assert!(tree.which_children().await?.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn clean_and_temporary_ends_forget_the_child() -> Outcome {
    let cases = [
        (Restart::Permanent, ExitReason::Normal, true),
        (Restart::Permanent, ExitReason::Shutdown, true),
        (Restart::Transient, ExitReason::Normal, false),
        (Restart::Transient, ExitReason::Shutdown, false),
        (Restart::Transient, ExitReason::shutdown_with("done"), false),
        (Restart::Transient, boom(), true),
        (Restart::Transient, ExitReason::Killed, true),
        (Restart::Temporary, ExitReason::Normal, false),
        (Restart::Temporary, boom(), false),
    ];
    for plan in both() {
        let supervisor = plan.start().await?;
        for (restart, reason, stays) in cases.clone() {
            let a = supervisor.start_child(plain("a").restart(restart)).await?;
            let (pid, text) = (a.pid().ok_or("none")?, format!("{restart:?}: {reason}"));
            a.cast(Msg::end(reason))?;
            quiet().await;
            assert!(!pid.is_alive());
            assert_eq!(a.is_alive(), stays, "{text}");
            assert_eq!(numbers(&supervisor).await.0, usize::from(stays), "{text}");
            if stays {
                supervisor.terminate_child(&a.pid().ok_or("none")?).await?;
            }
            assert_closed(&a);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_task_and_a_server_that_stops_itself_are_children_too() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let task = Child::task("task", |stop| async move {
            stop.requested().await;
            Ok(())
        });
        let task = supervisor.start_child(task).await?;
        let pid = task.pid().ok_or("none")?;
        let begun = Instant::now();
        supervisor.terminate_child(&pid).await?;
        assert_eq!(begun.elapsed(), secs(0));
        let a = supervisor
            .start_child(plain("a").restart(Restart::Transient))
            .await?;
        let own = supervisor.clone();
        let pid = a.pid().ok_or("none")?;
        // A child that has itself terminated, and does not wait for it.
        inside(&a, move |_, _| {
            tokio::spawn(async move { own.terminate_child(&pid).await });
        })
        .await;
        quiet().await;
        assert_closed(&a);
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_may_decline_to_start() -> Outcome {
    for plan in both() {
        let started = plan.clone().only_if(|| false).start().await;
        assert!(matches!(started, Err(StartError::Ignored)), "{started:?}");
        let started = plan.clone().only_if(|| panic!("no idea")).start().await;
        assert!(matches!(started, Err(StartError::Failed(_))), "{started:?}");
        let _supervisor = plan.only_if(|| true).start().await?;
    }
    Ok(())
}
