//! The counter.

use patterns_agent::{AgentConfig, AgentError, Counter, Validator};
use testing::settle;

use crate::support::soon;

#[tokio::test]
async fn it_begins_where_it_is_told_to() {
    assert_eq!(Counter::start(0).await.unwrap().get().await.unwrap(), 0);
    assert_eq!(Counter::start(-5).await.unwrap().get().await.unwrap(), -5);
}

#[tokio::test]
async fn counting_returns_the_new_number_and_setting_the_previous_one() {
    let counter = Counter::start(10).await.unwrap();
    assert_eq!(counter.increment().await.unwrap(), 11);
    assert_eq!(counter.decrement().await.unwrap(), 10);
    assert_eq!(counter.add(5).await.unwrap(), 15);
    assert_eq!(counter.add(-20).await.unwrap(), -5);
    assert_eq!(counter.set(100).await.unwrap(), -5);
    assert_eq!(counter.reset().await.unwrap(), 100);
    assert_eq!(counter.get().await.unwrap(), 0, "not where it began");
}

#[tokio::test]
async fn counting_without_waiting_is_seen_by_the_next_read() {
    let counter = Counter::start(0).await.unwrap();
    counter.cast_increment().unwrap();
    counter.cast_add(10).unwrap();
    counter.cast_add(-4).unwrap();
    assert_eq!(counter.get().await.unwrap(), 7);
}

#[tokio::test]
async fn it_stops_at_its_bounds_and_never_wraps() {
    let counter = Counter::start(i64::MAX - 1).await.unwrap();
    assert_eq!(counter.increment().await.unwrap(), i64::MAX);
    assert_eq!(counter.increment().await.unwrap(), i64::MAX);
    assert_eq!(counter.add(i64::MAX).await.unwrap(), i64::MAX);
    counter.cast_increment().unwrap();
    counter.cast_add(5).unwrap();
    assert_eq!(counter.get().await.unwrap(), i64::MAX);
    counter.set(i64::MIN).await.unwrap();
    assert_eq!(counter.decrement().await.unwrap(), i64::MIN);
    counter.cast_add(i64::MIN).unwrap();
    assert_eq!(counter.get().await.unwrap(), i64::MIN);
}

#[tokio::test]
async fn a_hundred_concurrent_increments_are_all_there() {
    let counter = Counter::start(0).await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move { counter.increment().await.unwrap() })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(
        seen,
        (1..=100).collect::<Vec<_>>(),
        "each got a number of its own"
    );
}

#[tokio::test]
async fn a_validator_keeps_it_within_bounds_of_ones_own() {
    let config = AgentConfig {
        validator: Some(Validator::new(|number: &i64| {
            if *number >= 0 {
                Ok(())
            } else {
                Err("below zero")
            }
        })),
        ..AgentConfig::default()
    };
    let counter = Counter::start_with(config, 1).await.unwrap();
    assert_eq!(counter.decrement().await.unwrap(), 0);
    assert!(matches!(
        counter.decrement().await,
        Err(AgentError::Refused(_))
    ));
    assert_eq!(counter.get().await.unwrap(), 0);
}

#[tokio::test]
async fn its_agent_can_be_waited_for() {
    let counter = Counter::start(0).await.unwrap();
    let waiting = counter.agent().clone();
    let waiting = tokio::spawn(async move { waiting.wait_for(|number| *number == 3).await });
    settle().await;
    for _ in 0..5 {
        counter.increment().await.unwrap();
    }
    assert_eq!(soon(waiting).await.unwrap().unwrap(), 4);
}
