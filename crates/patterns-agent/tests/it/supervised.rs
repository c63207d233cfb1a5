//! Agents below a supervisor: named, started anew, with handles that stay valid.

use otp_core::{Child, Strategy, Supervisor, SupervisorRef};
use patterns_agent::{Agent, AgentConfig, AgentError, Statistics, StatisticsConfig};
use testing::settle;

use crate::support::{fatal, soon};

async fn tree<M: Send + 'static>(child: Child<M>) -> SupervisorRef {
    let supervisor = Supervisor::new(Strategy::OneForOne).child(child);
    supervisor.start().await.unwrap()
}

#[tokio::test]
async fn a_handle_is_valid_before_the_start_and_after_each_restart() {
    let (child, agent) = Agent::child("numbers", AgentConfig::default(), || vec![1]);
    assert!(!agent.is_alive());
    assert_eq!(agent.version(), 0);
    agent.cast(|list| list.push(2)).unwrap();
    let tree = tree(child).await;
    assert_eq!(
        agent.get(Vec::len).await.unwrap(),
        2,
        "what was sent before waited for it"
    );

    let error = agent.update(|_| panic!("crash")).await.unwrap_err();
    assert_eq!(fatal(error), "crash");
    assert_eq!(agent.get(Vec::clone).await.unwrap(), [1], "it begins anew");
    tree.stop().await.unwrap();
    assert!(agent.get(Vec::len).await.is_err());
}

#[tokio::test]
async fn versions_go_on_over_a_restart_so_that_none_is_used_twice() {
    let (child, agent) = Agent::child("number", AgentConfig::default(), || 0);
    let _tree = tree(child).await;
    let mut reader = agent.reader().await.unwrap();
    agent.update(|number| *number = 1).await.unwrap();
    let (seen, _) = agent.get_versioned(|_| ()).await.unwrap();
    agent.cast(|_| panic!("crash")).unwrap();
    let late = agent.compare_and_update(seen, |number| *number = 2).await;
    assert!(
        matches!(late, Err(AgentError::Conflict { current: 3 })),
        "{late:?}"
    );
    let change = soon(reader.recv()).await.unwrap();
    assert_eq!((change.version, *change.state), (3, 0));
    agent.update(|number| *number = 9).await.unwrap();
    let change = soon(reader.recv()).await.unwrap();
    assert_eq!(
        (change.version, *change.state),
        (4, 9),
        "the reader outlives the incarnation"
    );
}

#[tokio::test]
async fn a_reader_waits_over_a_stop_and_is_told_when_the_child_is_deleted() {
    let (child, agent) = Agent::child("number", AgentConfig::default(), || 0);
    let tree = tree(child).await;
    let reader = agent.reader().await.unwrap();
    let mut waiting = reader.clone();
    let waiting = tokio::spawn(async move { waiting.recv().await });
    tree.terminate_child("number").await.unwrap();
    settle().await;
    assert!(!waiting.is_finished(), "it may be started again");
    assert!(matches!(reader.snapshot(), Err(AgentError::NoProc)));
    tree.restart_child("number").await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap().version, 2);

    let mut waiting = reader.clone();
    waiting.recv().await.unwrap();
    let waiting = tokio::spawn(async move { waiting.recv().await });
    settle().await;
    tree.terminate_child("number").await.unwrap();
    tree.delete_child("number").await.unwrap();
    assert!(matches!(
        soon(waiting).await.unwrap(),
        Err(AgentError::NoProc)
    ));
}

#[tokio::test]
async fn statistics_can_be_a_child_and_begin_anew() {
    let (child, stats) = Statistics::child("stats", StatisticsConfig::default());
    let tree = tree(child).await;
    stats.increment("hits").await.unwrap();
    tree.terminate_child("stats").await.unwrap();
    assert!(matches!(stats.get("hits").await, Err(AgentError::NoProc)));
    tree.restart_child("stats").await.unwrap();
    assert_eq!(stats.get("hits").await.unwrap(), None);
    tree.stop().await.unwrap();
}
