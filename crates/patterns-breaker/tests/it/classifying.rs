//! What counts as a failure is the program's to say.

use std::future::pending;

use patterns_breaker::{BreakerError, Outcome, State};
use testing::quiet;

use crate::support::plain;

fn by_status(result: &Result<u16, &str>) -> Outcome {
    match result {
        Ok(500..) | Err(_) => Outcome::Failure,
        Ok(400..) => Outcome::Ignored,
        Ok(_) => Outcome::Success,
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_counts_as_the_closure_says_and_comes_back_as_it_is() {
    let service = plain().classify_by(by_status);
    assert_eq!(service.call(async { Ok(200) }).await, Ok(200));
    assert_eq!(service.call(async { Ok(404) }).await, Ok(404));
    assert_eq!(service.call_sync(|| Ok(503)), Ok(503));
    let lost = service.call(async { Err("lost") }).await;
    assert_eq!(lost, Err(BreakerError::Failed("lost")));
    let stats = service.breaker().stats();
    assert_eq!(stats.successes, 1);
    assert_eq!(stats.ignored, 1);
    assert_eq!((stats.failures, stats.failure_count), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_error_can_count_as_success_or_as_neither() {
    let lenient = plain().classify_by(|result: &Result<(), bool>| match result {
        Err(true) => Outcome::Ignored,
        Ok(()) | Err(false) => Outcome::Success,
    });
    for _ in 0..10 {
        assert_eq!(
            lenient.call(async { Err(true) }).await,
            Err(BreakerError::Failed(true))
        );
        assert_eq!(
            lenient.call(async { Err(false) }).await,
            Err(BreakerError::Failed(false))
        );
    }
    assert_eq!(lenient.breaker().state(), State::Closed);
    assert_eq!(lenient.breaker().stats().successes, 10);
}

#[tokio::test(start_paused = true)]
async fn the_ignored_neither_end_a_row_of_failures_nor_lengthen_it() {
    let breaker = plain();
    for _ in 0..4 {
        breaker.try_acquire().unwrap().failure();
        breaker.try_acquire().unwrap().ignore();
    }
    assert_eq!(breaker.stats().failure_count, 4);
    breaker.try_acquire().unwrap().failure();
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_panics_counts_as_a_failure() {
    quiet();
    let breaker = plain();
    let broken = breaker.classify_by(|_: &Result<(), ()>| panic!("as told"));
    let expected = Err(BreakerError::Panicked("as told".into()));
    assert_eq!(broken.call(async { Ok(()) }).await, expected);
    assert_eq!(broken.call_sync(|| Ok(())), expected);
    let stats = breaker.stats();
    assert_eq!((stats.failures, stats.failure_count), (2, 2));
    assert_eq!(stats.in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn timeouts_are_failures_without_a_question() {
    let lenient = plain().classify_by(|_: &Result<(), ()>| Outcome::Success);
    assert!(lenient.call(pending()).await.is_err());
    assert_eq!(lenient.breaker().stats().failures, 1);
}

#[test]
fn a_view_is_the_same_breaker() {
    let breaker = plain();
    let view = breaker.classify_by(by_status);
    breaker.trip();
    assert!(
        view.call_sync(|| Ok(200))
            .is_err_and(|error| error.is_rejected())
    );
    assert_eq!(view.clone().breaker().stats().rejected, 1);
}
