//! A registry below a supervisor, and what becomes of one whose supervisor is killed.

use std::sync::Arc;

use otp_core::{Strategy, Supervisor, SupervisorRef};
use patterns_registry::{CallWorkerError, RegistryConfig, StartWorkerError, WorkerRegistry};
use testing::{secs, settle};

use crate::support::{Init, Msg, Workers, World, assert_nothing_left, registry};

async fn below_a_supervisor(world: &Arc<World>) -> (SupervisorRef, Workers) {
    let made = Arc::clone(world);
    let (child, registry) =
        WorkerRegistry::child("workers", RegistryConfig::default(), move |key: &String| {
            made.worker(key)
        })
        .unwrap();
    let tree = Supervisor::new(Strategy::OneForOne).child(child);
    (tree.start().await.unwrap(), registry)
}

#[tokio::test]
async fn a_registry_below_a_supervisor_works_and_ends_with_it() {
    let world = World::new();
    let (tree, registry) = below_a_supervisor(&world).await;
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 0);
    tree.stop().await.unwrap();
    assert_eq!(world.alive(), 0);
    let error = registry.call("a", Msg::Total).await.unwrap_err();
    assert!(
        matches!(error, CallWorkerError::Start(StartWorkerError::Closed)),
        "{error:?}"
    );
    assert_eq!(registry.info().starting, 0);
}

#[tokio::test]
async fn a_registry_that_is_not_started_yet_says_so() {
    let world = World::new();
    let (child, registry) =
        WorkerRegistry::child("workers", RegistryConfig::default(), move |key: &String| {
            world.worker(key)
        })
        .unwrap();
    let error = registry.start_worker("a").await.unwrap_err();
    assert_eq!(error.to_string(), "the registry does not run");
    assert!(registry.lookup("a").is_none());
    assert_eq!(registry.info().starting, 0);
    let tree = Supervisor::new(Strategy::OneForOne).child(child);
    let tree = tree.start().await.unwrap();
    assert!(registry.start_worker("a").await.unwrap().is_new());
    tree.stop().await.unwrap();
}

#[tokio::test]
async fn its_workers_go_with_a_killed_supervisor_and_the_registry_works_again() {
    let world = World::new();
    let (tree, registry) = below_a_supervisor(&world).await;
    let mut workers = Vec::new();
    for key in ["a", "b", "c"] {
        workers.push(registry.start_worker(key).await.unwrap().into_server());
    }
    registry.supervisor_ref().pid().unwrap().kill();
    settle().await;
    assert!(workers.iter().all(|worker| !worker.is_alive()));
    assert!(registry.lookup("a").is_none());
    assert_eq!(world.alive(), 0);
    assert_nothing_left(&registry).await;

    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 0);
    assert!(registry.start_worker("b").await.unwrap().is_new());
    assert_eq!(registry.worker_count(), 2);
    tree.stop().await.unwrap();
}

#[tokio::test]
async fn who_waits_for_a_worker_outlives_the_restart_of_the_registry() {
    let world = World::new();
    let (tree, registry) = below_a_supervisor(&world).await;
    let waiting = tokio::spawn({
        let registry = registry.clone();
        async move { registry.wait_for("a").await }
    });
    settle().await;
    registry.supervisor_ref().pid().unwrap().kill();
    settle().await;
    assert!(!waiting.is_finished());
    let started = registry.start_worker("a").await.unwrap().into_server();
    assert_eq!(waiting.await.unwrap(), Some(started));
    tree.stop().await.unwrap();
    assert_eq!(registry.wait_for("b").await, None);
}

#[tokio::test]
async fn a_start_in_flight_is_told_that_the_supervisor_was_killed() {
    let world = World::with(|_, _| Init::Hang);
    let registry = world.registry(RegistryConfig::default()).await;
    let asking = tokio::spawn({
        let registry = registry.clone();
        async move { registry.start_worker("a").await }
    });
    settle().await;
    registry.supervisor_ref().pid().unwrap().kill();
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(error, StartWorkerError::Closed), "{error:?}");
    settle().await;
    assert_eq!((registry.info().starting, world.alive()), (0, 0));
}

#[tokio::test]
async fn a_registry_of_its_own_whose_supervisor_was_killed_has_ended() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    registry.start_worker("a").await.unwrap();
    let waiting = tokio::spawn({
        let registry = registry.clone();
        async move { registry.wait_for("b").await }
    });
    settle().await;
    registry.supervisor_ref().pid().unwrap().kill();
    assert_eq!(waiting.await.unwrap(), None);
    settle().await;
    assert_eq!((registry.worker_count(), world.alive()), (0, 0));
    let error = registry.start_worker("a").await.unwrap_err();
    assert!(matches!(error, StartWorkerError::Closed), "{error:?}");
    assert!(registry.stop_worker("a").await.is_err());
}

#[tokio::test]
async fn a_stop_in_flight_ends_with_the_supervisor() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    *world.farewell.lock().unwrap() = secs(3_600);
    registry.start_worker("a").await.unwrap();
    let stopping = tokio::spawn({
        let registry = registry.clone();
        async move { registry.stop_worker("a").await }
    });
    settle().await;
    registry.supervisor_ref().pid().unwrap().kill();
    assert_eq!(stopping.await.unwrap(), Ok(()));
    assert_eq!(world.alive(), 0);
}

#[tokio::test]
async fn the_end_of_a_runtime_leaves_a_registry_that_says_so() {
    let world = World::new();
    let registry = std::thread::spawn({
        let world = Arc::clone(&world);
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap();
            runtime.block_on(async {
                let registry = world.registry(RegistryConfig::default()).await;
                registry.start_worker("a").await.unwrap();
                registry
            })
        }
    })
    .join()
    .unwrap();
    assert_eq!((registry.worker_count(), world.alive()), (0, 0));
    assert!(registry.lookup("a").is_none());
    let error = registry.start_worker("a").await.unwrap_err();
    assert!(matches!(error, StartWorkerError::Closed), "{error:?}");
    assert_eq!(registry.wait_for("a").await, None);
}

#[tokio::test]
async fn the_supervisors_snapshot_shows_the_workers() {
    let registry = registry().await;
    registry.start_worker("a").await.unwrap();
    registry.start_worker("b").await.unwrap();
    let tree = registry.supervisor_ref().snapshot().await.unwrap();
    assert_eq!(&*tree.id, "registry");
    assert!(
        tree.children
            .iter()
            .all(|(child, _)| &*child.id == "worker")
    );
    assert_eq!(tree.children.len(), 2);
}
