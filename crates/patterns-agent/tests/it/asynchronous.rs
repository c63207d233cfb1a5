//! Updates that wait for something: one update like any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patterns_agent::AgentError;
use testing::{ms, secs, settle};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::support::{agent, keep_busy, soon};

#[tokio::test]
async fn it_returns_its_result_and_the_state_is_the_new_one() {
    let agent = agent(vec![1]).await;
    let before = agent
        .get_and_update_async(|mut list| async move {
            tokio::task::yield_now().await;
            let before = list.len();
            list.push(2);
            (before, list)
        })
        .await
        .unwrap();
    assert_eq!(
        (before, agent.get(Vec::len).await.unwrap(), agent.version()),
        (1, 2, 2)
    );
}

#[tokio::test]
async fn everything_else_waits_until_it_is_done_and_then_runs_in_order() {
    let agent = agent(Vec::new()).await;
    let reader = agent.reader().await.unwrap();
    let (release, released) = oneshot::channel::<u32>();
    let first = agent.clone();
    let first = tokio::spawn(async move {
        first
            .update_async(|mut list: Vec<u32>| async move {
                list.push(released.await.unwrap());
                list
            })
            .await
    });
    settle().await;
    agent.cast(|list| list.push(2)).unwrap();
    let read = agent.clone();
    let read = tokio::spawn(async move { read.get(Vec::clone).await });
    settle().await;
    assert!(!read.is_finished());
    assert!(
        reader.snapshot().unwrap().is_empty(),
        "readers see the state before"
    );
    release.send(1).unwrap();
    assert_eq!(soon(read).await.unwrap().unwrap(), [1, 2]);
    soon(first).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_is_done_to_its_end_when_its_caller_has_gone() {
    let agent = agent(0).await;
    let began = Instant::now();
    let hasty = agent.with_timeout(ms(200));
    let late = hasty.update_async(|number| async move {
        tokio::time::sleep(secs(2)).await;
        number + 1
    });
    assert!(matches!(late.await, Err(AgentError::Timeout)));
    assert_eq!(agent.get(|number| *number).await.unwrap(), 1);
    assert_eq!(began.elapsed(), secs(2));
}

#[tokio::test]
async fn its_work_runs_exactly_once() {
    let agent = agent(0).await;
    let begun = Arc::new(AtomicUsize::new(0));
    for _ in 0..50 {
        let begun = Arc::clone(&begun);
        agent
            .update_async(move |number| {
                begun.fetch_add(1, Ordering::SeqCst);
                async move { number + 1 }
            })
            .await
            .unwrap();
    }
    assert_eq!(begun.load(Ordering::SeqCst), 50);
    assert_eq!(agent.get(|number| *number).await.unwrap(), 50);
}

#[tokio::test]
async fn a_kill_ends_it_and_its_caller_is_told() {
    let agent = agent(0).await;
    let waiting = agent.clone();
    let waiting = tokio::spawn(async move {
        waiting
            .update_async(|_| std::future::pending::<i32>())
            .await
    });
    settle().await;
    agent.pid().unwrap().kill();
    let told = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!(
        told.to_string(),
        "the agent ended before it answered: killed"
    );
}

#[tokio::test]
async fn a_stop_waits_for_it() {
    let agent = agent(0).await;
    let release = keep_busy(&agent);
    let stopping = agent.clone();
    let stopping = tokio::spawn(async move { stopping.stop().await });
    settle().await;
    assert!(!stopping.is_finished());
    release.send(()).unwrap();
    soon(stopping).await.unwrap().unwrap();
}
