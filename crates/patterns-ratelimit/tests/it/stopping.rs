//! The end of the process, after which the limiter goes on.

use patterns_ratelimit::{KeyedConfig, KeyedRateLimiter, Quota, StopError};

use crate::support::Outcome;

#[tokio::test]
async fn a_stopped_limiter_goes_on_without_its_process_and_a_second_stop_finds_none() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::start(KeyedConfig::from(Quota::per_minute(3))).await?;
    let other = limiter.clone();
    assert!(limiter.pid().is_some());
    limiter.stop().await?;
    assert!(limiter.pid().is_none());
    assert!(matches!(limiter.stop().await, Err(StopError::NoProc)));
    assert!(matches!(other.stop().await, Err(StopError::NoProc)));
    assert!(limiter.allow(&1), "it goes on without its process");
    Ok(())
}

#[tokio::test]
async fn without_a_process_there_is_nothing_to_stop() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_minute(3))?;
    assert!(limiter.pid().is_none());
    limiter.stop().await?;
    limiter.stop().await?;
    assert!(limiter.allow(&1));
    Ok(())
}
