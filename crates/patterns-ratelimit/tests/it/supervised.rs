//! A limiter whose process is a child of a supervisor.

use otp_core::{Strategy, Supervisor};
use patterns_ratelimit::{KeyedConfig, KeyedRateLimiter, Quota, StartError};
use testing::secs;
use tokio::time::sleep;

use crate::support::{Outcome, poll};

#[tokio::test(start_paused = true)]
async fn a_restart_of_the_process_loses_no_key_and_it_sweeps_on() -> Outcome {
    let config = KeyedConfig {
        quota: Quota::per_minute(1),
        sweep_interval: secs(10),
        ..KeyedConfig::default()
    };
    let (child, limiter) = KeyedRateLimiter::<u64>::child("limits", config)?;
    assert!(limiter.allow(&1), "before it is started");
    let process = child.server_ref();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await?;
    process.pid().ok_or("it runs")?.kill();
    sleep(secs(1)).await;
    assert!(!limiter.allow(&1));
    sleep(secs(75)).await;
    assert!(limiter.is_empty());
    assert_eq!(limiter.stats().evicted, 1);
    tree.stop().await?;
    assert!(limiter.allow(&1), "after it was stopped");
    Ok(())
}

#[test]
fn a_start_outside_a_runtime_is_an_error() {
    let mut start = Box::pin(KeyedRateLimiter::<u64>::start(Quota::per_second(1)));
    match poll(&mut start) {
        std::task::Poll::Ready(Err(StartError::NoRuntime)) => {}
        other => panic!("{other:?}"),
    }
}
