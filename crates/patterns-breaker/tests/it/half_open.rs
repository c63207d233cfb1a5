//! Trials: how many there are at the same time, and what becomes of those that do not end.

use std::future::pending;
use std::mem;

use patterns_breaker::{BreakerConfig, State};
use testing::{advance, ms, polled, secs};

use crate::support::{fail, half_opened, succeed};

fn trials(half_open_trials: u32) -> BreakerConfig {
    BreakerConfig {
        half_open_trials,
        success_threshold: 10,
        ..BreakerConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_trials_than_permitted_are_under_way() {
    for permitted in 1..5 {
        let breaker = half_opened(trials(permitted)).await;
        let under_way: Vec<_> = (0..50).map_while(|_| breaker.try_acquire().ok()).collect();
        assert_eq!(under_way.len(), permitted as usize);
        let rejected = breaker.try_acquire().unwrap_err();
        assert_eq!(rejected.state(), State::HalfOpen);
        drop(under_way);
        assert!(breaker.try_acquire().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_trial_gives_its_place_back_however_it_ends() {
    let breaker = half_opened(trials(1)).await;
    breaker.try_acquire().unwrap().success();
    breaker.try_acquire().unwrap().ignore();
    drop(breaker.try_acquire().unwrap());
    drop(breaker.try_acquire_owned().unwrap());
    assert!(!polled(breaker.call(pending::<Result<(), ()>>()), 1).await);
    breaker.call(async { Ok::<_, ()>(()) }).await.unwrap();
    assert_eq!(breaker.stats().success_count, 2);
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_hangs_keeps_its_place_but_not_for_ever() {
    let breaker = half_opened(trials(1)).await;
    let hangs = breaker.try_acquire().unwrap();
    advance(ms(59_999)).await;
    assert!(breaker.try_acquire().is_err());
    assert_eq!(breaker.state(), State::HalfOpen);
    advance(ms(1)).await;
    assert_eq!(breaker.state(), State::Open);
    advance(secs(5)).await;
    let next = breaker.try_acquire().unwrap();
    hangs.success();
    assert_eq!(breaker.stats().success_count, 0, "it came too late");
    next.success();
    assert_eq!(breaker.stats().success_count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_forgotten_blocks_nobody_for_ever() {
    let breaker = half_opened(trials(2)).await;
    mem::forget(breaker.try_acquire().unwrap());
    mem::forget(breaker.try_acquire().unwrap());
    assert!(breaker.try_acquire().is_err());
    advance(secs(65)).await;
    let (one, two) = (breaker.try_acquire(), breaker.try_acquire());
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(breaker.stats().in_flight, 4, "two of them for ever");
}

#[tokio::test(start_paused = true)]
async fn trials_that_end_give_the_others_time() {
    let breaker = half_opened(trials(2)).await;
    let _hangs = breaker.try_acquire().unwrap();
    for _ in 0..5 {
        advance(secs(50)).await;
        breaker.try_acquire().unwrap().ignore();
    }
    assert_eq!(breaker.state(), State::HalfOpen);
    advance(secs(60)).await;
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn without_trials_it_stays_half_open() {
    let breaker = half_opened(trials(1)).await;
    succeed(&breaker).unwrap();
    advance(secs(1_000_000)).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(breaker.stats().success_count, 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_rejected_is_told_when_the_trials_must_have_ended() {
    let breaker = half_opened(trials(1)).await;
    advance(secs(100)).await;
    let _hangs = breaker.try_acquire().unwrap();
    let retry_after = || breaker.try_acquire().unwrap_err().retry_after();
    assert_eq!(retry_after(), Some(secs(5)));
    advance(secs(2)).await;
    assert_eq!(retry_after(), Some(secs(3)));
    advance(secs(3)).await;
    assert_eq!(
        retry_after(),
        Some(secs(55)),
        "it does not keep to its time"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_trial_ends_the_others() {
    let breaker = half_opened(trials(3)).await;
    let (one, two) = (
        breaker.try_acquire().unwrap(),
        breaker.try_acquire().unwrap(),
    );
    fail(&breaker).unwrap();
    assert_eq!(breaker.state(), State::Open);
    one.success();
    two.failure();
    advance(secs(5)).await;
    assert_eq!(
        breaker.state(),
        State::HalfOpen,
        "its time did not begin anew"
    );
    let all: Vec<_> = (0..9).map_while(|_| breaker.try_acquire().ok()).collect();
    assert_eq!(all.len(), 3, "all places are free");
}
