//! Waiting for a worker that somebody else starts.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use patterns_registry::RegistryConfig;
use testing::{secs, settle};

use crate::support::{Init, Workers, World, registry};

fn is_pending(future: std::pin::Pin<&mut impl Future>) -> bool {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

#[tokio::test]
async fn who_waits_for_a_key_gets_its_worker_and_starts_none() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let mut waiting = pin!(registry.wait_for("a"));
    assert!(is_pending(waiting.as_mut()));
    registry.start_worker("b").await.unwrap();
    assert!(is_pending(waiting.as_mut()));
    assert_eq!(world.made("a"), 0);
    let started = registry.start_worker("a").await.unwrap().into_server();
    assert_eq!(waiting.await, Some(started.clone()));
    // One that is there is not waited for.
    let mut there = pin!(registry.wait_for("a"));
    let polled = there.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(Some(started)));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_has_not_started_yet_is_waited_for() {
    let world = World::with(|_, _| Init::Take(secs(1)));
    let registry = world.registry(RegistryConfig::default()).await;
    let begun = tokio::time::Instant::now();
    let (found, started) = tokio::join!(registry.wait_for("a"), registry.start_worker("a"));
    assert_eq!(found, Some(started.unwrap().into_server()));
    assert_eq!(begun.elapsed(), secs(1));
}

#[tokio::test]
async fn many_wait_for_many_keys_and_each_gets_its_own() {
    let registry = registry().await;
    let waiting: Vec<_> = (0..100)
        .map(|number| {
            let registry: Workers = registry.clone();
            tokio::spawn(async move { registry.wait_for(&number.to_string()).await })
        })
        .collect();
    settle().await;
    for number in 0..100 {
        registry.start_worker(&number.to_string()).await.unwrap();
    }
    for (number, waited) in waiting.into_iter().enumerate() {
        assert_eq!(waited.await.unwrap(), registry.lookup(&number.to_string()));
    }
}

#[tokio::test]
async fn nobody_waits_for_a_registry_that_has_ended() {
    let registry = registry().await;
    let waiting = tokio::spawn({
        let registry = registry.clone();
        async move { registry.wait_for("a").await }
    });
    settle().await;
    registry.stop().await.unwrap();
    assert_eq!(waiting.await.unwrap(), None);
    assert_eq!(registry.wait_for("b").await, None);
}
