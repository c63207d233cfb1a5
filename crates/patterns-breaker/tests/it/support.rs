//! What several modules need.

use patterns_breaker::{Breaker, BreakerConfig, BreakerStats, Rejected, State};
use testing::advance;

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

/// All that were let through are somewhere.
pub(crate) fn assert_conserved(stats: &BreakerStats) {
    let ended = stats.successes + stats.failures + stats.ignored + stats.cancelled;
    assert_eq!(stats.calls, ended + stats.in_flight as u64, "{stats:?}");
}
