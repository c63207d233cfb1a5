//! The decision against a delivery that is played through.

use std::time::Duration;

use otp_core::backoff::Backoff;
use proptest::prelude::*;

use super::{Next, after_failure};
use crate::GaveUp;

/// Plays a delivery whose attempts take no time and all fail: how many there were, how it ended, how much time had passed.
fn play(most: u32, worth: u32, backoff: &Backoff, limit: Option<u64>) -> (u32, GaveUp, Duration) {
    let (mut attempts, mut now) = (0, Duration::ZERO);
    loop {
        attempts += 1;
        let left = limit.map(|limit| Duration::from_millis(limit).saturating_sub(now));
        match after_failure(
            attempts,
            most,
            attempts != worth,
            backoff.delay_by(attempts - 1, 0),
            left,
        ) {
            Next::Retry(rest) => now += rest,
            Next::GiveUp(why) => return (attempts, why, now),
        }
    }
}

proptest! {
    #[test]
    fn a_delivery_that_always_fails_ends_as_the_model_says(
        most in 1..12_u32,
        worth in 0..14_u32,
        first in 0..50_u64,
        limit in prop::option::of(0..2_000_u64),
    ) {
        let backoff = Backoff::exponential(Duration::from_millis(first), Duration::from_millis(200));
        // The model: the moments of all attempts, and then the first rule that ends it.
        let moments: Vec<u64> = (0..most)
            .scan(0, |at, n| {
                let now = *at;
                *at += (first << n).min(200);
                Some(now)
            })
            .collect();
        let in_time = moments.iter().skip(1).take_while(|at| limit.is_none_or(|limit| **at < limit)).count() + 1;
        let in_time = u32::try_from(in_time).expect("twelve at most");
        let (attempts, why) = if worth >= 1 && worth <= in_time {
            (worth, GaveUp::NotWorthIt)
        } else if in_time == most {
            (most, GaveUp::Exhausted)
        } else {
            (in_time, GaveUp::NoTime)
        };
        let took = Duration::from_millis(moments[attempts as usize - 1]);
        prop_assert_eq!(play(most, worth, &backoff, limit), (attempts, why, took));
    }
}

#[test]
fn the_greatest_number_of_attempts_is_no_limit() {
    let next = after_failure(u32::MAX, u32::MAX, true, Duration::ZERO, None);
    assert_eq!(next, Next::Retry(Duration::ZERO));
}
