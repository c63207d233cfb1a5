//! Requests to a supervisor whose futures are dropped, at every moment at which they wait.

use std::future::{Future, pending};
use std::pin::pin;
use std::task::Poll;

use otp_core::{Child, ChildState, Strategy, SupervisorRef};
use tokio::task::yield_now;

use super::{child, patient, state};
use crate::support::{Log, Msg, Outcome, Probe, poll_now, quiet};

/// A child that lets others run a few times in `init` and in `terminate`.
fn slow(id: &'static str, log: &Log) -> Child<Msg> {
    let log = log.clone();
    Child::server(id, move || {
        log.note("made");
        Probe::new(&log)
            .on_init(|_, _| Box::pin(some_time()))
            .on_terminate(|_, _| Box::pin(some_time()))
    })
}

async fn some_time() -> Result<(), otp_core::ExitReason> {
    for _ in 0..3 {
        yield_now().await;
    }
    Ok(())
}

/// Polls a future so often at most, and lets others run in between.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_now(future.as_mut()) {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

/// A tree with a slow child, and the log of all of its states.
async fn tree() -> (SupervisorRef, Log) {
    let log = Log::default();
    let plan = patient(Strategy::OneForOne).child(slow("a", &log));
    (plan.start().await.unwrap(), log)
}

/// Runs `scenario` with one poll more each time, until it says that the request came to its end.
async fn at_every_moment<F>(scenario: impl Fn(usize) -> F) -> Outcome
where
    F: Future<Output = Result<bool, Box<dyn std::error::Error>>>,
{
    for polls in 0..100 {
        if scenario(polls).await? {
            assert!(polls > 2, "given up at no moment between");
            return Ok(());
        }
    }
    Err("it never came to an end".into())
}

/// The tree answers, stops, and nothing is left of it.
async fn assert_sound(tree: SupervisorRef, log: &Log) -> Outcome {
    tree.count_children().await?;
    tree.stop().await?;
    assert_nothing_left(log).await;
    Ok(())
}

async fn assert_nothing_left(log: &Log) {
    quiet().await;
    let seen = log.take();
    let count = |what: &str| seen.iter().filter(|line| *line == what).count();
    assert_eq!(count("made"), count("state dropped"), "{seen:?}");
    assert!(count("made") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_start_child_that_is_given_up_starts_the_child_or_never_asked() -> Outcome {
    at_every_moment(|polls| async move {
        let (tree, log) = tree().await;
        let new = slow("new", &log);
        let server = new.server_ref();
        let done = polled(tree.start_child(new), polls).await;
        quiet().await;
        let known = child(&tree, "new").await;
        assert_eq!(known.is_some(), polls > 0, "after {polls}");
        assert_eq!(server.is_alive(), polls > 0);
        assert_eq!(server.cast(Msg::Note("taken")).is_ok(), polls > 0);
        assert_sound(tree, &log).await?;
        assert!(!server.is_alive());
        Ok(done.is_some())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_terminate_child_that_is_given_up_goes_on() -> Outcome {
    at_every_moment(|polls| async move {
        let (tree, log) = tree().await;
        let done = polled(tree.terminate_child("a"), polls).await;
        quiet().await;
        let stopped = state(&tree, "a").await == ChildState::Stopped;
        assert_eq!(stopped, polls > 0, "after {polls}");
        assert_sound(tree, &log).await?;
        Ok(done.is_some())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_restart_child_that_is_given_up_goes_on() -> Outcome {
    at_every_moment(|polls| async move {
        let (tree, log) = tree().await;
        tree.terminate_child("a").await?;
        let done = polled(tree.restart_child("a"), polls).await;
        quiet().await;
        let runs = matches!(state(&tree, "a").await, ChildState::Running(_));
        assert_eq!(runs, polls > 0, "after {polls}");
        assert_sound(tree, &log).await?;
        Ok(done.is_some())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_delete_child_behind_a_terminate_child_goes_on_if_both_are_given_up() -> Outcome {
    at_every_moment(|polls| async move {
        let (tree, log) = tree().await;
        let mut terminate = Box::pin(tree.terminate_child("a"));
        assert!(poll_now(terminate.as_mut()).is_pending());
        drop(terminate);
        let done = polled(tree.delete_child("a"), polls).await;
        quiet().await;
        assert_eq!(
            child(&tree, "a").await.is_none(),
            polls > 0,
            "after {polls}"
        );
        assert_sound(tree, &log).await?;
        Ok(done.is_some())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_given_up_changes_nothing() -> Outcome {
    at_every_moment(|polls| async move {
        let (tree, log) = tree().await;
        let nested = patient(Strategy::OneForOne).child(slow("b", &log));
        let below = tree
            .start_child(Child::supervisor("nested", nested))
            .await?;
        let looks = async {
            let snapshot = tree.snapshot().await;
            let (which, count) = (tree.which_children().await, tree.count_children().await);
            let suspended = tree.suspend().await;
            (snapshot, which, count, suspended)
        };
        let done = polled(looks, polls).await.is_some();
        quiet().await;
        assert_eq!(tree.count_children().await?.active, 2, "after {polls}");
        assert!(below.is_alive());
        assert_sound(tree, &log).await?;
        Ok(done)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_given_up_goes_on() -> Outcome {
    at_every_moment(|polls| async move {
        let (tree, log) = tree().await;
        let done = polled(tree.stop(), polls).await;
        quiet().await;
        assert_eq!(tree.is_alive(), polls == 0, "after {polls}");
        if polls == 0 {
            assert_sound(tree, &log).await?;
        } else {
            assert_nothing_left(&log).await;
        }
        Ok(done.is_some())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_given_up_lets_go_of_the_tree_which_stops_in_order() -> Outcome {
    for with_signal in [false, true] {
        let run = |polls| async move {
            let (tree, log) = tree().await;
            let end = tree.pid().ok_or("no pid")?.monitor();
            let done = if with_signal {
                polled(tree.run_until(some_time()), polls).await
            } else {
                polled(tree.run_until(pending::<()>()), polls).await
            };
            let reason = end.await;
            assert!(reason.is_normal(), "after {polls}: {reason}");
            let seen = log.take();
            assert_eq!(
                seen,
                ["made", "terminate: normal", "state dropped"]
                    .map(|line| { line.replace("normal", "shutdown") })
            );
            // Without a signal nothing but the drop ends it.
            Ok(done.is_some() || (!with_signal && polls > 10))
        };
        at_every_moment(run).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_link_that_is_given_up_leaves_nothing() -> Outcome {
    at_every_moment(|polls| async move {
        let log = Log::default();
        let plan = patient(Strategy::OneForOne).child(slow("a", &log));
        let parent = Probe::new(&Log::default()).start().await?;
        let (sender, done) = tokio::sync::oneshot::channel();
        parent.cast(Msg::run(move |_, ctx| {
            let start = plan.start_link(ctx);
            Box::pin(async move {
                let started = polled(start, polls).await;
                let _ = sender.send(started.is_some());
                drop(started);
                Ok(())
            })
        }))?;
        let done = done.await?;
        quiet().await;
        let seen = log.take();
        let count = |what: &str| seen.iter().filter(|line| *line == what).count();
        assert_eq!(count("made"), count("state dropped"), "{polls}: {seen:?}");
        assert!(parent.is_alive());
        Ok(done)
    })
    .await
}
