//! Views: a projection that is always up to date.

use std::sync::Arc;

use patterns_agent::{AgentConfig, AgentError, View};
use testing::settle;

use crate::support::{agent, soon};

#[tokio::test]
async fn a_view_is_up_to_date_when_the_call_that_made_the_change_returns() {
    let agent = agent((0, "same")).await;
    let view: View<i32> = agent.view(|(number, _)| *number).await.unwrap();
    for number in 1..=100 {
        agent.update(move |state| state.0 = number).await.unwrap();
        assert_eq!(*view.get(), number);
    }
}

#[tokio::test]
async fn only_a_result_that_differs_is_a_change() {
    let agent = agent(1_u32).await;
    let mut even = agent.view(|number| number % 2 == 0).await.unwrap();
    let waiting = tokio::spawn(async move {
        let change = even.recv().await;
        (even, change)
    });
    settle().await;
    agent.update(|number| *number = 3).await.unwrap();
    settle().await;
    assert!(!waiting.is_finished(), "three is as odd as one");
    agent.update(|number| *number = 4).await.unwrap();
    let (even, change) = soon(waiting).await.unwrap();
    assert!(*change.unwrap() && *even.get());
}

#[tokio::test]
async fn who_reads_slowly_gets_the_latest_and_a_clone_has_seen_the_same() {
    let agent = agent(0).await;
    let mut view = agent.view(|number| *number).await.unwrap();
    let mut other = view.clone();
    for number in 1..=5 {
        agent.update(move |state| *state = number).await.unwrap();
    }
    assert_eq!(
        (
            *soon(view.recv()).await.unwrap(),
            *other.recv().await.unwrap()
        ),
        (5, 5)
    );
    agent.stop().await.unwrap();
    assert!(matches!(soon(view.recv()).await, Err(AgentError::NoProc)));
    assert_eq!(*view.get(), 5, "what was last");
}

#[tokio::test]
async fn a_projection_ends_with_the_last_view_of_it() {
    let agent = agent(0).await;
    let alive = Arc::new(());
    let kept = Arc::clone(&alive);
    let view = agent
        .view(move |number| {
            let _ = &kept;
            *number
        })
        .await
        .unwrap();
    let other = view.clone();
    drop(view);
    agent.update(|_| ()).await.unwrap();
    assert_eq!(Arc::strong_count(&alive), 2);
    drop(other);
    agent.update(|_| ()).await.unwrap();
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test]
async fn a_projection_that_panics_ends_its_view_and_does_the_agent_no_harm() {
    let agent = agent(0).await;
    let error = agent
        .view(|_| -> u8 { panic!("at once") })
        .await
        .unwrap_err();
    assert!(matches!(error, AgentError::Panicked(message) if &*message == "at once"));
    let mut view = agent
        .view(|number| {
            assert!(*number < 2, "two");
            *number
        })
        .await
        .unwrap();
    agent.update(|number| *number = 2).await.unwrap();
    let error = soon(view.recv()).await.unwrap_err();
    assert!(matches!(error, AgentError::Panicked(message) if &*message == "two"));
    assert_eq!((*view.get(), agent.info().panicked), (0, 0));
    assert_eq!(agent.get(|number| *number).await.unwrap(), 2);
}

#[tokio::test]
async fn a_comparison_that_panics_ends_the_view_too() {
    #[derive(Debug)]
    struct Odd(u32);
    impl PartialEq for Odd {
        fn eq(&self, other: &Self) -> bool {
            assert!(self.0 < 2, "cannot compare");
            self.0 == other.0
        }
    }
    let agent = agent(0).await;
    let mut view = agent.view(|number| Odd(*number)).await.unwrap();
    agent.update(|number| *number = 2).await.unwrap();
    let error = soon(view.recv()).await.unwrap_err();
    assert!(matches!(error, AgentError::Panicked(message) if &*message == "cannot compare"));
    assert_eq!(view.get().0, 0);
}

#[tokio::test]
async fn a_view_goes_on_over_a_restart() {
    use otp_core::{Strategy, Supervisor};
    let (child, agent) = patterns_agent::Agent::child("state", AgentConfig::default(), || 1);
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    let mut view = agent.view(|number| *number).await.unwrap();
    agent.update(|number| *number = 5).await.unwrap();
    assert_eq!(*soon(view.recv()).await.unwrap(), 5);
    agent.cast(|_| panic!("again")).unwrap();
    assert_eq!(
        *soon(view.recv()).await.unwrap(),
        1,
        "the first state of the next incarnation"
    );
    agent.update(|number| *number = 6).await.unwrap();
    assert_eq!(*soon(view.recv()).await.unwrap(), 6);
    tree.stop().await.unwrap();
    drop(tree);
    assert!(matches!(soon(view.recv()).await, Err(AgentError::NoProc)));
}
