//! What was wrong with the original, each as a test of its own.

use std::sync::Arc;

use patterns_registry::{
    CallError, CallWorkerError, CastWorkerError, RegistryConfig, StartWorkerError,
};
use testing::{ms, quiet, secs, settle};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{Init, Msg, World, assert_nothing_left};

/// There was a gap between "is there one?" and "start one", in which others fell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_tasks_that_ask_for_one_key_start_one_worker() {
    let sign = Arc::new(Notify::new());
    let world = World::with({
        let sign = Arc::clone(&sign);
        move |_, _| Init::WaitFor(Arc::clone(&sign))
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let mut asking = JoinSet::new();
    for number in 0..1_000 {
        let registry = registry.clone();
        asking.spawn(async move {
            match number % 3 {
                0 => registry.start_worker("a").await.unwrap().is_new(),
                1 => {
                    registry.cast("a", Msg::Add(1)).await.unwrap();
                    false
                }
                _ => {
                    registry.call("a", Msg::Total).await.unwrap();
                    false
                }
            }
        });
    }
    sign.notify_one();
    let new = asking.join_all().await;
    assert!(new.into_iter().filter(|new| *new).count() <= 1);
    assert_eq!(world.made("a"), 1);
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 333);
    registry.stop_worker("a").await.unwrap();
    assert_nothing_left(&registry).await;
}

/// One `init` that took its time kept every other start waiting, for the supervisor waits for it.
#[tokio::test(start_paused = true)]
async fn a_hanging_init_keeps_no_other_key_waiting() {
    let world = World::with(|key, _| match key {
        "a" => Init::Hang,
        _ => Init::Succeed,
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let hanging = tokio::spawn({
        let registry = registry.clone();
        async move { registry.start_worker("a").await }
    });
    settle().await;
    assert_eq!(registry.info().starting, 1);

    let begun = Instant::now();
    let started = registry.start_worker("b").await.unwrap();
    assert!(started.is_new());
    assert!(registry.lookup("b").is_some());
    assert_eq!(registry.call("b", Msg::Total).await.unwrap(), 0);
    registry.stop_worker("b").await.unwrap();
    assert!(registry.lookup("b").is_none());
    assert_eq!(begun.elapsed(), ms(0));
    assert!(!hanging.is_finished());
    assert!(registry.lookup("a").is_none());
}

/// A cast whose worker did not start was lost, and nobody was told.
#[tokio::test]
async fn a_cast_to_a_worker_that_does_not_start_gives_its_message_back() {
    let world = World::with(|_, _| Init::Fail);
    let registry = world.registry(RegistryConfig::default()).await;
    let error = registry.cast("a", Msg::Add(7)).await.unwrap_err();
    assert!(matches!(
        &error,
        CastWorkerError::Start {
            error: StartWorkerError::Failed(_),
            ..
        }
    ));
    assert!(matches!(error.into_message(), Msg::Add(7)));
}

/// A call that failed ended its caller, whatever had failed.
#[tokio::test]
async fn a_failed_start_is_told_apart_from_a_failed_call() {
    let world = World::with(|key, _| match key {
        "bad" => Init::Fail,
        _ => Init::Succeed,
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let error = registry.call("bad", Msg::Total).await.unwrap_err();
    assert!(
        matches!(error, CallWorkerError::Start(StartWorkerError::Failed(_))),
        "{error:?}"
    );
    let answered = registry.call("good", |reply| {
        drop(reply);
        Msg::Add(1)
    });
    let error: CallWorkerError = Result::<u64, _>::unwrap_err(answered.await);
    assert!(
        matches!(error, CallWorkerError::Call(CallError::NoReply)),
        "{error:?}"
    );
    registry.stop_worker("good").await.unwrap();
    assert_nothing_left(&registry).await;
}

/// All workers had one restart limit: four crashes of one ended them all.
#[tokio::test(start_paused = true)]
async fn a_key_that_crashes_too_often_is_given_up_alone() {
    quiet();
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let other = registry.start_worker("b").await.unwrap().into_server();
    let pid = other.pid();
    for crash in 1..=4 {
        registry.cast("a", Msg::Crash).await.unwrap();
        settle().await;
        assert_eq!(registry.lookup("a").is_some(), crash < 4, "crash {crash}");
    }
    assert_eq!((registry.keys(), other.pid()), (vec!["b".to_owned()], pid));
    assert_eq!(world.made("a"), 4);
    // Its key is free, and its count begins anew.
    assert!(registry.start_worker("a").await.unwrap().is_new());
    registry.cast("a", Msg::Crash).await.unwrap();
    settle().await;
    assert!(registry.lookup("a").is_some());
}

/// Listing called each worker: a busy one kept the lister waiting, a dying one ended it.
#[tokio::test(start_paused = true)]
async fn busy_hanging_and_dying_workers_are_listed_at_once_or_left_out() {
    let world = World::with(|key, _| match key {
        "hangs" => Init::Hang,
        _ => Init::Succeed,
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let hanging = tokio::spawn({
        let registry = registry.clone();
        async move { registry.start_worker("hangs").await.is_ok() }
    });
    registry.cast("busy", Msg::Work(secs(60))).await.unwrap();
    registry.cast("busy", Msg::Add(1)).await.unwrap();
    settle().await;
    registry.cast("busy", Msg::Add(2)).await.unwrap();
    registry.start_worker("dies").await.unwrap();
    *world.farewell.lock().unwrap() = ms(10);
    let stopping = tokio::spawn({
        let registry = registry.clone();
        async move { registry.stop_worker("dies").await }
    });
    settle().await;

    let listed = registry.list_workers();
    let [busy] = &listed[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(
        (busy.key.as_str(), busy.handled, busy.mailbox_len),
        ("busy", 1, 2)
    );
    let info = registry.info();
    assert_eq!(
        (info.starting, info.running, info.restarting, info.stopping),
        (1, 1, 0, 1)
    );
    assert_eq!(registry.worker_count(), 1);
    stopping.await.unwrap().unwrap();
    hanging.abort();
}

/// A stop polled until the key was unregistered, and might give up before it was free.
#[tokio::test]
async fn a_stopped_key_can_be_started_again_at_once() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    for round in 1..=100 {
        let started = registry.start_worker("a").await.unwrap();
        assert!(started.is_new());
        assert_eq!(world.made("a"), round);
        registry.stop_worker("a").await.unwrap();
        assert_eq!(world.alive(), 0);
    }
    assert_nothing_left(&registry).await;
}
