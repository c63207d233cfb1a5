//! Waiting for a state: every version is looked at, and nobody is forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use patterns_agent::AgentError;
use testing::{ms, settle};

use crate::support::{agent, soon};

#[tokio::test]
async fn a_state_that_is_so_already_is_found_at_once() {
    let agent = agent(5).await;
    assert_eq!(agent.wait_for(|number| *number == 5).await.unwrap(), 1);
    let half = agent.wait_for_some(|number| (number % 2 == 1).then_some(number / 2));
    assert_eq!(half.await.unwrap(), 2);
}

#[tokio::test]
async fn a_state_that_is_so_for_one_version_in_ten_thousand_is_caught() {
    let agent = agent(0_u64).await;
    let waiting = agent.clone();
    let waiting = tokio::spawn(async move { waiting.wait_for(|number| *number == 7_777).await });
    settle().await;
    for _ in 0..10_000 {
        agent.cast(|number| *number += 1).unwrap();
    }
    assert_eq!(agent.get(|number| *number).await.unwrap(), 10_000);
    assert_eq!(soon(waiting).await.unwrap().unwrap(), 7_778);
}

#[tokio::test]
async fn a_predicate_sees_every_version_once_and_in_order_with_readers_or_without() {
    let agent = agent(0_u64).await;
    for with_reader in [false, true] {
        let reader = match with_reader {
            true => Some(agent.reader().await.unwrap()),
            false => None,
        };
        let start = agent.get(|number| *number).await.unwrap();
        let waiting = agent.clone();
        let waiting = tokio::spawn(async move {
            let mut seen = Vec::new();
            waiting
                .wait_for_some(move |number| {
                    seen.push(*number);
                    (*number == start + 100).then(|| seen.clone())
                })
                .await
        });
        settle().await;
        for _ in 0..100 {
            agent.cast(|number| *number += 1).unwrap();
        }
        let seen = soon(waiting).await.unwrap().unwrap();
        assert_eq!(seen, (start..=start + 100).collect::<Vec<_>>());
        drop(reader);
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_has_no_limit_of_its_own() {
    let agent = agent(0).await.with_timeout(ms(1));
    let waiting = tokio::time::timeout(Duration::from_secs(1_000_000), agent.wait_for(|n| *n > 0));
    assert!(waiting.await.is_err());
}

#[tokio::test]
async fn who_gave_up_is_looked_after_no_more() {
    let agent = agent(0).await;
    let ran = Arc::new(AtomicUsize::new(0));
    for _ in 0..1_000 {
        let ran = Arc::clone(&ran);
        let wait = agent.wait_for(move |_| {
            ran.fetch_add(1, Ordering::SeqCst);
            false
        });
        assert!(tokio::time::timeout(Duration::ZERO, wait).await.is_err());
        agent.get(|_| ()).await.unwrap();
    }
    // All of them saw the state when they came, and no version was made; yet most of them are gone.
    assert_eq!(ran.load(Ordering::SeqCst), 1_000);
    assert!(Arc::strong_count(&ran) < 20, "{}", Arc::strong_count(&ran));
    agent.update(|_| ()).await.unwrap();
    assert_eq!(
        (ran.load(Ordering::SeqCst), Arc::strong_count(&ran)),
        (1_000, 1)
    );
}

#[tokio::test]
async fn a_predicate_that_panics_is_told_to_its_caller_alone() {
    let agent = agent(0).await;
    let (bad, good) = (agent.clone(), agent.clone());
    let bad = tokio::spawn(async move {
        bad.wait_for(|number| {
            assert!(*number < 2, "bad predicate");
            false
        })
        .await
    });
    let good = tokio::spawn(async move { good.wait_for(|number| *number == 3).await });
    settle().await;
    for _ in 0..3 {
        agent.update(|number| *number += 1).await.unwrap();
    }
    let told = soon(bad).await.unwrap().unwrap_err();
    assert!(matches!(told, AgentError::Panicked(message) if &*message == "bad predicate"));
    assert_eq!(soon(good).await.unwrap().unwrap(), 4);
    let at_once = agent.wait_for(|_| panic!("at once")).await.unwrap_err();
    assert!(matches!(at_once, AgentError::Panicked(_)));
}

#[tokio::test]
async fn who_waits_is_told_when_the_agent_ends() {
    let agent = agent(0).await;
    let waiting = agent.clone();
    let waiting = tokio::spawn(async move { waiting.wait_for(|number| *number > 0).await });
    settle().await;
    agent.stop().await.unwrap();
    let told = soon(waiting).await.unwrap();
    assert!(matches!(told, Err(AgentError::Exited(reason)) if reason.is_normal()));
}

#[tokio::test]
async fn a_predicate_may_take_a_snapshot() {
    let agent = agent(1).await;
    let reader = agent.reader().await.unwrap();
    let waiting = agent.clone();
    let waiting = tokio::spawn(async move {
        waiting
            .wait_for(move |number| *number == 2 && *reader.snapshot().unwrap() == 2)
            .await
    });
    settle().await;
    agent.update(|number| *number = 2).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), 2);
}
