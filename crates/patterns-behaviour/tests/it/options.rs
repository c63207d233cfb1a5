//! Every option: its range, and who refuses what is outside.

use std::sync::Arc;
use std::time::Duration;

use patterns_behaviour::{AddError, Dispatcher, DispatcherConfig, Hooks, Route, StartError};

use crate::support::{Parcel, Port, Scripted, config, ports, try_ports};

fn wrong() -> Vec<(DispatcherConfig, &'static str)> {
    let zero = Duration::ZERO;
    vec![
        (
            DispatcherConfig {
                max_waiting: 0,
                ..config()
            },
            "option `max_waiting` must be 1 or more",
        ),
        (
            DispatcherConfig {
                workers: 0,
                ..config()
            },
            "option `workers` must be from 1 to 1,024",
        ),
        (
            DispatcherConfig {
                workers: 1_025,
                ..config()
            },
            "option `workers` must be from 1 to 1,024",
        ),
        (
            DispatcherConfig {
                max_attempts: 0,
                ..config()
            },
            "option `max_attempts` must be 1 or more",
        ),
        (
            DispatcherConfig {
                attempt_timeout: zero,
                ..config()
            },
            "option `attempt_timeout` must be more than zero",
        ),
        (
            DispatcherConfig {
                delivery_timeout: zero,
                ..config()
            },
            "option `delivery_timeout` must be more than zero",
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_wrong_option_is_refused_by_name_and_range() {
    let dispatcher = ports(config()).await;
    for (config, text) in wrong() {
        let error = try_ports(config.clone(), Hooks::new()).await.unwrap_err();
        assert_eq!(error.to_string(), text);
        let child = Dispatcher::child(
            "x",
            config.clone(),
            Hooks::new(),
            |port: &Arc<dyn Port>, parcel: &Parcel| port.put(parcel),
        );
        assert_eq!(child.unwrap_err().to_string(), text);
        let route = Route::to(Arc::new(Scripted::default()) as Arc<dyn Port>).config(config);
        let error = dispatcher.add_route("a", route).unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(matches!(error, AddError::BadOption { .. }));
        let _ = error.into_refused();
    }
    assert!(dispatcher.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_greatest_values_work() {
    let config = DispatcherConfig {
        max_waiting: usize::MAX,
        workers: 1_024,
        max_attempts: u32::MAX,
        attempt_timeout: Duration::MAX,
        delivery_timeout: Duration::MAX - Duration::from_nanos(1),
        drain_timeout: Duration::MAX,
        ..config()
    };
    let ports = ports(config).await;
    ports.add("a", Arc::new(Scripted::default())).unwrap();
    ports.deliver("a", Parcel::new(1, &[])).await.unwrap();
    ports.stop().await.unwrap();
}

#[test]
fn without_a_runtime_there_is_no_dispatcher() {
    use std::task::{Context, Poll, Waker};
    let mut start = std::pin::pin!(try_ports(config(), Hooks::new()));
    let Poll::Ready(started) = start.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it should know at once");
    };
    let error = started.unwrap_err();
    assert!(matches!(error, StartError::NoRuntime));
    assert_eq!(error.to_string(), "there is no tokio runtime here");
}
