//! Windows against plain lists.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Size, Tally, Window};

/// The sums of a list of outcomes.
fn sum(outcomes: &[(bool, bool)]) -> Tally {
    Tally {
        calls: outcomes.len() as u64,
        failures: outcomes.iter().filter(|(failed, _)| *failed).count() as u64,
        slow: outcomes.iter().filter(|(_, slow)| *slow).count() as u64,
    }
}

proptest! {
    /// At every call, the sums are those of the last so many outcomes.
    #[test]
    fn a_window_of_calls_equals_a_list(
        size in 1..20_u32,
        outcomes in vec((any::<bool>(), any::<bool>(), 0..50_u8), 0..200),
    ) {
        let mut window = Window::new(Size::Calls(size));
        let mut list = Vec::new();
        for (failed, slow, clear) in outcomes {
            if clear == 0 {
                window.clear();
                list.clear();
            }
            window.push(0, failed, slow);
            list.push((failed, slow));
            let from = list.len().saturating_sub(size as usize);
            prop_assert_eq!(window.tally(0), sum(&list[from..]));
        }
    }

    /// At every call and between calls, the sums are those of the tenth that it is, and the nine before.
    #[test]
    fn a_window_of_time_equals_a_list_to_a_tenth(
        size in 1..300_u64,
        steps in vec((0..120_u64, any::<bool>(), any::<bool>(), 0..50_u8), 0..200),
    ) {
        let mut window = Window::new(Size::Time(size));
        let width = size.div_ceil(10);
        let (mut now, mut list) = (0, Vec::new());
        for (passes, failed, slow, clear) in steps {
            if clear == 0 {
                window.clear();
                list.clear();
            }
            for moment in [now + passes / 2, now + passes] {
                let within = |(at, _, _): &&(u64, bool, bool)| moment / width - at / width < 10;
                let last: Vec<_> = list.iter().filter(within).map(|(_, f, s)| (*f, *s)).collect();
                prop_assert_eq!(window.tally(moment), sum(&last));
                // All of what ended in the last nine tenths is in, and nothing older than ten.
                let recent = list.iter().filter(|(at, _, _)| moment - at < 9 * width).count() as u64;
                let old = list.iter().filter(|(at, _, _)| moment - at < 10 * width).count() as u64;
                prop_assert!((recent..=old).contains(&window.tally(moment).calls));
            }
            now += passes;
            window.push(now, failed, slow);
            list.push((now, failed, slow));
        }
    }
}

#[test]
fn a_window_of_time_without_end_keeps_all() {
    let mut window = Window::new(Size::Time(u64::MAX));
    window.push(0, true, false);
    window.push(u64::MAX - 1, false, true);
    // The last tenth of all time is another one than the first, and both are within ten.
    let both = Tally {
        calls: 2,
        failures: 1,
        slow: 1,
    };
    assert_eq!(window.tally(u64::MAX - 1), both);
}

#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let mut window = Window::new(Size::Time(10));
    window.push(100, true, false);
    window.push(3, true, false);
    assert_eq!(window.tally(100).failures, 2);
    assert_eq!(window.tally(109).failures, 2);
    assert_eq!(window.tally(110).failures, 0);
}
