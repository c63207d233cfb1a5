//! Validators: a state that is refused was never there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use patterns_agent::{Agent, AgentConfig, AgentError, OnPanic, StartError, Validator};
use testing::settle;

use crate::support::{fatal, harmless, soon};

fn below_ten() -> AgentConfig<u64> {
    AgentConfig {
        validator: Some(Validator::new(|number: &u64| {
            if *number < 10 {
                Ok(())
            } else {
                Err(format!("{number} is too much"))
            }
        })),
        ..AgentConfig::default()
    }
}

fn cause(error: &AgentError) -> String {
    match error {
        AgentError::Refused(cause) => cause.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_refused_state_is_seen_by_nobody() {
    let agent = Agent::start_with(below_ten(), || 1).await.unwrap();
    let mut reader = agent.reader().await.unwrap();
    let view = agent.view(|number| *number).await.unwrap();
    let seen = Arc::new(AtomicBool::new(false));
    let (waiting, saw) = (agent.clone(), Arc::clone(&seen));
    let waiting = tokio::spawn(async move {
        waiting
            .wait_for(move |number| {
                saw.fetch_or(*number >= 10, Ordering::SeqCst);
                *number == 3
            })
            .await
    });
    settle().await;

    let error = agent.update(|number| *number = 12).await.unwrap_err();
    assert_eq!(cause(&error), "12 is too much");
    let error = agent
        .get_and_update(|number| std::mem::replace(number, 13))
        .await;
    assert_eq!(cause(&error.unwrap_err()), "13 is too much");
    let error = agent.update_async(|_| async { 14 }).await.unwrap_err();
    assert_eq!(cause(&error), "14 is too much");
    let error = agent.compare_and_update(1, |number| *number = 15).await;
    assert_eq!(cause(&error.unwrap_err()), "15 is too much");
    agent.cast(|number| *number = 16).unwrap();

    assert_eq!(agent.get(|number| *number).await.unwrap(), 1);
    assert_eq!(
        (*reader.snapshot().unwrap(), *view.get(), agent.version()),
        (1, 1, 1)
    );
    assert_eq!((agent.info().refused, agent.info().panicked), (5, 0));
    agent.update(|number| *number = 3).await.unwrap();
    assert_eq!(
        (
            soon(reader.recv()).await.unwrap().version,
            soon(waiting).await.unwrap().unwrap()
        ),
        (2, 2)
    );
    assert!(!seen.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_agent_with_a_bad_first_state_does_not_start() {
    let error = Agent::start_with(below_ten(), || 99).await.unwrap_err();
    let StartError::Failed(reason) = error else {
        panic!("{error}");
    };
    assert_eq!(cause(reason.downcast_ref().unwrap()), "99 is too much");
}

#[tokio::test]
async fn a_validator_that_panics_counts_as_the_closure_that_did() {
    let validator = Validator::new(|number: &u64| -> Result<(), &str> {
        assert!(*number < 10, "bad validator");
        Ok(())
    });
    let config = AgentConfig {
        validator: Some(validator),
        ..AgentConfig::default()
    };
    let agent = Agent::start_with(config.clone(), || 1).await.unwrap();
    let error = agent.update(|number| *number = 10).await.unwrap_err();
    assert_eq!(fatal(error), "bad validator");

    let config = AgentConfig {
        on_panic: OnPanic::Restore(Clone::clone),
        ..config
    };
    let agent = Agent::start_with(config, || 1).await.unwrap();
    let error = agent.update(|number| *number = 10).await.unwrap_err();
    assert_eq!(harmless(error), "bad validator");
    assert_eq!(agent.get(|number| *number).await.unwrap(), 1);
}

#[tokio::test]
async fn a_validator_that_panics_at_the_start_fails_it() {
    let config = AgentConfig {
        validator: Some(Validator::new(|_: &u64| -> Result<(), &str> {
            panic!("no")
        })),
        ..AgentConfig::default()
    };
    let error = Agent::start_with(config, || 1).await.unwrap_err();
    assert!(matches!(error, StartError::Failed(reason) if reason.to_string().contains("no")));
}

#[tokio::test]
async fn an_error_of_any_type_can_refuse_and_is_the_cause() {
    let config = AgentConfig {
        validator: Some(Validator::new(|text: &String| {
            text.parse::<u16>().map(|_| ())
        })),
        ..AgentConfig::default()
    };
    let agent = Agent::start_with(config, || "80".to_owned()).await.unwrap();
    let error = agent.update(|text| text.push('x')).await.unwrap_err();
    let AgentError::Refused(cause) = error else {
        panic!("{error:?}");
    };
    assert!(cause.is::<std::num::ParseIntError>());
}
