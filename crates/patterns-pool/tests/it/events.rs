//! What listeners are told.

use patterns_pool::{Backoff, Guard, PoolConfig, PoolEvent, WarmUp};
use testing::{advance, ms, quiet, settle};

use crate::support::{Deed, Job, World, sized, workers};

#[tokio::test(start_paused = true)]
async fn failures_crashes_and_new_members_are_told_in_order() {
    quiet();
    let (_census, pool) = workers(1).await;
    let (listener, mut events) = otp_core::inbox::<PoolEvent>();
    pool.listen(listener.recipient());
    let _ = pool.process(Job::CrashOver).await;
    settle().await;
    assert!(matches!(
        events.try_recv(),
        Some(PoolEvent::Crashed { id: 1, .. })
    ));
    assert!(matches!(
        events.try_recv(),
        Some(PoolEvent::Created { id: 2 })
    ));
    assert!(events.try_recv().is_none());
    Guard::discard(pool.checkout().await.unwrap());
    settle().await;
    assert!(matches!(
        events.try_recv(),
        Some(PoolEvent::Created { id: 3 })
    ));
    assert!(
        events.try_recv().is_none(),
        "one that the pool closes has not crashed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_with_its_cause_and_when_it_is_tried_again() {
    let world = World::new();
    world.create(Deed::Fail);
    let pool = world
        .pool(PoolConfig {
            warm_up: WarmUp::Background,
            backoff: Backoff::constant(ms(70)),
            ..sized(1)
        })
        .await;
    let (listener, mut events) = otp_core::inbox::<PoolEvent>();
    pool.listen(listener.recipient());
    // The first attempt may have failed before anybody listened.
    advance(ms(72)).await;
    while events.try_recv().is_some() {}
    advance(ms(70)).await;
    match events.try_recv() {
        Some(PoolEvent::CreateFailed {
            id: 3,
            cause,
            retry_in,
        }) => {
            assert_eq!(cause.to_string(), "creating a member failed: no such host");
            assert_eq!(retry_in, ms(70));
        }
        other => panic!("{other:?}"),
    }
    world.create(Deed::Succeed);
    advance(ms(72)).await;
    assert!(matches!(
        events.try_recv(),
        Some(PoolEvent::Created { id: 4 })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_told_once_also_if_somebody_else_finds_the_dead_one_first() {
    quiet();
    let (_census, pool) = workers(1).await;
    let (listener, mut events) = otp_core::inbox::<PoolEvent>();
    pool.listen(listener.recipient());
    for round in 1..=20 {
        let worker = pool.checkout().await.unwrap();
        let pid = worker.pid().clone();
        pid.kill();
        while pid.is_alive() {
            tokio::task::yield_now().await;
        }
        // The pool's process may not have been told yet.
        drop(worker);
        settle().await;
        let told: Vec<_> = std::iter::from_fn(|| events.try_recv()).collect();
        let crashed = told
            .iter()
            .filter(|event| matches!(event, PoolEvent::Crashed { id, .. } if *id == round));
        assert_eq!(crashed.count(), 1, "{told:?}");
        assert_eq!(told.len(), 2, "and another one was made: {told:?}");
    }
}
