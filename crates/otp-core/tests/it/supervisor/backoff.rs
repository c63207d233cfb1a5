//! Waiting before the next attempt.

mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otp_core::backoff::{Backoff, Jitter};
use otp_core::{Child, ChildState, ServerRef, Strategy, Supervisor, SupervisorRef};
use proptest::prelude::{Just, Strategy as Generate, any, prop_assert, prop_assert_eq};
use proptest::{prop_oneof, proptest};

use super::{boom, crash, named, patient, probe, state};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

fn any_jitter() -> impl Generate<Value = Jitter> {
    prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
    ]
}

fn any_time() -> impl Generate<Value = Duration> {
    prop_oneof![
        any::<u64>().prop_map(Duration::from_nanos),
        (0..1_000u64).prop_map(Duration::from_nanos),
        (0..100_000u64).prop_map(Duration::from_millis),
        Just(Duration::MAX),
    ]
}

fn any_count() -> impl Generate<Value = u32> {
    prop_oneof![0..70u32, any::<u32>()]
}

proptest! {
    #[test]
    fn no_delay_is_above_the_cap(
        first in any_time(), cap in any_time(), jitter in any_jitter(),
        failures in any_count(), chance in any::<u64>(),
    ) {
        let backoff = Backoff::exponential(first, cap).jitter(jitter);
        prop_assert!(backoff.delay_by(failures, chance) <= cap);
        prop_assert!(backoff.delay(failures) <= cap);
        let constant = Backoff::constant(cap).jitter(jitter);
        prop_assert!(constant.delay_by(failures, chance) <= cap);
    }

    #[test]
    fn without_jitter_it_doubles_until_the_cap(
        first in any_time(), cap in any_time(), failures in any_count(), chance in any::<u64>(),
    ) {
        let doubled = first.as_nanos().checked_mul(1 << failures.min(127));
        let expected = doubled.map_or(cap.as_nanos(), |doubled| doubled.min(cap.as_nanos()));
        let expected = if first.is_zero() { 0 } else { expected };
        let backoff = Backoff::exponential(first, cap);
        prop_assert_eq!(backoff.delay_by(failures, chance).as_nanos(), expected);
    }

    #[test]
    fn jitter_stays_within_its_bounds(
        first in any_time(), cap in any_time(), failures in any_count(), chance in any::<u64>(),
    ) {
        let plain = Backoff::exponential(first, cap);
        let computed = plain.delay(failures);
        let equal = plain.clone().jitter(Jitter::Equal).delay_by(failures, chance);
        prop_assert!(equal >= computed / 2 && equal <= computed);
        let full = plain.clone().jitter(Jitter::Full);
        prop_assert!(full.delay_by(failures, chance) <= computed);
        prop_assert_eq!(full.delay_by(failures, 0), Duration::ZERO);
        let decorrelated = plain.jitter(Jitter::Decorrelated).delay_by(failures, chance);
        prop_assert!(decorrelated >= first.min(cap));
    }

    #[test]
    fn a_constant_delay_is_constant(delay in any_time(), failures in any_count()) {
        prop_assert_eq!(Backoff::constant(delay).delay(failures), delay);
    }
}

#[test]
fn chance_is_spread_over_the_whole_of_the_range() {
    let backoff = Backoff::constant(secs(8)).jitter(Jitter::Full);
    for quarter in 0..4 {
        let delay = backoff.delay_by(0, quarter << 62);
        assert_eq!(delay, secs(2 * quarter));
    }
    assert!(backoff.delay_by(0, u64::MAX) >= secs(8) - Duration::from_nanos(1));
    let many: std::collections::HashSet<_> = (0..20).map(|_| backoff.delay(0)).collect();
    assert!(many.len() > 1, "always {many:?}");
}

async fn tree_of(child: Child<Msg>) -> (SupervisorRef, ServerRef<Msg>) {
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start();
    (tree.await.unwrap(), server)
}

fn doubling() -> Backoff {
    Backoff::exponential(secs(1), secs(60)).reset_after(secs(100))
}

/// How long the child is away after a crash.
async fn away(server: &ServerRef<Msg>) -> Duration {
    crash(server).await;
    let begun = tokio::time::Instant::now();
    server
        .call_timeout(|reply| Msg::Echo(1, reply), secs(1_000))
        .await
        .unwrap();
    // One went by in `crash`.
    begun.elapsed() + ms(1)
}

