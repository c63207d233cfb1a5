//! What a config may hold. What each option does is tested where it acts.

use std::time::Duration;

use patterns_registry::{
    Context, ExitReason, GenServer, RegistryConfig, Restart, Shutdown, StartError, WorkerRegistry,
};
use testing::secs;

use crate::support::{Msg, World, registry};

struct Idle;

impl GenServer for Idle {
    type Msg = ();

    async fn handle(&mut self, (): (), _: &mut Context<()>) -> Result<(), ExitReason> {
        Ok(())
    }
}

async fn refused(config: RegistryConfig) -> String {
    let below = WorkerRegistry::child("workers", config.clone(), |_: &u32| Idle).unwrap_err();
    let alone = WorkerRegistry::start(config, |_: &u32| Idle)
        .await
        .unwrap_err();
    assert_eq!(alone.to_string(), below.to_string());
    assert!(matches!(alone, StartError::BadOption(_)));
    alone.to_string()
}

#[test]
fn the_defaults_are_as_documented() {
    let documented = RegistryConfig {
        name: "worker".to_owned(),
        max_workers: None,
        idle_timeout: None,
        restart: Restart::Transient,
        max_restarts: 3,
        restart_period: secs(5),
        shutdown: Shutdown::Timeout(secs(5)),
        start_timeout: None,
        mailbox_capacity: None,
    };
    assert_eq!(RegistryConfig::default(), documented);
}

#[tokio::test]
async fn a_wrong_value_is_refused_by_name_and_range() {
    let default = RegistryConfig::default;
    let texts = [
        refused(RegistryConfig {
            max_workers: Some(0),
            ..default()
        })
        .await,
        refused(RegistryConfig {
            idle_timeout: Some(Duration::ZERO),
            ..default()
        })
        .await,
        refused(RegistryConfig {
            idle_timeout: Some(secs(1)),
            restart: Restart::Permanent,
            ..default()
        })
        .await,
        refused(RegistryConfig {
            restart_period: Duration::ZERO,
            ..default()
        })
        .await,
        refused(RegistryConfig {
            start_timeout: Some(Duration::ZERO),
            ..default()
        })
        .await,
        refused(RegistryConfig {
            mailbox_capacity: Some(0),
            ..default()
        })
        .await,
    ];
    insta::assert_snapshot!(texts.join("\n"), @r"
    option `max_workers` must be 1 or more, or `None` for no bound
    option `idle_timeout` must be more than zero, or `None` for never
    option `idle_timeout` must be `None` where `restart` is `Permanent`
    option `restart_period` must be more than zero
    option `start_timeout` must be more than zero, or `None` for no limit
    option `mailbox_capacity` must be 1 or more, or `None` for no bound
    ");
}

#[tokio::test(start_paused = true)]
async fn the_greatest_values_are_allowed() {
    let config = RegistryConfig {
        max_workers: Some(usize::MAX),
        idle_timeout: Some(Duration::MAX),
        max_restarts: usize::MAX,
        restart_period: Duration::MAX,
        shutdown: Shutdown::Timeout(Duration::MAX),
        start_timeout: Some(Duration::MAX),
        mailbox_capacity: Some(usize::MAX),
        ..RegistryConfig::default()
    };
    let registry = World::new().registry(config).await;
    registry.cast("a", Msg::Add(1)).await.unwrap();
    registry.crash_worker("a").unwrap();
    tokio::time::advance(secs(100 * 365 * 86_400)).await;
    registry.call("a", Msg::Total).await.unwrap();
    registry.stop_worker("a").await.unwrap();
}

#[tokio::test]
async fn workers_are_named_as_the_config_says() {
    let config = RegistryConfig {
        name: "room".to_owned(),
        ..RegistryConfig::default()
    };
    let registry = World::new().registry(config).await;
    registry.start_worker("a").await.unwrap();
    assert_eq!(registry.list_workers()[0].pid.name(), Some("room"));
}

#[test]
fn without_a_runtime_there_is_no_registry_but_an_error() {
    let start = WorkerRegistry::start(RegistryConfig::default(), |_: &u32| Idle);
    let mut start = std::pin::pin!(start);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = start.as_mut().poll(&mut cx) else {
        panic!("it has started");
    };
    assert!(matches!(error, StartError::NoRuntime), "{error:?}");
    assert_eq!(error.to_string(), "there is no tokio runtime here");
}

#[tokio::test]
async fn a_handle_can_be_printed_shared_and_sent() {
    fn is_shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn is_sent<T: Send>(_: T) {}
    let registry = registry().await;
    is_shared(&registry);
    is_sent(registry.start_worker("a"));
    is_sent(registry.start_worker_with("a", ()));
    is_sent(registry.stop_worker("a"));
    is_sent(registry.call("a", Msg::Total));
    is_sent(registry.call_timeout("a", Msg::Total, secs(1)));
    is_sent(registry.cast("a", Msg::Add(1)));
    is_sent(registry.wait_for("a"));
    is_sent(registry.stop());
    let printed = format!("{registry:?}");
    assert!(
        printed.starts_with("WorkerRegistry { info: RegistryInfo {"),
        "{printed}"
    );
}
