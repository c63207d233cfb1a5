//! The texts that people read.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::sync::Arc;

use patterns_agent::{
    AgentConfig, AgentError, ConfigStore, Counter, ExitReason, OnPanic, Statistics, Validator,
};

use crate::support::agent;

#[tokio::test]
async fn errors_say_what_happened() {
    let pid = agent(0).await.pid().unwrap();
    let refused: Box<dyn Error + Send + Sync> = "port 0".into();
    let errors = [
        AgentError::Timeout,
        AgentError::NoProc,
        AgentError::Full,
        AgentError::Exited(ExitReason::Killed),
        AgentError::Panicked("index out of bounds".into()),
        AgentError::Refused(refused.into()),
        AgentError::Conflict { current: 7 },
        AgentError::CallingSelf,
    ];
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
    no answer in time
    the agent is not running
    the agent's mailbox is full
    the agent ended before it answered: killed
    the closure panicked and changed nothing: index out of bounds
    the new state was refused: port 0
    the state is of version 7 by now
    a closure in the agent cannot ask the agent itself
    "#);
    let deadlock = AgentError::Deadlock {
        cycle: [pid].into(),
    };
    let text = deadlock.to_string();
    assert!(
        text.starts_with("processes wait for each other in a circle: "),
        "{text}"
    );
    assert!(errors.iter().all(|error| error.source().is_none()));
    let timeouts = errors.iter().filter(|error| error.is_timeout());
    assert_eq!(timeouts.count(), 1);
}

/// An error whose cause is another one.
#[derive(Debug)]
struct Above(ParseIntError);

impl fmt::Display for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the port is no number")
    }
}

impl Error for Above {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_printed_as_a_chain_says_nothing_twice() {
    let above = || Above("x".parse::<u16>().unwrap_err());
    for error in [
        AgentError::Refused(Arc::new(above())),
        AgentError::Exited(above().into()),
    ] {
        assert!(error.to_string().ends_with(": the port is no number"));
        assert!(error.source().unwrap().is::<ParseIntError>());
    }
}

#[tokio::test]
async fn debug_shows_no_state() {
    let agent = agent("secret").await;
    let reader = agent.reader().await.unwrap();
    let view = agent.view(|text| text.len()).await.unwrap();
    let config = AgentConfig::<u8> {
        name: Some("config".into()),
        validator: Some(Validator::new(|_| Ok::<_, &str>(()))),
        on_panic: OnPanic::Restore(Clone::clone),
        ..AgentConfig::default()
    };
    let store = ConfigStore::start([("key", "secret")]).await.unwrap();
    let stats = Statistics::start().await.unwrap();
    let counter = Counter::start(5).await.unwrap();
    let texts = [
        format!("{agent:?}"),
        format!("{reader:?}"),
        format!("{view:?}"),
        format!("{config:?}"),
        format!("{store:?}"),
        format!("{stats:?}"),
        format!("{counter:?}"),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r#"
    Agent { name: None, version: 1, .. }
    Reader { version: 1, .. }
    View(6)
    AgentConfig { name: Some("config"), on_panic: Restore(..), validator: Some(Validator(..)), mailbox_capacity: None, call_timeout: 5s, start_timeout: 18446744073709551615.999999999s }
    ConfigStore { agent: Agent { name: None, version: 1, .. }, .. }
    Statistics { agent: Agent { name: None, version: 1, .. }, unrecorded: 0 }
    Counter { agent: Agent { name: None, version: 1, .. } }
    "#);
}