#[tokio::test(start_paused = true)]
async fn a_restart_waits_longer_each_time_until_the_child_is_healthy() -> Outcome {
    let (tree, server) = tree_of(probe("a", &Log::default()).backoff(doubling())).await;
    for expected in [1, 2, 4, 8] {
        assert_eq!(away(&server).await, secs(expected));
    }
    tokio::time::sleep(secs(99)).await;
    assert_eq!(away(&server).await, secs(16));
    tokio::time::sleep(secs(100)).await;
    assert_eq!(away(&server).await, secs(1));
    assert_eq!(away(&server).await, secs(2));
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_for_its_restart_is_restarting_and_the_others_go_on() -> Outcome {
    let log = Log::default();
    let (child, other) = (
        probe("a", &Log::default()).backoff(doubling()),
        named("b", &log),
    );
    let (server, to_other) = (child.server_ref(), other.server_ref());
    let plan = patient(Strategy::OneForOne).child(child).child(other);
    let tree = plan.start().await?;
    crash(&server).await;
    assert_eq!(state(&tree, "a").await, ChildState::Restarting);
    assert!(!server.is_alive());
    assert_eq!(to_other.call(|reply| Msg::Echo(1, reply)).await?, 1);
    let counts = tree.count_children().await?;
    assert_eq!((counts.specs, counts.active), (2, 1));
    assert!(tree.snapshot().await?.to_string().contains("a restarting"));
    tokio::time::sleep(secs(1)).await;
    assert!(server.is_alive());
    assert_eq!(log.take(), ["up b"]);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_waits_is_taken_back_by_terminate_child() -> Outcome {
    let (tree, server) = tree_of(probe("a", &Log::default()).backoff(doubling())).await;
    crash(&server).await;
    let call = server.call(|reply| Msg::Echo(1, reply));
    let waits = tokio::spawn({
        let server = server.clone();
        async move { server.call(|reply| Msg::Echo(1, reply)).await }
    });
    quiet().await;
    tree.terminate_child("a").await?;
    assert!(matches!(waits.await?, Err(otp_core::CallError::NoProc)));
    assert!(matches!(call.await, Err(otp_core::CallError::NoProc)));
    tokio::time::sleep(secs(100)).await;
    assert_eq!(state(&tree, "a").await, ChildState::Stopped);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_was_taken_back_does_not_cut_a_later_wait_short() -> Outcome {
    let backoff = Backoff::constant(secs(10));
    let (tree, server) = tree_of(probe("a", &Log::default()).backoff(backoff)).await;
    crash(&server).await;
    tree.terminate_child("a").await?;
    tokio::time::sleep(secs(4)).await;
    tree.restart_child("a").await?;
    // The attempt that was taken back would have been made six seconds from now.
    assert_eq!(away(&server).await, secs(10));
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn failed_starts_wait_too_and_each_attempt_counts() -> Outcome {
    // It comes up once, and never again.
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let child = Child::server("a", move || {
        let first = counter.fetch_add(1, Ordering::Relaxed) == 0;
        Probe::new(&Log::default())
            .on_init(move |_, _| Box::pin(async move { if first { Ok(()) } else { Err(boom()) } }))
    });
    let server = child.server_ref();
    let plan = Supervisor::new(Strategy::OneForOne).intensity(3, secs(1_000));
    let tree = plan.child(child.backoff(doubling())).start().await?;
    let end = tree.pid().ok_or("no pid")?.monitor();
    crash(&server).await;
    let begun = tokio::time::Instant::now();
    assert!(end.await.is_clean());
    // One, two, four, and the one after eight is one too many.
    assert_eq!(begun.elapsed() + ms(1), secs(15));
    assert_eq!(attempts.load(Ordering::Relaxed), 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tree_can_be_stopped_while_a_restart_waits() -> Outcome {
    let (tree, server) = tree_of(probe("a", &Log::default()).backoff(doubling())).await;
    crash(&server).await;
    let begun = tokio::time::Instant::now();
    tree.stop().await?;
    assert_eq!(begun.elapsed(), ms(0));
    assert!(server.cast(Msg::Note("refused")).is_err());
    Ok(())
}
