//! Time as a number.

use std::time::Duration;

use otp_core::clock::{Clock, NEVER, RoundedUp, after, nanos};
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn a_clock_counts_the_nanoseconds_of_a_paused_runtime() {
    let clock = Clock::new();
    assert_eq!(clock.now(), 0);
    advance(Duration::from_millis(3)).await;
    assert_eq!(clock.now(), 3_000_000);
    assert_eq!(clock.at(Instant::now()), 3_000_000);
    assert_eq!(clock.instant(3_000_000), Instant::now());
}

#[tokio::test(start_paused = true)]
async fn a_moment_before_the_start_is_the_start() {
    let before = Instant::now();
    advance(Duration::from_secs(1)).await;
    assert_eq!(Clock::default().at(before), 0);
}

#[test]
fn a_clock_needs_no_runtime_and_does_not_go_back() {
    let clock = Clock::new();
    let first = clock.now();
    assert!(first <= clock.now());
}

#[test]
fn durations_beyond_584_years_are_never() {
    assert_eq!(nanos(Duration::from_nanos(7)), 7);
    assert_eq!(nanos(Duration::from_nanos(NEVER - 1)), NEVER - 1);
    assert_eq!(nanos(Duration::from_nanos(NEVER)), NEVER);
    assert_eq!(nanos(Duration::MAX), NEVER);
    assert_eq!(after(5, Duration::from_nanos(7)), 12);
    assert_eq!(after(5, Duration::MAX), NEVER);
    assert_eq!(after(NEVER - 1, Duration::from_nanos(7)), NEVER);
}

#[test]
fn a_far_moment_is_told_without_a_panic() {
    let clock = Clock::new();
    // Whether it can is the platform's; either way it is told, without a panic.
    assert!(clock.instant(NEVER) >= clock.instant(0));
}

#[test]
fn a_time_to_wait_is_told_in_the_largest_unit_that_fits_and_rounded_up() {
    let told = [
        (Duration::ZERO, "0 ns"),
        (Duration::from_nanos(7), "7 ns"),
        (Duration::from_nanos(1_001), "2 µs"),
        (Duration::from_micros(999), "999 µs"),
        (Duration::from_nanos(999_001), "1 ms"),
        (Duration::from_millis(999), "999 ms"),
        (Duration::from_nanos(999_000_001), "1 s"),
        (Duration::from_secs(1), "1 s"),
        (Duration::from_nanos(1_000_000_001), "2 s"),
    ];
    for (time, text) in told {
        assert_eq!(RoundedUp(time).to_string(), text, "{time:?}");
    }
}
