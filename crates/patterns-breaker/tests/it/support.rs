//! What several modules need.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use patterns_breaker::{Breaker, BreakerConfig, BreakerStats, Rejected, State};

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Turns the paused clock on.
pub(crate) async fn advance(by: Duration) {
    tokio::time::advance(by).await;
}

pub(crate) fn breaker(config: BreakerConfig) -> Breaker {
    Breaker::new(config).unwrap()
}

/// One with the default options.
pub(crate) fn plain() -> Breaker {
    breaker(BreakerConfig::default())
}

pub(crate) fn succeed(breaker: &Breaker) -> Result<(), Rejected> {
    breaker.try_acquire().map(patterns_breaker::Permit::success)
}

pub(crate) fn fail(breaker: &Breaker) -> Result<(), Rejected> {
    breaker.try_acquire().map(patterns_breaker::Permit::failure)
}

pub(crate) fn fail_times(breaker: &Breaker, times: u32) {
    for _ in 0..times {
        fail(breaker).unwrap();
    }
}

/// Opens it by hand and waits until it lets trials through. The clock is paused.
pub(crate) async fn half_opened(config: BreakerConfig) -> Breaker {
    let breaker = breaker(config);
    breaker.trip();
    advance(config.reset_timeout).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker
}

/// Polls a future so often; tells whether it was done by then.
pub(crate) async fn polled<T>(work: impl Future<Output = T>, times: usize) -> bool {
    let mut work = pin!(work);
    for _ in 0..times {
        let mut cx = Context::from_waker(Waker::noop());
        if work.as_mut().poll(&mut cx).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Keeps expected panics out of the output.
pub(crate) fn quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref() != Some(&"as told") {
                before(info);
            }
        }));
    });
}

/// All that were let through are somewhere.
pub(crate) fn assert_conserved(stats: &BreakerStats) {
    let ended =
        stats.total_successes + stats.total_failures + stats.total_ignored + stats.total_cancelled;
    assert_eq!(stats.total_calls, ended + stats.in_flight, "{stats:?}");
}
