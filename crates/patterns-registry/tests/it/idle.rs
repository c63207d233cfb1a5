//! Workers that stop when they have nothing to do.

use std::sync::Arc;

use patterns_registry::RegistryConfig;
use testing::{ms, secs, settle};
use tokio::time::{Instant, sleep, sleep_until};

use crate::support::{Init, Msg, Workers, World, assert_nothing_left};

async fn idling(world: &Arc<World>) -> Workers {
    let config = RegistryConfig {
        idle_timeout: Some(secs(10)),
        ..RegistryConfig::default()
    };
    world.registry(config).await
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_stops_exactly_when_its_time_is_over() {
    let world = World::new();
    let registry = idling(&world).await;
    let begun = Instant::now();
    let worker = registry.start_worker("a").await.unwrap().into_server();
    sleep_until(begun + secs(10) - ms(1)).await;
    assert!(registry.lookup("a").is_some());
    sleep(ms(1)).await;
    settle().await;
    assert!(registry.lookup("a").is_none());
    assert!(!worker.is_alive());
    assert_nothing_left(&registry).await;
    // It ended in order, so it does not come back by itself.
    assert_eq!((world.made("a"), registry.info().restarted), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn whatever_is_handled_begins_the_time_anew() {
    let registry = idling(&World::new()).await;
    for _ in 0..5 {
        registry.cast("a", Msg::Add(1)).await.unwrap();
        sleep(secs(10) - ms(1)).await;
    }
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 5);
    sleep(secs(10) + ms(1)).await;
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_long_handler_is_not_idle() {
    let registry = idling(&World::new()).await;
    registry.cast("a", Msg::Work(secs(60))).await.unwrap();
    sleep(secs(69)).await;
    assert!(registry.lookup("a").is_some());
    sleep(secs(1)).await;
    settle().await;
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_never_stops_while_a_call_by_its_key_is_in_flight() {
    let world = World::new();
    let registry = idling(&world).await;
    let calling = tokio::spawn({
        let registry = registry.clone();
        async move { registry.call_timeout("a", Msg::Keep, secs(3_600)).await }
    });
    // The worker has nothing to do for so long, but owes a reply.
    sleep(secs(95)).await;
    let worker = registry.lookup("a").unwrap();
    worker.cast(Msg::Answer).unwrap();
    assert_eq!(calling.await.unwrap().unwrap(), 0);
    assert_eq!(world.made("a"), 1);
    sleep(secs(10) + ms(1)).await;
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_holds_the_worker_no_longer() {
    let registry = idling(&World::new()).await;
    let call = registry.call_timeout("a", Msg::Keep, secs(3_600));
    let given_up = tokio::time::timeout(secs(25), call).await;
    assert!(given_up.is_err());
    sleep(secs(10)).await;
    settle().await;
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn who_calls_at_the_very_moment_of_the_stop_gets_an_answer() {
    let world = World::new();
    let registry = idling(&world).await;
    for round in 1..100 {
        registry.cast("a", Msg::Add(round)).await.unwrap();
        sleep(secs(10)).await;
        // Either it still runs, or it has just stopped and a new one is started.
        registry.call("a", Msg::Total).await.unwrap();
    }
    assert!(world.made("a") >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_stops_for_being_idle_makes_way_for_the_next() {
    let world = World::new();
    let registry = idling(&world).await;
    *world.farewell.lock().unwrap() = secs(1);
    registry.start_worker("a").await.unwrap();
    sleep(secs(10) + ms(500)).await;
    assert_eq!((registry.lookup("a"), registry.info().stopping), (None, 1));
    let begun = Instant::now();
    assert!(registry.start_worker("a").await.unwrap().is_new());
    assert_eq!(begun.elapsed(), ms(500));
}

#[tokio::test(start_paused = true)]
async fn the_shortest_idle_time_lets_nobody_down() {
    let config = RegistryConfig {
        idle_timeout: Some(std::time::Duration::from_nanos(1)),
        ..RegistryConfig::default()
    };
    let world = World::new();
    let registry = world.registry(config).await;
    for _ in 0..50 {
        registry.cast("a", Msg::Add(1)).await.unwrap();
        registry.call("a", Msg::Total).await.unwrap();
        registry.start_worker("a").await.unwrap();
        sleep(ms(5)).await;
        assert!(registry.lookup("a").is_none());
    }
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn a_restarted_worker_stops_when_it_is_idle_too() {
    let registry = idling(&World::new()).await;
    registry.start_worker("a").await.unwrap();
    sleep(secs(9)).await;
    registry.crash_worker("a").unwrap();
    sleep(secs(9)).await;
    assert!(registry.lookup("a").is_some());
    sleep(secs(1)).await;
    settle().await;
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_long_init_is_not_idle() {
    let world = World::with(|_, _| Init::Take(secs(30)));
    let registry = idling(&world).await;
    registry
        .call_timeout("a", Msg::Total, secs(60))
        .await
        .unwrap();
    sleep(secs(9)).await;
    assert!(registry.lookup("a").is_some());
}
