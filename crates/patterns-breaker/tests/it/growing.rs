//! How long a breaker is open.

use std::time::Duration;

use patterns_breaker::{BreakerConfig, BreakerEvent, Jitter, State};
use testing::{advance, secs};

use crate::support::{breaker, fail, succeed};

/// For how long it was open each time, of so many failed trials in a row.
async fn open_times(config: BreakerConfig, times: usize) -> Vec<Duration> {
    let breaker = breaker(config);
    let mut events = breaker.events(1_000);
    breaker.trip();
    let mut open_times = Vec::new();
    for _ in 0..times {
        while let Some(BreakerEvent::Changed(change)) = events.try_recv() {
            open_times.extend(change.open_for);
        }
        advance(*open_times.last().unwrap()).await;
        fail(&breaker).unwrap();
    }
    open_times
}

#[tokio::test(start_paused = true)]
async fn it_is_always_as_long_unless_it_may_grow() {
    let times = open_times(BreakerConfig::default(), 4).await;
    assert_eq!(times, [secs(5); 4]);
}

#[tokio::test(start_paused = true)]
async fn it_doubles_with_each_failed_trial_up_to_the_most() {
    let config = BreakerConfig {
        max_reset_timeout: Some(secs(30)),
        ..BreakerConfig::default()
    };
    let times = open_times(config, 5).await;
    assert_eq!(times, [secs(5), secs(10), secs(20), secs(30), secs(30)]);
}

#[tokio::test(start_paused = true)]
async fn once_closed_it_begins_small_again() {
    let breaker = breaker(BreakerConfig {
        max_reset_timeout: Some(secs(30)),
        success_threshold: 1,
        ..BreakerConfig::default()
    });
    breaker.trip();
    advance(secs(5)).await;
    fail(&breaker).unwrap();
    advance(secs(10)).await;
    succeed(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Closed);
    breaker.trip();
    assert_eq!(fail(&breaker).unwrap_err().retry_after(), Some(secs(5)));
}

#[tokio::test(start_paused = true)]
async fn trials_that_hang_make_it_grow_too() {
    let breaker = breaker(BreakerConfig {
        max_reset_timeout: Some(secs(30)),
        ..BreakerConfig::default()
    });
    breaker.trip();
    advance(secs(5)).await;
    let _hangs = breaker.try_acquire().unwrap();
    advance(secs(60)).await;
    assert_eq!(fail(&breaker).unwrap_err().retry_after(), Some(secs(10)));
}

#[tokio::test(start_paused = true)]
async fn jitter_shortens_it_by_chance() {
    let config = |jitter| BreakerConfig {
        jitter,
        ..BreakerConfig::default()
    };
    let equal = open_times(config(Jitter::Equal), 40).await;
    assert!(
        equal
            .iter()
            .all(|time| (secs(5) / 2..=secs(5)).contains(time))
    );
    let full = open_times(config(Jitter::Full), 40).await;
    assert!(full.iter().all(|time| *time <= secs(5)));
    for mut times in [equal, full] {
        times.sort_unstable();
        times.dedup();
        assert!(times.len() > 30, "they differ: {times:?}");
    }
}
