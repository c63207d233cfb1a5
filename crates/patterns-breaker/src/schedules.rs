//! Trials, generations, totals and listeners, in every order that a schedule checker tries: see `cargo xtask schedules`.

mod keyed;
mod outcomes;
mod told;
mod trials;

use std::time::Duration;

use schedules::shuttle::thread::JoinHandle;

use crate::{Breaker, BreakerConfig, BreakerStats, State, WindowConfig, WindowSize};

const RESET: Duration = Duration::from_secs(5);

fn breaker(config: BreakerConfig) -> Breaker {
    Breaker::new(config).expect("the options are good")
}

/// Opens after so many failures in a row.
fn after(failures: u32) -> BreakerConfig {
    BreakerConfig {
        failure_threshold: Some(failures),
        ..BreakerConfig::default()
    }
}

/// The same by a window.
fn by_window(failures: u32) -> BreakerConfig {
    BreakerConfig {
        failure_threshold: None,
        window: Some(WindowConfig {
            size: WindowSize::Calls(4),
            minimum_calls: failures,
            failure_percent: 100,
            slow_call: None,
        }),
        ..BreakerConfig::default()
    }
}

fn half_open(config: BreakerConfig) -> Breaker {
    let breaker = breaker(config);
    breaker.trip();
    breaker.shared().clock().advance(RESET);
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker
}

fn assert_conserved(stats: &BreakerStats) {
    let ended = stats.successes + stats.failures + stats.ignored + stats.cancelled;
    assert_eq!(stats.calls, ended + stats.in_flight as u64, "{stats:?}");
}

fn join<const N: usize>(threads: [JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().expect("no panics");
    }
}
