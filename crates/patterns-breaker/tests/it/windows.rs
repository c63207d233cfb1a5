//! Rates of failures and of slow calls.

use patterns_breaker::{
    Breaker, BreakerConfig, BreakerEvent, Cause, SlowCall, State, WindowConfig, WindowSize,
};
use testing::{advance, ms, secs};

use crate::support::{breaker, fail, half_opened, succeed};

fn window(window: WindowConfig) -> BreakerConfig {
    BreakerConfig {
        failure_threshold: None,
        window: Some(window),
        ..BreakerConfig::default()
    }
}

fn slow_calls() -> BreakerConfig {
    window(WindowConfig {
        minimum_calls: 4,
        failure_percent: 100,
        slow_call: Some(SlowCall {
            duration: secs(1),
            percent: 50,
        }),
        ..WindowConfig::default()
    })
}

/// A call that takes so long.
async fn take(breaker: &Breaker, time: std::time::Duration, fails: bool) {
    let permit = breaker.try_acquire().unwrap();
    advance(time).await;
    if fails {
        permit.failure();
    } else {
        permit.success();
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_failures_opens_it_once_there_are_enough_calls() {
    let breaker = breaker(window(WindowConfig {
        size: WindowSize::Calls(10),
        minimum_calls: 4,
        failure_percent: 50,
        slow_call: None,
    }));
    let mut events = breaker.events(4);
    fail(&breaker).unwrap();
    fail(&breaker).unwrap();
    succeed(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Closed, "three are not enough");
    // The fourth is the one with which the rate means something, whatever came of it.
    succeed(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
    let Some(BreakerEvent::Changed(change)) = events.try_recv() else {
        panic!("it was not told");
    };
    assert_eq!(change.cause, Cause::FailureRate);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_compared_in_whole_numbers() {
    // 7 percent of 100 are 7, but 0.07 times 100 is more than that in binary fractions.
    let breaker = breaker(window(WindowConfig {
        minimum_calls: 100,
        failure_percent: 7,
        ..WindowConfig::default()
    }));
    for _ in 0..93 {
        succeed(&breaker).unwrap();
    }
    for _ in 0..6 {
        fail(&breaker).unwrap();
    }
    assert_eq!(breaker.state(), State::Closed);
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn outcomes_leave_the_window_in_their_time() {
    let config = window(WindowConfig {
        size: WindowSize::Time(secs(10)),
        minimum_calls: 2,
        ..WindowConfig::default()
    });
    let breaker = breaker(config);
    fail(&breaker).unwrap();
    advance(ms(9_999)).await;
    assert_eq!(breaker.stats().window.unwrap().calls, 1);
    advance(ms(1)).await;
    assert_eq!(breaker.stats().window.unwrap().calls, 0);
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Closed, "it is the only one");
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_threshold_and_a_window_work_side_by_side() {
    let breaker = breaker(BreakerConfig {
        failure_threshold: Some(3),
        ..window(WindowConfig::default())
    });
    let mut events = breaker.events(4);
    for _ in 0..3 {
        fail(&breaker).unwrap();
    }
    let Some(BreakerEvent::Changed(change)) = events.try_recv() else {
        panic!("it was not told");
    };
    assert_eq!(change.cause, Cause::FailureThreshold);
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_or_cancelled_is_not_in_the_window() {
    let breaker = breaker(window(WindowConfig::default()));
    breaker.try_acquire().unwrap().ignore();
    drop(breaker.try_acquire().unwrap());
    assert_eq!(breaker.stats().window.unwrap().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_slow_calls_opens_it_whether_they_fail_or_not() {
    let breaker = breaker(slow_calls());
    let mut events = breaker.events(4);
    take(&breaker, ms(999), false).await;
    take(&breaker, ms(999), false).await;
    take(&breaker, secs(1), false).await;
    assert_eq!(breaker.stats().window.unwrap().slow, 1);
    take(&breaker, secs(2), true).await;
    assert_eq!(breaker.state(), State::Open);
    let Some(BreakerEvent::Changed(change)) = events.try_recv() else {
        panic!("it was not told");
    };
    assert_eq!(change.cause, Cause::SlowRate);
}

#[tokio::test(start_paused = true)]
async fn a_slow_trial_is_a_failed_one_where_slow_calls_matter() {
    let breaker = half_opened(slow_calls()).await;
    take(&breaker, secs(1), false).await;
    assert_eq!(breaker.state(), State::Open);

    let careless = half_opened(BreakerConfig::default()).await;
    take(&careless, secs(1), false).await;
    assert_eq!(careless.state(), State::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn a_slow_async_call_is_seen_to_be_slow() {
    let breaker = breaker(slow_calls());
    let slow = breaker.call(async {
        tokio::time::sleep(secs(1)).await;
        Ok::<_, ()>(())
    });
    slow.await.unwrap();
    assert_eq!(breaker.stats().window.unwrap().slow, 1);
}

#[tokio::test(start_paused = true)]
async fn the_window_is_empty_after_each_change_of_state() {
    let breaker = breaker(window(WindowConfig::default()));
    for _ in 0..20 {
        fail(&breaker).unwrap();
    }
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(breaker.stats().window.unwrap().calls, 0);
    breaker.reset();
    fail(&breaker).unwrap();
    breaker.reset();
    assert_eq!(breaker.stats().window.unwrap().calls, 0);
}
