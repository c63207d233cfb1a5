//! What a config may hold: the defaults, zero, and huge values.

use std::num::NonZeroUsize;
use std::time::Duration;

use patterns_agent::{
    Agent, AgentConfig, AgentError, ConfigStoreConfig, OnPanic, StartError, StatisticsConfig,
};
use testing::{ms, secs};

use crate::support::{keep_busy, soon};

#[test]
fn the_defaults_are_as_documented() {
    let config = AgentConfig::<u8>::default();
    assert!(
        config.name.is_none() && config.validator.is_none() && config.mailbox_capacity.is_none()
    );
    assert!(matches!(config.on_panic, OnPanic::Stop));
    assert_eq!(
        (config.call_timeout, config.start_timeout),
        (secs(5), Duration::MAX)
    );
    let stats = StatisticsConfig::default();
    assert_eq!(
        (stats.max_metrics.get(), stats.call_timeout),
        (10_000, secs(5))
    );
    assert!(stats.name.is_none() && stats.mailbox_capacity.is_none());
    assert!(ConfigStoreConfig::<u8, u8>::default().max_entries.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_time_out_of_calls_is_an_option() {
    for timeout in [Duration::ZERO, ms(70), secs(3_600)] {
        let config = AgentConfig {
            call_timeout: timeout,
            ..AgentConfig::default()
        };
        let agent = Agent::start_with(config, || 0).await.unwrap();
        let _release = keep_busy(&agent);
        let began = tokio::time::Instant::now();
        assert!(matches!(agent.get(|_| ()).await, Err(AgentError::Timeout)));
        assert!((timeout..=timeout + ms(20)).contains(&began.elapsed()));
    }
}

#[tokio::test]
async fn the_greatest_bound_and_time_outs_are_allowed() {
    let config = AgentConfig {
        mailbox_capacity: NonZeroUsize::new(usize::MAX),
        call_timeout: Duration::MAX,
        start_timeout: Duration::MAX,
        ..AgentConfig::default()
    };
    let agent = Agent::start_with(config, || 1).await.unwrap();
    agent.cast(|number| *number += 1).unwrap();
    assert_eq!(agent.get(|number| *number).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_takes_too_long_is_an_error() {
    let config = AgentConfig {
        start_timeout: ms(30),
        ..AgentConfig::default()
    };
    let (release, released) = std::sync::mpsc::channel::<()>();
    let start = Agent::start_with(config, move || {
        let _ = released.recv_timeout(secs(60));
    });
    let outcome = soon(start).await;
    assert!(matches!(outcome, Err(StartError::Timeout)), "{outcome:?}");
    drop(release);
}
