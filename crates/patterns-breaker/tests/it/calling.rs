//! What comes of a call.

use std::future::{pending, ready};
use std::time::Duration;

use patterns_breaker::{BreakerConfig, BreakerError, State};
use testing::{ms, secs};
use tokio::time::{Instant, sleep};

use crate::support::{breaker, plain};

#[tokio::test(start_paused = true)]
async fn a_result_comes_back_as_it_is() {
    let breaker = plain();
    assert_eq!(breaker.call(ready(Ok::<_, ()>("done"))).await, Ok("done"));
    let error = breaker.call(ready(Err::<(), _>("refused"))).await;
    assert_eq!(error, Err(BreakerError::Failed("refused")));
    assert_eq!(breaker.call_sync(|| Ok::<_, ()>(7)), Ok(7));
    assert_eq!(breaker.stats().successes, 2);
    assert_eq!(breaker.stats().failures, 1);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_runs_nothing_and_says_when_to_try_again() {
    let breaker = plain();
    breaker.trip();
    tokio::time::advance(ms(1_500)).await;
    let mut ran = false;
    let rejected = breaker
        .call(async {
            ran = true;
            Ok::<_, ()>(())
        })
        .await;
    let sync = breaker.call_sync(|| -> Result<(), ()> { unreachable!("it is open") });
    assert_eq!(rejected, sync);
    let Err(BreakerError::Rejected(rejected)) = rejected else {
        panic!("{rejected:?}");
    };
    assert_eq!(rejected.retry_after(), Some(ms(3_500)));
    assert_eq!(rejected.state(), State::Open);
    assert!(!ran);
    assert_eq!(breaker.stats().rejected, 2);
    assert_eq!(breaker.stats().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_cut_and_counts_as_a_failure() {
    let breaker = plain();
    let begun = Instant::now();
    let cut = breaker.call(pending::<Result<(), ()>>()).await;
    assert_eq!(cut, Err(BreakerError::Timeout { after: secs(5) }));
    assert_eq!(begun.elapsed(), secs(5));
    let stats = breaker.stats();
    assert_eq!((stats.failures, stats.timeouts), (1, 1));
    assert_eq!(stats.failure_count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_can_have_a_limit_of_its_own() {
    let breaker = plain();
    let begun = Instant::now();
    let cut = breaker
        .call_timeout(pending::<Result<(), ()>>(), ms(20))
        .await;
    assert_eq!(cut, Err(BreakerError::Timeout { after: ms(20) }));
    assert_eq!(begun.elapsed(), ms(20));
    let long = breaker
        .call_timeout(
            async {
                sleep(secs(3_600)).await;
                Ok::<_, ()>(())
            },
            Duration::MAX,
        )
        .await;
    assert_eq!(long, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_is_done_just_in_time_is_done() {
    let breaker = plain();
    let just = breaker
        .call_timeout(
            async {
                sleep(ms(20)).await;
                Ok::<_, ()>("done")
            },
            ms(20),
        )
        .await;
    assert_eq!(just, Ok("done"));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_zero_cuts_whatever_waits() {
    let breaker = breaker(BreakerConfig {
        call_timeout: Duration::ZERO,
        ..BreakerConfig::default()
    });
    assert_eq!(breaker.call(ready(Ok::<_, ()>(1))).await, Ok(1));
    let begun = Instant::now();
    let cut = breaker.call(pending::<Result<(), ()>>()).await;
    assert!(cut.is_err_and(|error| error.is_timeout()));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_call_waits_for_as_long_as_it_takes() {
    let breaker = breaker(BreakerConfig {
        call_timeout: Duration::MAX,
        ..BreakerConfig::default()
    });
    let year = secs(365 * 24 * 3_600);
    let long = breaker.call(async {
        sleep(year).await;
        Ok::<_, ()>("done")
    });
    assert_eq!(long.await, Ok("done"));
    assert_eq!(breaker.call_sync(|| Ok::<_, ()>(7)), Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_sync_call_over_its_limit_is_not_cut_but_counts_as_a_failure() {
    let breaker = breaker(BreakerConfig {
        call_timeout: Duration::ZERO,
        failure_threshold: Some(1),
        ..BreakerConfig::default()
    });
    // Any time at all is too long, and reading a clock that is not paused twice takes some.
    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            breaker.call_sync(|| {
                let begun = std::time::Instant::now();
                while begun.elapsed().is_zero() {}
                Ok::<_, ()>("late")
            })
        });
        late.join().unwrap()
    });
    assert_eq!(late, Ok("late"), "the result is handed over");
    let stats = breaker.stats();
    assert_eq!((stats.failures, stats.timeouts), (1, 1));
    assert_eq!(stats.state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_before_the_first_poll() {
    let breaker = plain();
    let call = breaker.call(ready(Ok::<_, ()>(1)));
    assert_eq!(breaker.stats().calls, 0);
    breaker.trip();
    assert!(call.await.is_err_and(|error| error.is_rejected()));
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_spawned() {
    let breaker = plain();
    let task = tokio::spawn({
        let breaker = breaker.clone();
        async move { breaker.call(async { Ok::<_, ()>(1) }).await }
    });
    assert_eq!(task.await.unwrap(), Ok(1));
    assert_eq!(breaker.stats().successes, 1);
}
