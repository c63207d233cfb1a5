//! What a quota and a config may hold.

use std::time::Duration;

use patterns_ratelimit::{
    BadOption, KeyedConfig, KeyedRateLimiter, Quota, RateLimiter, StartError,
};
use testing::secs;

use crate::support::Outcome;

const YEARS: Duration = Duration::from_secs(30 * 365 * 86_400);

fn refusal(quota: Quota) -> String {
    RateLimiter::new(quota).unwrap_err().to_string()
}

#[test]
fn a_bad_option_is_named_with_what_is_allowed() {
    let nanos = Duration::from_nanos;
    assert_eq!(
        refusal(Quota::new(0, 1, secs(1))),
        "option `capacity` must be 1 or more"
    );
    assert_eq!(
        refusal(Quota::new(1, 1, Duration::ZERO)),
        "option `period` must be 1 ns or more"
    );
    assert_eq!(
        refusal(Quota::new(1, 1, Duration::MAX)),
        "option `period` must be 30 years or less"
    );
    assert_eq!(
        refusal(Quota::new(1, 11, nanos(10))),
        "option `refill` must be at most one token for each nanosecond of `period`"
    );
    assert_eq!(
        refusal(Quota::new(2, 1, YEARS)),
        "option `capacity` must be so small that it is refilled within 30 years"
    );
    let config = KeyedConfig {
        max_keys: Some(0),
        ..KeyedConfig::default()
    };
    let error = KeyedRateLimiter::<u64>::new(config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "option `max_keys` must be 1 or more, or `None` for no bound"
    );
    let config = KeyedConfig {
        sweep_interval: Duration::ZERO,
        ..KeyedConfig::default()
    };
    let error = KeyedRateLimiter::<u64>::new(config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "option `sweep_interval` must be more than zero; `Duration::MAX` means never"
    );
}

#[tokio::test]
async fn a_bad_option_is_an_error_of_every_start() {
    let bad = Quota::per_second(0);
    let start = KeyedRateLimiter::<u64>::start(bad).await.unwrap_err();
    assert!(matches!(
        start,
        StartError::BadOption(BadOption {
            option: "capacity",
            ..
        })
    ));
    assert!(KeyedRateLimiter::<u64>::child("limits", bad).is_err());
}

#[test]
fn the_largest_and_the_smallest_are_allowed() -> Outcome {
    for quota in [
        Quota::new(1, 1, YEARS),
        Quota::new(1, 0, YEARS),
        Quota::new(u32::MAX, 1, Duration::from_nanos(1)),
        Quota::new(u32::MAX, u32::MAX, secs(5)),
        Quota::new(1, u32::MAX, secs(5)),
        Quota::once(u32::MAX),
    ] {
        let limiter = RateLimiter::new(quota)?;
        assert!(limiter.consume(quota.capacity).is_ok(), "{quota:?}");
        assert_eq!(limiter.quota(), quota);
    }
    Ok(())
}

#[tokio::test]
async fn a_config_is_more_than_a_quota() -> Outcome {
    let config = KeyedConfig {
        quota: Quota::per_minute(3),
        ..KeyedConfig::default()
    };
    assert_eq!(config, KeyedConfig::from(Quota::per_minute(3)));
    let limiter = KeyedRateLimiter::<u64>::start(config).await?;
    assert_eq!(limiter.quota(), Quota::per_minute(3));
    Ok(())
}
