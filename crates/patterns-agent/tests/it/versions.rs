//! Versions: how they are counted, compared and followed.

use std::task::{Context, Poll, Waker};

use patterns_agent::AgentError;
use testing::settle;

use crate::support::{agent, keep_busy, soon};

#[tokio::test]
async fn the_first_state_is_version_one_and_each_update_makes_one_more() {
    let agent = agent(0).await;
    assert_eq!(agent.version(), 1);
    agent.update(|_| ()).await.unwrap();
    agent.get_and_update(|_| ()).await.unwrap();
    agent
        .update_async(|state| async move { state })
        .await
        .unwrap();
    agent.get(|_| ()).await.unwrap();
    assert_eq!(agent.version(), 4);
}

#[tokio::test]
async fn an_update_of_the_version_it_expects_runs_and_of_another_one_does_not() {
    let agent = agent(10).await;
    let (version, seen) = agent.get_versioned(|number| *number).await.unwrap();
    assert_eq!((version, seen), (1, 10));
    let result = agent.compare_and_update(version, |number| {
        *number += 1;
        *number
    });
    assert_eq!(result.await.unwrap(), 11);
    let late = agent
        .compare_and_update(version, |number| *number = 0)
        .await;
    assert!(matches!(late, Err(AgentError::Conflict { current: 2 })));
    assert_eq!(agent.get(|number| *number).await.unwrap(), 11);
}

#[tokio::test]
async fn of_those_who_compare_with_one_version_exactly_one_wins() {
    let agent = agent(0).await;
    let release = keep_busy(&agent);
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move { agent.compare_and_update(2, |number| *number += 1).await })
        })
        .collect();
    settle().await;
    release.send(()).unwrap();
    let mut won = 0;
    for writer in writers {
        won += u32::from(writer.await.unwrap().is_ok());
    }
    assert_eq!((won, agent.get(|number| *number).await.unwrap()), (1, 1));
}

#[tokio::test]
async fn changed_returns_at_once_if_the_version_is_newer_already() {
    let agent = agent(0).await;
    assert_eq!(agent.changed(0).await.unwrap(), 1);
    let waiting = agent.clone();
    let waiting = tokio::spawn(async move { waiting.changed(1).await });
    settle().await;
    assert!(!waiting.is_finished());
    agent.update(|_| ()).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_reader_gets_the_latest_version_and_misses_those_before() {
    let agent = agent(0).await;
    let mut reader = agent.reader().await.unwrap();
    for number in 1..=5 {
        agent.update(move |state| *state = number).await.unwrap();
    }
    let change = soon(reader.recv()).await.unwrap();
    assert_eq!((change.version, *change.state), (6, 5));
    assert!(
        reader
            .poll_recv(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
}

#[tokio::test]
async fn a_reader_that_keeps_up_gets_every_version() {
    let agent = agent(0).await;
    let mut reader = agent.reader().await.unwrap();
    for version in 2..100 {
        agent.update(|state| *state += 1).await.unwrap();
        let change = soon(reader.recv()).await.unwrap();
        assert_eq!((change.version, *change.state), (version, version - 1));
    }
}

#[tokio::test]
async fn a_cloned_reader_has_seen_what_the_first_had() {
    let agent = agent(0).await;
    let mut reader = agent.reader().await.unwrap();
    agent.update(|state| *state = 1).await.unwrap();
    let mut other = reader.clone();
    assert_eq!(soon(reader.recv()).await.unwrap().version, 2);
    assert_eq!(other.recv().await.unwrap().version, 2);
    let mut late = other.clone();
    assert!(
        late.poll_recv(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
}

#[tokio::test]
async fn all_who_wait_for_a_version_are_woken() {
    let agent = agent(0).await;
    let reader = agent.reader().await.unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let mut reader = reader.clone();
            tokio::spawn(async move { soon(reader.recv()).await.unwrap().version })
        })
        .collect();
    settle().await;
    agent.update(|_| ()).await.unwrap();
    for waiting in waiting {
        assert_eq!(soon(waiting).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn polling_a_reader_makes_a_stream() {
    let agent = agent(0).await;
    let mut reader = agent.reader().await.unwrap();
    let cast = agent.clone();
    tokio::spawn(async move {
        for _ in 0..10 {
            cast.update(|number| *number += 1).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let mut last = 1;
    while last < 11 {
        let change = std::future::poll_fn(|cx| match reader.poll_recv(cx) {
            Poll::Ready(change) => Poll::Ready(change.unwrap()),
            Poll::Pending => Poll::Pending,
        });
        let change = change.await;
        assert!(change.version > last);
        last = change.version;
    }
}
