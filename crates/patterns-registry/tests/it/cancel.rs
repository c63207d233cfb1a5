//! Every future of the registry, dropped at each of its `.await`s.

use std::future::Future;

use patterns_registry::{RegistryConfig, StopWorkerError, WorkerRegistry};
use testing::{advance, at_each_await, ms, polled, polled_after, quiet, secs, settle};

use crate::support::{Init, Msg, Workers, World, assert_nothing_left};

/// Drops `make`'s future after ever more polls until one is done, with some time going by in between. After each the registry works, one
/// worker at most was there at any time, and when it is stopped nothing is left.
async fn dropped_at_each_await<F, T>(prepare: impl AsyncFn(&Workers), make: impl Fn(Workers) -> F)
where
    F: Future<Output = T>,
{
    quiet();
    at_each_await(async |times| {
        let world = World::with(|_, _| Init::Take(secs(1)));
        let registry = world.registry(RegistryConfig::default()).await;
        prepare(&registry).await;
        let work = make(registry.clone());
        let done = polled_after(work, times, async || advance(ms(100)).await).await;
        settle().await;
        registry
            .call_timeout("a", Msg::Total, secs(60))
            .await
            .unwrap();
        registry.stop_worker("a").await.unwrap();
        assert_nothing_left(&registry).await;
        assert!(!world.overlapped.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!(world.alive(), 0);
        done
    })
    .await;
}

async fn nothing(_: &Workers) {}

async fn started(registry: &Workers) {
    registry.start_worker("a").await.unwrap();
}

async fn crashed(registry: &Workers) {
    started(registry).await;
    registry.crash_worker("a").unwrap();
    settle().await;
}

async fn stopping(registry: &Workers) {
    started(registry).await;
    assert!(!polled(registry.stop_worker("a"), 1).await);
}

#[tokio::test(start_paused = true)]
async fn a_start_can_be_given_up_at_any_time() {
    for prepare in ["nothing", "started", "crashed", "stopping"] {
        dropped_at_each_await(
            async |registry| prepared(prepare, registry).await,
            |registry| async move { registry.start_worker("a").await.is_ok() },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_given_up_at_any_time() {
    for prepare in ["nothing", "started", "crashed", "stopping"] {
        dropped_at_each_await(
            async |registry| prepared(prepare, registry).await,
            |registry| async move { registry.call("a", Msg::Total).await.is_ok() },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cast_can_be_given_up_at_any_time() {
    for prepare in ["nothing", "started", "crashed", "stopping"] {
        dropped_at_each_await(
            async |registry| prepared(prepare, registry).await,
            |registry| async move { registry.cast("a", Msg::Add(1)).await.is_ok() },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_can_be_given_up_at_any_time() {
    for prepare in ["started", "crashed", "stopping"] {
        dropped_at_each_await(
            async |registry| prepared(prepare, registry).await,
            |registry| async move { registry.stop_worker("a").await.is_ok() },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_can_be_given_up_at_any_time() {
    for prepare in ["nothing", "started", "crashed", "stopping"] {
        dropped_at_each_await(
            async |registry| {
                prepared(prepare, registry).await;
                // It waits for what somebody else starts.
                let registry = registry.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(ms(150)).await;
                    registry.start_worker("a").await.is_ok()
                });
            },
            |registry| async move { registry.wait_for("a").await.is_some() },
        )
        .await;
    }
}

async fn prepared(how: &str, registry: &Workers) {
    match how {
        "started" => started(registry).await,
        "crashed" => crashed(registry).await,
        "stopping" => stopping(registry).await,
        _ => nothing(registry).await,
    }
}

#[tokio::test]
async fn the_start_of_a_registry_that_is_given_up_leaves_nothing() {
    at_each_await(async |times| {
        let world = World::new();
        let made = std::sync::Arc::clone(&world);
        let config = RegistryConfig::default();
        let start = WorkerRegistry::start(config, move |key: &String| made.worker(key));
        let done = polled(start, times).await;
        settle().await;
        // The factory went with it.
        assert_eq!(std::sync::Arc::strong_count(&world), 1, "{times}");
        done
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_stop_of_a_registry_that_is_given_up_goes_on() {
    at_each_await(async |times| {
        let world = World::new();
        let registry = world.registry(RegistryConfig::default()).await;
        registry.start_worker("a").await.unwrap();
        // Without a single poll nobody has been asked.
        let done = polled(registry.stop(), times + 1).await;
        settle().await;
        assert_eq!(world.alive(), 0);
        assert_eq!(
            registry.stop_worker("a").await,
            Err(StopWorkerError::NotFound)
        );
        done
    })
    .await;
}
