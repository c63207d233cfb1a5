//! Each option is read, and a wrong one refused with its name and range.

use std::time::Duration;

use patterns_breaker::{Breaker, BreakerConfig, SlowCall, WindowConfig, WindowSize};
use testing::{ms, secs};

fn refused(config: BreakerConfig) -> String {
    Breaker::new(config).unwrap_err().to_string()
}

fn with(change: impl FnOnce(&mut BreakerConfig)) -> BreakerConfig {
    let mut config = BreakerConfig::default();
    change(&mut config);
    config
}

fn windowed(change: impl FnOnce(&mut WindowConfig)) -> BreakerConfig {
    let mut window = WindowConfig::default();
    change(&mut window);
    with(|config| config.window = Some(window))
}

fn slow(duration: Duration, percent: u8) -> BreakerConfig {
    windowed(|w| w.slow_call = Some(SlowCall { duration, percent }))
}

#[test]
fn the_defaults_are_as_documented() {
    let config = BreakerConfig::default();
    assert_eq!(config.failure_threshold, Some(5));
    assert_eq!(config.success_threshold, 2);
    assert_eq!(config.half_open_trials, 1);
    assert_eq!(config.reset_timeout, secs(5));
    assert_eq!(config.max_reset_timeout, None);
    assert_eq!(config.half_open_timeout, secs(60));
    assert_eq!(config.call_timeout, secs(5));
    assert_eq!((config.ramp, config.window), (None, None));
    let window = WindowConfig::default();
    assert_eq!(window.size, WindowSize::Calls(100));
    assert_eq!((window.minimum_calls, window.failure_percent), (20, 50));
    assert_eq!(window.slow_call, None);
}

#[test]
fn a_wrong_option_is_refused_with_its_name_and_range() {
    let wrong = [
        with(|c| c.failure_threshold = Some(0)),
        with(|c| c.failure_threshold = Some(1_000_001)),
        with(|c| c.failure_threshold = None),
        with(|c| c.success_threshold = 0),
        with(|c| c.half_open_trials = 0),
        with(|c| c.reset_timeout = Duration::ZERO),
        with(|c| c.max_reset_timeout = Some(ms(4_999))),
        with(|c| c.half_open_timeout = Duration::ZERO),
        with(|c| c.half_open_timeout = Duration::MAX),
        with(|c| c.ramp = Some(Duration::ZERO)),
        windowed(|w| w.size = WindowSize::Calls(0)),
        windowed(|w| w.size = WindowSize::Calls(1_000_001)),
        windowed(|w| w.size = WindowSize::Time(Duration::from_micros(999))),
        windowed(|w| w.minimum_calls = 0),
        windowed(|w| w.minimum_calls = 101),
        windowed(|w| w.failure_percent = 0),
        windowed(|w| w.failure_percent = 101),
        slow(Duration::ZERO, 50),
        slow(secs(1), 0),
        slow(secs(1), 101),
    ];
    insta::assert_snapshot!(wrong.map(refused).join("\n"), @"
    option `failure_threshold` must be from 1 to 1,000,000
    option `failure_threshold` must be from 1 to 1,000,000
    option `failure_threshold` must be from 1 to 1,000,000 where there is no window, or nothing would open it
    option `success_threshold` must be 1 or more
    option `half_open_trials` must be 1 or more
    option `reset_timeout` must be more than zero
    option `max_reset_timeout` must be `reset_timeout` or more, or `None`
    option `half_open_timeout` must be more than zero and 30 days at most
    option `half_open_timeout` must be more than zero and 30 days at most
    option `ramp` must be more than zero, or `None` for none
    option `window.size` must be from 1 to 1,000,000 calls
    option `window.size` must be from 1 to 1,000,000 calls
    option `window.size` must be 1 ms or more
    option `window.minimum_calls` must be 1 or more, and `size` at most
    option `window.minimum_calls` must be 1 or more, and `size` at most
    option `window.failure_percent` must be from 1 to 100
    option `window.failure_percent` must be from 1 to 100
    option `window.slow_call.duration` must be more than zero
    option `window.slow_call.percent` must be from 1 to 100
    option `window.slow_call.percent` must be from 1 to 100
    ");
}

#[test]
fn the_ends_of_each_range_are_allowed() {
    let allowed = [
        with(|c| c.failure_threshold = Some(1)),
        with(|c| c.failure_threshold = Some(1_000_000)),
        with(|c| c.success_threshold = u32::MAX),
        with(|c| c.half_open_trials = u32::MAX),
        with(|c| c.reset_timeout = Duration::from_nanos(1)),
        with(|c| c.reset_timeout = Duration::MAX),
        with(|c| c.max_reset_timeout = Some(Duration::MAX)),
        with(|c| c.max_reset_timeout = Some(secs(5))),
        with(|c| c.half_open_timeout = secs(30 * 24 * 3_600)),
        with(|c| c.call_timeout = Duration::ZERO),
        with(|c| c.call_timeout = Duration::MAX),
        with(|c| c.ramp = Some(Duration::MAX)),
        windowed(|w| (w.size, w.minimum_calls) = (WindowSize::Calls(1), 1)),
        windowed(|w| w.size = WindowSize::Calls(1_000_000)),
        windowed(|w| w.size = WindowSize::Time(ms(1))),
        windowed(|w| (w.size, w.minimum_calls) = (WindowSize::Time(Duration::MAX), u32::MAX)),
        slow(Duration::MAX, 100),
    ];
    for config in allowed {
        let breaker = Breaker::new(config).unwrap();
        assert_eq!(breaker.call_sync(|| Ok::<_, ()>(1)), Ok(1));
        breaker.trip();
        let _ = (
            breaker.state(),
            breaker.call_sync(|| Err::<(), _>(1)),
            breaker.stats(),
        );
    }
}
