//! The four operations: what they return, in which order they run, how long they wait.

use std::num::NonZeroUsize;
use std::time::Duration;

use patterns_agent::{Agent, AgentConfig, AgentError};
use testing::{ms, secs, settle};
use tokio::time::Instant;

use crate::support::{agent, keep_busy, soon};

#[tokio::test]
async fn each_operation_returns_what_its_closure_makes() {
    let agent = agent(vec![1, 2]).await;
    assert_eq!(agent.get(Vec::len).await.unwrap(), 2);
    agent.update(|list| list.push(3)).await.unwrap();
    assert_eq!(agent.get_and_update(Vec::pop).await.unwrap(), Some(3));
    agent.cast(Vec::clear).unwrap();
    assert!(agent.get(Vec::is_empty).await.unwrap());
}

#[tokio::test]
async fn a_state_need_not_be_cloneable() {
    struct Only(u32);
    let agent = agent(Only(1)).await;
    agent.update(|only| only.0 += 1).await.unwrap();
    assert_eq!(agent.get(|only| only.0).await.unwrap(), 2);
}

#[tokio::test]
async fn closures_run_in_the_order_in_which_they_were_sent() {
    let agent = agent(Vec::new()).await;
    let release = keep_busy(&agent);
    for number in 0..100 {
        agent
            .cast(move |list: &mut Vec<_>| list.push(number))
            .unwrap();
    }
    release.send(()).unwrap();
    let list = agent.get_and_update(std::mem::take).await.unwrap();
    assert_eq!(list, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_read_sees_the_readers_own_casts() {
    let agent = agent(0).await;
    for round in 1..=1_000 {
        agent.cast(|number| *number += 1).unwrap();
        assert_eq!(agent.get(|number| *number).await.unwrap(), round);
    }
}

#[tokio::test]
async fn an_agent_runs_one_closure_at_a_time_and_each_of_them_whole() {
    let agent = agent((0_u64, 0_u64)).await;
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move {
                for _ in 0..200 {
                    agent
                        .update(|(left, right)| {
                            *left += 1;
                            *right += 1;
                        })
                        .await
                        .unwrap();
                    assert!(agent.get(|(left, right)| left == right).await.unwrap());
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(agent.get(|state| *state).await.unwrap(), (800, 800));
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_five_seconds_and_its_update_still_takes_effect() {
    let agent = agent(0).await;
    let release = keep_busy(&agent);
    let began = Instant::now();
    let late = agent.update(|number| *number += 1).await;
    assert!(matches!(late, Err(AgentError::Timeout)));
    assert!((secs(5)..=ms(5_020)).contains(&began.elapsed()));
    release.send(()).unwrap();
    assert_eq!(agent.get(|number| *number).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_can_have_a_time_out_of_its_own() {
    let agent = agent(0).await;
    let _release = keep_busy(&agent);
    for timeout in [Duration::ZERO, ms(30), secs(60)] {
        let began = Instant::now();
        let late = agent.with_timeout(timeout).get(|number| *number).await;
        assert!(matches!(late, Err(AgentError::Timeout)), "{timeout:?}");
        assert!(
            (timeout..=timeout + ms(20)).contains(&began.elapsed()),
            "{timeout:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_limit_waits_until_its_turn_comes() {
    let agent = agent(7).await;
    let release = keep_busy(&agent);
    let patient = agent.with_timeout(Duration::MAX);
    let read = tokio::spawn(async move { patient.get(|number| *number).await });
    tokio::time::sleep(secs(1_000_000)).await;
    assert!(!read.is_finished());
    release.send(()).unwrap();
    assert_eq!(soon(read).await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn a_full_mailbox_refuses_casts_and_has_all_else_wait() {
    let config = AgentConfig {
        mailbox_capacity: NonZeroUsize::new(1),
        ..AgentConfig::default()
    };
    let agent = Agent::start_with(config, || 0).await.unwrap();
    let release = keep_busy(&agent);
    settle().await;
    agent.cast(|number| *number += 1).unwrap();
    assert!(matches!(
        agent.cast(|number| *number += 10),
        Err(AgentError::Full)
    ));

    let (waiting, calling) = (agent.clone(), agent.clone());
    let waiting = tokio::spawn(async move { waiting.cast_wait(|number| *number += 100).await });
    let calling = tokio::spawn(async move { calling.update(|number| *number += 1_000).await });
    settle().await;
    assert!(!waiting.is_finished() && !calling.is_finished());
    assert_eq!(agent.info().waiting, 1);
    release.send(()).unwrap();
    soon(waiting).await.unwrap().unwrap();
    soon(calling).await.unwrap().unwrap();
    assert_eq!(agent.get(|number| *number).await.unwrap(), 1_101);
}

#[tokio::test]
async fn an_agent_that_is_asked_by_its_own_update_says_so_at_once() {
    let agent = agent(0).await;
    let own = agent.clone();
    let told = agent
        .get_and_update_async(move |state| async move { (own.get(|number| *number).await, state) })
        .await
        .unwrap();
    assert!(matches!(told, Err(AgentError::CallingSelf)));
}

#[tokio::test]
async fn agents_that_ask_each_other_in_a_circle_are_told() {
    let (left, right) = (agent(0).await, agent(0).await);
    let (to_right, to_left) = (right.clone(), left.clone());
    let answer = left
        .get_and_update_async(move |state| async move {
            let inner = to_right
                .get_and_update_async(move |state| async move {
                    (to_left.get(|number| *number).await, state)
                })
                .await;
            (inner, state)
        })
        .await
        .unwrap()
        .unwrap();
    let Err(AgentError::Deadlock { cycle }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(cycle.len(), 2);
}

#[tokio::test]
async fn info_agrees_with_what_happened() {
    let agent = Agent::start_with(
        AgentConfig {
            name: Some("the one".into()),
            ..AgentConfig::default()
        },
        || 0,
    )
    .await
    .unwrap();
    for _ in 0..3 {
        agent.update(|number| *number += 1).await.unwrap();
    }
    settle().await;
    let info = agent.info();
    assert_eq!(info.name.as_deref(), Some("the one"));
    assert_eq!((info.version, info.handled, info.waiting), (4, 3, 0));
    assert_eq!((info.panicked, info.refused), (0, 0));
    assert_eq!(info.state, patterns_agent::ServerState::Idle);
}
