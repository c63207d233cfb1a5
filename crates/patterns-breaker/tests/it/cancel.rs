//! The futures of a breaker, dropped at each of their `.await`s.

use std::cell::Cell;
use std::future::Future;

use patterns_breaker::{Breaker, BreakerConfig, State};
use testing::{at_each_await, ms, polled};
use tokio::task::yield_now;

use crate::support::{assert_conserved, half_opened, plain};

/// Drops `make`'s future after ever more polls, until one is done. After each, the breaker has its permit back.
async fn dropped_at_each_await<F, T>(breaker: &Breaker, make: impl Fn(Breaker) -> F)
where
    F: Future<Output = T>,
{
    let before = breaker.stats();
    at_each_await(async |times| {
        let done = polled(make(breaker.clone()), times).await;
        let stats = breaker.stats();
        assert_conserved(&stats);
        assert_eq!(stats.in_flight, 0);
        if done {
            assert!(times > 1);
            return true;
        }
        // One that was never polled took no permit.
        assert_eq!(stats.cancelled, before.cancelled + times as u64);
        assert_eq!(stats.failure_count, before.failure_count);
        assert_eq!(stats.success_count, before.success_count);
        assert_eq!(stats.state, before.state);
        false
    })
    .await;
}

async fn work() -> Result<u32, ()> {
    for _ in 0..5 {
        yield_now().await;
    }
    Ok(7)
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_given_up_at_any_time() {
    let breaker = plain();
    breaker.try_acquire().unwrap().failure();
    dropped_at_each_await(
        &breaker,
        |breaker| async move { breaker.call(work()).await },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trial_can_be_given_up_at_any_time() {
    let breaker = half_opened(BreakerConfig::default()).await;
    dropped_at_each_await(
        &breaker,
        |breaker| async move { breaker.call(work()).await },
    )
    .await;
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(breaker.try_acquire().is_ok());
}

/// Says, when it is dropped, how many calls are in flight.
struct Witness<'a> {
    breaker: &'a Breaker,
    in_flight: &'a Cell<Option<(usize, bool)>>,
}

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        let place_is_free = self.breaker.try_acquire().is_ok();
        self.in_flight
            .set(Some((self.breaker.stats().in_flight, place_is_free)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_work_goes_before_its_permit() {
    // Given up, cut, and done.
    for (polls, limit, yields) in [(1, 5_000, 9), (9, 0, 9), (9, 5_000, 2)] {
        let breaker = half_opened(BreakerConfig::default()).await;
        let seen = Cell::new(None);
        let work = async {
            let _witness = Witness {
                breaker: &breaker,
                in_flight: &seen,
            };
            for _ in 0..yields {
                yield_now().await;
            }
            Ok::<_, ()>(())
        };
        let call = breaker.call_timeout(work, ms(limit));
        polled(call, polls).await;
        assert_eq!(seen.get(), Some((1, false)), "polled {polls} times");
        assert_eq!(breaker.stats().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_aborted_task_gives_its_permit_back() {
    let breaker = half_opened(BreakerConfig::default()).await;
    let task = tokio::spawn({
        let breaker = breaker.clone();
        async move { breaker.call(std::future::pending::<Result<(), ()>>()).await }
    });
    yield_now().await;
    assert!(breaker.try_acquire().is_err());
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(breaker.try_acquire().is_ok());
    assert_eq!(breaker.stats().failures, 0);
}
