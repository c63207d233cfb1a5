//! The window counts as a plain list of restarts does, to the edge of the period.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::Window;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Whether each of the restarts, so many milliseconds after the first, is allowed.
fn allowed(intensity: usize, period: Duration, restarts: &[u64]) -> Vec<bool> {
    let (mut window, begun) = (Window::new(intensity, period), Instant::now());
    let allowed = restarts.iter().map(|at| window.allows(begun + ms(*at)));
    allowed.collect()
}

#[test]
fn a_restart_counts_for_exactly_the_period() {
    // One that is as old as the period still counts, one that is older does not.
    assert_eq!(allowed(1, ms(1000), &[0, 1000]), [true, false]);
    assert_eq!(allowed(1, ms(1000), &[0, 1001]), [true, true]);
    assert_eq!(allowed(1, ms(1000), &[0, 500]), [true, false]);
    assert_eq!(
        allowed(2, ms(1000), &[0, 600, 1001, 1500]),
        [true, true, true, false]
    );
}

#[test]
fn with_an_intensity_of_zero_the_first_is_one_too_many() {
    assert_eq!(allowed(0, ms(1000), &[0]), [false]);
    assert_eq!(allowed(0, Duration::ZERO, &[0]), [false]);
}

#[test]
fn in_a_period_of_zero_only_those_of_the_same_moment_count() {
    assert_eq!(allowed(1, Duration::ZERO, &[0, 1, 1]), [true, true, false]);
}

#[test]
fn without_a_limit_nothing_is_remembered() {
    let (mut window, now) = (Window::new(usize::MAX, Duration::MAX), Instant::now());
    assert!((0..1000).all(|_| window.allows(now)));
    assert!(window.restarts.is_empty());
}

#[test]
fn a_clock_that_goes_back_makes_no_restart_old() {
    let (mut window, now) = (Window::new(1, ms(10)), Instant::now() + ms(1000));
    assert!(window.allows(now));
    assert!(!window.allows(now - ms(500)));
}

proptest! {
    /// The same as counting through the list of all restarts.
    #[test]
    fn it_counts_as_a_plain_list_does(
        intensity in 0usize..4,
        period in 0u64..20,
        gaps in prop::collection::vec(0u64..10, 0..60),
    ) {
        let times: Vec<u64> = gaps.iter().scan(0, |now, gap| { *now += gap; Some(*now) }).collect();
        let expected: Vec<bool> = (0..times.len()).map(|at| {
            let young = |then: &&u64| times[at] - **then <= period;
            times[..=at].iter().filter(young).count() <= intensity
        }).collect();
        prop_assert_eq!(allowed(intensity, ms(period), &times), expected);
    }
}
