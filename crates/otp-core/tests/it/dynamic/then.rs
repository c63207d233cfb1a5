//! Starts and stops that go on without their caller.

use std::sync::{Arc, Mutex};

use otp_core::{ChildError, DynamicSupervisor, Pid, Restart, StartChildError};

use super::{assert_closed, both, counted, hangs, numbers, plain};
use crate::supervisor::{boom, crash};
use crate::support::{Log, Msg, Outcome, Probe, quiet, secs};

/// What is called with an outcome, and writes it down; also that it is dropped.
fn then<T: std::fmt::Debug>(
    log: &Log,
    what: &'static str,
) -> impl FnOnce(Result<T, StartChildError>) + use<T> {
    let (log, gone) = (log.clone(), log.on_drop(format!("{what} gone")));
    move |outcome| {
        log.note(match outcome {
            Ok(_) => format!("{what}: done"),
            Err(error) => format!("{what}: {error}"),
        });
        drop(gone);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_told_once() -> Outcome {
    for plan in both() {
        let log = Log::default();
        let supervisor = plan.max_children(1).start().await?;
        let child = plain("a");
        let a = child.server_ref();
        assert!(supervisor.start_child_then(child, then(&log, "a")).is_ok());
        // It has said nothing yet, for nothing has run.
        assert_eq!(log.take(), [""; 0]);
        quiet().await;
        assert_eq!(log.take(), ["a: done", "a gone"]);
        assert_eq!(a.call(|reply| Msg::Echo(1, reply)).await?, 1);
        assert!(
            supervisor
                .start_child_then(plain("b"), then(&log, "b"))
                .is_ok()
        );
        quiet().await;
        let full = "b: the supervisor has as many children as it may have";
        assert_eq!(log.take(), [full, "b gone"]);
        let noted = log.clone();
        let asked =
            supervisor.terminate_server_then(&a, move |outcome| noted.note(format!("{outcome:?}")));
        assert!(asked.is_ok());
        quiet().await;
        assert_eq!(log.take(), ["Ok(())"]);
        assert_closed(&a);
        let fails = counted("c", |_| Err(boom())).0.significant();
        assert!(supervisor.start_child_then(fails, then(&log, "c")).is_ok());
        let fails = counted("d", |_| Err(boom())).0;
        assert!(supervisor.start_child_then(fails, then(&log, "d")).is_ok());
        quiet().await;
        let lines = log.take();
        assert!(
            lines[0].starts_with("c: option `auto_shutdown`"),
            "{lines:?}"
        );
        assert_eq!(
            lines[1..],
            ["c gone", "d: the child did not start: boom", "d gone"]
        );
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_what_is_called_is_not_the_supervisors() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let child = plain("a");
        let a = child.server_ref();
        assert!(
            supervisor
                .start_child_then(child, |_| panic!("then"))
                .is_ok()
        );
        quiet().await;
        assert!(a.is_alive());
        assert!(
            supervisor
                .terminate_server_then(&a, |_| panic!("then"))
                .is_ok()
        );
        quiet().await;
        assert!(supervisor.is_alive());
        assert_closed(&a);
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_called_runs_in_the_supervisors_process_and_may_ask_it_for_more() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let seen: Arc<Mutex<Vec<Option<Pid>>>> = Arc::default();
        let (child, next) = (plain("a"), plain("b"));
        let (b, own, inner) = (next.server_ref(), supervisor.clone(), Arc::clone(&seen));
        let asked = supervisor.start_child_then(child, move |_| {
            inner.lock().unwrap().push(Pid::current());
            assert!(own.start_child_then(next, |_| ()).is_ok());
        });
        assert!(asked.is_ok());
        quiet().await;
        assert_eq!(*seen.lock().unwrap(), [supervisor.pid()]);
        assert!(b.is_alive());
        assert_eq!(numbers(&supervisor).await, (2, 2));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_does_not_run_gives_it_back() -> Outcome {
    for plan in both() {
        let (supervisor, log) = (plan.start().await?, Log::default());
        let a = supervisor.start_child(plain("a")).await?;
        supervisor.stop().await?;
        let child = plain("b");
        let b = child.server_ref();
        let back = supervisor.start_child_then(child, then(&log, "b"));
        assert_closed(&b);
        assert_eq!(log.take(), [""; 0]);
        drop(back.err().ok_or("it was taken")?);
        assert_eq!(log.take(), ["b gone"]);
        assert!(supervisor.terminate_server_then(&a, |_| ()).is_err());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_ends_before_there_is_an_outcome_drops_it_uncalled() -> Outcome {
    for plan in both() {
        for brutal in [true, false] {
            let (supervisor, log) = (plan.clone().start().await?, Log::default());
            let child = hangs("a", &Log::default());
            let a = child.server_ref();
            assert!(supervisor.start_child_then(child, then(&log, "a")).is_ok());
            quiet().await;
            // Behind a start that hangs, or not.
            assert!(
                supervisor
                    .start_child_then(hangs("b", &Log::default()), then(&log, "b"))
                    .is_ok()
            );
            if brutal {
                supervisor.pid().ok_or("none")?.kill();
                quiet().await;
            } else {
                let stopping = tokio::spawn({
                    let supervisor = supervisor.clone();
                    async move { supervisor.stop().await }
                });
                tokio::time::sleep(secs(6)).await;
                // One after the other it waits for `init` as long as that takes, as for any request.
                if !stopping.is_finished() {
                    a.pid().ok_or("none")?.kill();
                    quiet().await;
                    assert_eq!(log.take(), ["a: the child did not start: killed", "a gone"]);
                    supervisor.pid().ok_or("none")?.kill();
                    quiet().await;
                    assert_eq!(log.take(), ["b gone"]);
                    continue;
                }
                stopping.await??;
            }
            let mut lines = log.take();
            lines.sort();
            assert_eq!(lines, ["a gone", "b gone"]);
            quiet().await;
            assert_closed(&a);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn requests_are_done_in_their_order() -> Outcome {
    // Where it waits for no child, the stop comes before the start is over.
    let outcomes = ["one: done", "one: the child did not start: shutdown"];
    for (plan, outcome) in both().into_iter().zip(outcomes) {
        let (supervisor, log) = (plan.max_children(1).start().await?, Log::default());
        let resting = supervisor.suspend().await?;
        let (one, two) = (plain("one"), plain("two"));
        let (to_one, to_two) = (one.server_ref(), two.server_ref());
        assert!(supervisor.start_child_then(one, then(&log, "one")).is_ok());
        let counting = tokio::spawn({
            let supervisor = supervisor.clone();
            async move { supervisor.count_children().await }
        });
        quiet().await;
        let noted = log.clone();
        let stops =
            supervisor.terminate_server_then(&to_one, move |done| noted.note(format!("{done:?}")));
        assert!(stops.is_ok());
        drop(resting);
        assert_eq!(counting.await??.specs, 1);
        quiet().await;
        // The process of the server was looked up when its turn came.
        assert_eq!(log.take(), [outcome, "one gone", "Ok(())"]);
        assert_closed(&to_one);
        assert!(supervisor.start_child_then(two, then(&log, "two")).is_ok());
        quiet().await;
        assert!(to_two.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_no_child_is_not_found() -> Outcome {
    for plan in both() {
        let (supervisor, other) = (plan.clone().start().await?, plan.start().await?);
        let stranger = Probe::new(&Log::default()).start().await?;
        let elsewhere = other.start_child(plain("a")).await?;
        let never = plain("never");
        let gone = supervisor
            .start_child(plain("gone").restart(Restart::Temporary))
            .await?;
        crash(&gone).await;
        for server in [&stranger, &elsewhere, &never.server_ref(), &gone] {
            let (tell, told) = tokio::sync::oneshot::channel();
            let asked = supervisor.terminate_server_then(server, |outcome| {
                let _ = tell.send(outcome);
            });
            assert!(asked.is_ok());
            assert!(matches!(told.await?, Err(ChildError::NotFound)));
        }
        assert!(stranger.is_alive() && elsewhere.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_reaches_whatever_process_runs_then() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let a = supervisor.start_child(plain("a")).await?;
        let old = a.pid().ok_or("none")?;
        // Its end waits in the queue when the stop is asked for.
        let resting = supervisor.suspend().await?;
        crash(&a).await;
        assert!(!old.is_alive());
        let (tell, told) = tokio::sync::oneshot::channel();
        let asked = supervisor.terminate_server_then(&a, |outcome| {
            let _ = tell.send(outcome);
        });
        assert!(asked.is_ok());
        drop(resting);
        told.await??;
        quiet().await;
        assert_closed(&a);
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    let _ = DynamicSupervisor::new();
    Ok(())
}
