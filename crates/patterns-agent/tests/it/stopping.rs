//! The beginning and the end of an agent, and what a closed handle does.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use patterns_agent::{Agent, AgentError, StartError, StopError};
use testing::{at_each_await, polled, settle};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::support::{agent, keep_busy, soon};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_start_without_a_runtime_is_an_error() {
    let Poll::Ready(result) = poll_once(Agent::start(|| 0)) else {
        panic!("it waits for a runtime that is not there");
    };
    assert!(matches!(result, Err(StartError::NoRuntime)));
}

#[tokio::test]
async fn every_operation_on_a_closed_handle_has_its_result() {
    let agent = agent(1).await;
    let mut reader = agent.reader().await.unwrap();
    let mut view = agent.view(|number| *number).await.unwrap();
    agent.update(|number| *number = 2).await.unwrap();
    agent.stop().await.unwrap();

    let no_proc = |outcome: Result<(), AgentError>| matches!(outcome, Err(AgentError::NoProc));
    assert!(no_proc(agent.get(|_| ()).await));
    assert!(no_proc(agent.get_versioned(|_| ()).await.map(|_| ())));
    assert!(no_proc(agent.update(|_| ()).await));
    assert!(no_proc(agent.get_and_update(|_| ()).await));
    assert!(no_proc(agent.compare_and_update(1, |_| ()).await));
    assert!(no_proc(
        agent.update_async(|state| async move { state }).await
    ));
    assert!(no_proc(agent.cast(|_| ())));
    assert!(no_proc(agent.cast_wait(|_| ()).await));
    assert!(no_proc(agent.wait_for(|_| true).await.map(|_| ())));
    assert!(no_proc(agent.changed(0).await.map(|_| ())));
    assert!(no_proc(agent.view(|_| ()).await.map(|_| ())));
    assert!(no_proc(agent.reader().await.map(|_| ())));
    assert!(no_proc(reader.snapshot().map(|_| ())));
    assert!(no_proc(reader.latest().map(|_| ())));
    assert!(no_proc(soon(reader.recv()).await.map(|_| ())));
    assert_eq!(
        *soon(view.recv()).await.unwrap(),
        2,
        "a change that was not read yet"
    );
    assert!(no_proc(soon(view.recv()).await.map(|_| ())));
    assert!(matches!(agent.stop().await, Err(StopError::NoProc)));
    assert!(agent.pid().is_none() && !agent.is_alive());
    assert_eq!((agent.version(), reader.version(), *view.get()), (2, 2, 2));
    assert_eq!(agent.info().state, patterns_agent::ServerState::Ended);
}

#[tokio::test]
async fn a_stop_lets_what_was_sent_before_be_done() {
    let agent = agent(0).await;
    let view = agent.view(|number| *number).await.unwrap();
    for _ in 0..100 {
        agent.cast(|number| *number += 1).unwrap();
    }
    agent.stop().await.unwrap();
    assert_eq!(*view.get(), 100);
}

#[tokio::test]
async fn the_last_handle_takes_the_state_with_it_and_readers_keep_it_not() {
    let alive = Arc::new(());
    let agent = agent(Arc::clone(&alive)).await;
    let mut reader = agent.reader().await.unwrap();
    let other = agent.clone();
    drop(agent);
    settle().await;
    assert!(other.is_alive());
    drop(other);
    assert!(matches!(soon(reader.recv()).await, Err(AgentError::NoProc)));
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test]
async fn a_snapshot_that_is_held_outlives_the_agent() {
    let agent = agent(String::from("kept")).await;
    let held = agent.reader().await.unwrap().snapshot().unwrap();
    agent.stop().await.unwrap();
    assert_eq!((held.as_str(), Arc::strong_count(&held)), ("kept", 1));
}

#[tokio::test]
async fn a_state_is_gone_when_the_stop_returns() {
    let alive = Arc::new(());
    let agent = agent(Arc::clone(&alive)).await;
    agent.stop().await.unwrap();
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test]
async fn those_who_wait_behind_a_crash_are_told_why() {
    let agent = agent(0).await;
    let release = keep_busy(&agent);
    agent.cast(|_| panic!("crash")).unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move { agent.update(|_| ()).await.unwrap_err().to_string() })
        })
        .collect();
    settle().await;
    release.send(()).unwrap();
    for waiting in waiting {
        let told = soon(waiting).await.unwrap();
        assert_eq!(told, "the agent ended before it answered: panicked: crash");
    }
}

#[test]
fn an_agent_whose_runtime_is_dropped_is_closed() {
    let first = runtime();
    let agent = first.block_on(agent(1));
    let mut reader = first.block_on(agent.reader()).unwrap();
    drop(first);
    runtime().block_on(async {
        assert!(matches!(
            agent.get(|_| ()).await,
            Err(AgentError::NoProc | AgentError::Exited(_))
        ));
        assert!(matches!(soon(reader.recv()).await, Err(AgentError::NoProc)));
    });
    assert!(matches!(reader.snapshot(), Err(AgentError::NoProc)));
}

#[tokio::test]
async fn a_start_that_is_dropped_at_any_await_leaves_no_process() {
    at_each_await(async |polls| {
        let mut done = false;
        for _ in 0..20 {
            done = polled(Agent::start(|| 0), polls).await;
        }
        settle().await;
        assert!(Handle::current().metrics().num_alive_tasks() <= 2);
        done
    })
    .await;
}

#[test]
fn handles_can_be_shared_and_sent_and_so_can_their_futures() {
    fn check<T: Send + Sync + Unpin + 'static>(_: &T) {}
    fn check_future<T: Send>(_: T) {}
    let runtime = runtime();
    let agent = runtime.block_on(agent(0));
    check(&agent);
    check_future(agent.get(|_| ()));
    check_future(agent.update(|_| ()));
    check_future(agent.update_async(|state| async move { state }));
    check_future(agent.wait_for(|_| true));
    check_future(agent.changed(0));
    check_future(agent.reader());
    check_future(agent.view(|number| *number));
    check_future(agent.cast_wait(|_| ()));
    check_future(agent.stop());
    check_future(Agent::start(|| 0));
}
