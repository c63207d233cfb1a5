//! Back-off with jitter, in a tree that runs.

use std::collections::HashSet;
use std::time::Duration;

use otp_core::backoff::{Backoff, Jitter};
use otp_core::{CallError, ChildError, ChildState, Strategy, Supervisor};
use tokio::time::{Instant, sleep};

use super::tree_of;
use crate::supervisor::{boom, crash, patient, probe, state};
use crate::support::{Log, Msg, Outcome, ms, quiet, secs};

/// How long the child is away after a crash, and that it shows as restarting all the while.
async fn away(tree: &otp_core::SupervisorRef, server: &otp_core::ServerRef<Msg>) -> Duration {
    server.cast(Msg::end(boom())).unwrap();
    let begun = Instant::now();
    while server.is_alive() {
        tokio::task::yield_now().await;
    }
    let first = state(tree, "a").await;
    // At once, where chance says that it waits for nothing.
    assert!(matches!(
        first,
        ChildState::Restarting | ChildState::Running(_)
    ));
    server
        .call_timeout(|reply| Msg::Echo(1, reply), secs(1_000))
        .await
        .unwrap();
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn delays_with_jitter_stay_within_their_bounds_and_differ() -> Outcome {
    let (first, cap) = (secs(1), secs(8));
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        let backoff = Backoff::exponential(first, cap).jitter(jitter);
        let (tree, server) = tree_of(probe("a", &Log::default()).backoff(backoff)).await;
        let mut seen = HashSet::new();
        for attempt in 0..30 {
            let plain = Backoff::exponential(first, cap).delay(attempt);
            let least = match jitter {
                Jitter::Equal => plain / 2,
                Jitter::Decorrelated => first,
                _ => Duration::ZERO,
            };
            let most = match jitter {
                Jitter::Decorrelated => cap,
                _ => plain,
            };
            let away = away(&tree, &server).await;
            // Timers go by whole milliseconds.
            assert!(
                least <= away && away <= most + ms(2),
                "{jitter:?} {attempt}: {away:?}"
            );
            seen.insert(away);
        }
        assert!(seen.len() > 5, "{jitter:?}: {seen:?}");
        tree.stop().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_in_its_back_off_cannot_be_deleted_nor_started_nor_added_again() -> Outcome {
    let backoff = Backoff::constant(secs(10)).jitter(Jitter::Equal);
    let child = probe("a", &Log::default()).backoff(backoff);
    let (tree, server) = tree_of(child).await;
    crash(&server).await;
    assert_eq!(state(&tree, "a").await, ChildState::Restarting);
    let refused = tree.delete_child("a").await;
    assert!(matches!(refused, Err(ChildError::Restarting)));
    let refused = tree.restart_child("a").await;
    assert!(matches!(refused, Err(ChildError::Restarting)));
    let refused = tree.start_child(probe("a", &Log::default())).await;
    assert!(matches!(
        refused,
        Err(otp_core::StartChildError::AlreadyPresent)
    ));
    // Nothing of that has disturbed it.
    sleep(secs(10)).await;
    assert!(server.is_alive());

    crash(&server).await;
    tree.terminate_child("a").await?;
    let refused = server.call(|reply| Msg::Echo(1, reply)).await;
    assert!(matches!(refused, Err(CallError::NoProc)));
    tree.delete_child("a").await?;
    sleep(secs(20)).await;
    assert!(tree.which_children().await?.is_empty());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_added_under_the_id_of_one_that_waited_is_not_touched_by_its_timer() -> Outcome {
    let backoff = Backoff::constant(secs(10));
    let (tree, server) = tree_of(probe("a", &Log::default()).backoff(backoff)).await;
    crash(&server).await;
    tree.terminate_child("a").await?;
    tree.delete_child("a").await?;
    let again = probe("a", &Log::default()).backoff(Backoff::constant(secs(100)));
    let again = tree.start_child(again).await?;
    crash(&again).await;
    sleep(secs(20)).await;
    assert_eq!(state(&tree, "a").await, ChildState::Restarting);
    sleep(secs(80)).await;
    assert!(again.is_alive() && !server.is_alive());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn delays_begin_anew_after_a_healthy_time_and_the_window_counts_all_the_same() -> Outcome {
    let backoff = Backoff::exponential(secs(1), secs(64)).reset_after(secs(30));
    let child = probe("a", &Log::default()).backoff(backoff);
    let server = child.server_ref();
    let plan = Supervisor::new(Strategy::OneForOne).intensity(4, secs(1_000));
    let tree = plan.child(child).start().await?;
    assert_eq!(away(&tree, &server).await, secs(1));
    assert_eq!(away(&tree, &server).await, secs(2));
    sleep(secs(30)).await;
    assert_eq!(away(&tree, &server).await, secs(1));
    assert_eq!(away(&tree, &server).await, secs(2));
    let end = tree.pid().ok_or("no pid")?.monitor();
    sleep(secs(30)).await;
    crash(&server).await;
    // The attempt counts when it is made, and this one is the fifth.
    assert_eq!(state(&tree, "a").await, ChildState::Restarting);
    assert_eq!(end.await.to_string(), "shutdown");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_starts_a_child_in_its_back_off_and_takes_its_retry_back() -> Outcome {
    let waits = probe("waits", &Log::default()).backoff(Backoff::constant(secs(10)));
    let other = probe("other", &Log::default());
    let (to_waits, to_other) = (waits.server_ref(), other.server_ref());
    let plan = patient(Strategy::OneForAll).child(waits).child(other);
    let tree = plan.start().await?;
    crash(&to_waits).await;
    assert!(!to_waits.is_alive() && to_other.is_alive());
    crash(&to_other).await;
    assert!(to_waits.is_alive() && to_other.is_alive());
    let running = (to_waits.pid(), to_other.pid());
    sleep(secs(20)).await;
    quiet().await;
    assert_eq!((to_waits.pid(), to_other.pid()), running);
    tree.stop().await?;
    Ok(())
}
