//! The decision beside a model in exact fractions.

use std::time::Duration;

use proptest::prelude::*;

use super::{Gcra, Short};

/// A bucket in exact fractions: what is owed, in tokens times `period`, at a moment in nanoseconds.
struct Model {
    capacity: u128,
    refill: u128,
    period: u128,
    owed: u128,
    at: u128,
}

impl Model {
    fn new(capacity: u32, refill: u32, period: u64) -> Self {
        let (refill, period) = (u128::from(refill), u128::from(period));
        Self {
            capacity: u128::from(capacity) * period,
            refill,
            period,
            owed: 0,
            at: 0,
        }
    }

    fn take(&mut self, now: u64, tokens: u32) -> bool {
        let now = u128::from(now);
        self.owed = self.owed.saturating_sub((now - self.at) * self.refill);
        self.at = now;
        let owed = self.owed + u128::from(tokens) * self.period;
        let allowed = owed <= self.capacity;
        if allowed {
            self.owed = owed;
        }
        allowed
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("it is short")
}

/// Quotas of people, and quotas of nobody.
fn quotas() -> impl Strategy<Value = (u32, u32, u64)> {
    let usual = (
        1..2_000_u32,
        1..5_000_u32,
        prop_oneof![
            Just(1_000_000_000),
            Just(60_000_000_000),
            Just(3_600_000_000_000_u64)
        ],
    );
    let odd = (1..50_u32, 1..1_000_u32, 1_000..10_000_000_000_u64);
    prop_oneof![usual, odd]
}

/// Times between requests: none, about one token's, long, and a year's.
fn gaps() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0),
        6 => 1..10_000_000_u64,
        4 => 1..3_000_000_000_u64,
        1 => 1..400_000_000_000_000_u64,
        1 => 1..32_000_000_000_000_000_u64,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_decides_as_exact_fractions_do(
        (capacity, refill, period) in quotas(),
        requests in prop::collection::vec((gaps(), 1..12_u32), 1..60),
    ) {
        let gcra = Gcra::new(capacity, refill, period);
        // A rate that was rounded is another test's.
        prop_assume!(u128::from(gcra.step) * u128::from(period) == u128::from(gcra.cost) * u128::from(gcra.grid) * u128::from(refill));
        let mut model = Model::new(capacity, refill, period);
        let (mut tat, mut now) = (0, 0_u64);
        for (gap, tokens) in requests {
            now += gap;
            let taken = gcra.take(tat, gcra.units(now), tokens, 0);
            // All of a step of the grid comes back at its end.
            let allowed = model.take(now / gcra.grid * gcra.grid, tokens);
            prop_assert_eq!(taken.is_ok(), allowed);
            match taken {
                Ok(after) => {
                    tat = after;
                    let left = (model.capacity - model.owed) / model.period;
                    prop_assert_eq!(u128::from(gcra.left(tat, gcra.units(now))), left);
                }
                Err(Short::Never) => prop_assert!(tokens > capacity),
                Err(Short::Units(units)) => {
                    let wait = nanos(gcra.wait(now, units));
                    prop_assert!(gcra.take(tat, gcra.units(now + wait), tokens, 0).is_ok());
                    prop_assert!(gcra.take(tat, gcra.units(now + wait - 1), tokens, 0).is_err());
                }
            }
        }
    }

    #[test]
    fn it_never_allows_more_than_exact_fractions_whatever_the_numbers(
        capacity in 1..1_000_000_u32,
        refill in 1..u32::MAX,
        period in 1_000_000_000..100_000_000_000_u64,
        requests in prop::collection::vec((gaps(), 1..100_000_u32), 1..60),
    ) {
        let gcra = Gcra::new(capacity, refill, period);
        let mut model = Model::new(capacity, refill, period);
        let (mut tat, mut now) = (0, 0_u64);
        for (gap, tokens) in requests {
            now += gap;
            if let Ok(after) = gcra.take(tat, gcra.units(now), tokens, 0) {
                prop_assert!(model.take(now, tokens));
                tat = after;
            }
        }
    }
}

#[test]
fn what_comes_back_at_the_end_of_a_step_is_little() {
    for (capacity, refill) in [
        (500, 999_983),
        (5, 99_991),
        (10, 9_973),
        (3, 7),
        (100, 44_100),
        (600, 12_343),
    ] {
        let gcra = Gcra::new(capacity, refill, 1_000_000_000);
        // All of it just before the end of a step, and one more token just after.
        let end = gcra.grid * 1_000;
        let tat = gcra
            .take(0, gcra.units(end - 1), capacity, 0)
            .expect("it is full");
        let come_early = u128::from(gcra.step) * 16;
        assert!(
            gcra.grid == 1 || come_early <= u128::from(gcra.cost),
            "{refill} a second"
        );
        assert!(gcra.take(tat, gcra.units(end), 1, 0).is_err());
    }
}

/// Takes what there is, as soon as it is there, for a year. It takes less than the capacity at once, for a bucket that is full loses what comes back.
fn greedy(capacity: u32, refill: u32, period: Duration, at_once: u32) {
    const YEAR: u64 = 365 * 86_400 * 1_000_000_000;
    let period = nanos(period);
    let gcra = Gcra::new(capacity, refill, period);
    let (mut tat, mut now, mut total) = (0, 0, 0_u64);
    while now < YEAR {
        match gcra.take(tat, gcra.units(now), at_once, 0) {
            Ok(after) => {
                tat = after;
                total += u64::from(at_once);
            }
            Err(Short::Units(units)) => {
                now += nanos(gcra.wait(now, units));
            }
            Err(Short::Never) => panic!("it can be"),
        }
    }
    // The last request was let in at the first moment at or after the year's end at which it could be.
    total += u64::from(gcra.left(tat, gcra.units(now)));
    let now = now / gcra.grid * gcra.grid;
    let exact = u128::from(capacity) + u128::from(now) * u128::from(refill) / u128::from(period);
    assert_eq!(u128::from(total), exact, "{capacity} {refill} {period}");
}

#[test]
fn a_year_of_greed_gets_the_capacity_and_the_rate_and_not_one_token_more_or_less() {
    let second = Duration::from_secs(1);
    greedy(10, 1, 10 * second, 10);
    greedy(5_000, 3, second, 2_000);
    greedy(100, 7, Duration::from_secs(60), 20);
    greedy(40_000, 999, second, 20_000);
    greedy(1_000_000, 9_973, second, 500_000);
    greedy(3_000_000, 44_100, second, 1_000_000);
    greedy(5, 1, Duration::from_secs(86_400), 3);
}

#[test]
fn the_usual_rates_need_no_grid() {
    for refill in [
        1, 2, 5, 10, 20, 50, 100, 200, 250, 500, 1_000, 5_000, 10_000, 1_000_000,
    ] {
        assert_eq!(
            Gcra::new(10, refill, 1_000_000_000).grid,
            1,
            "{refill} a second"
        );
    }
    assert_eq!(
        Gcra::new(10, 1_000, 3_600_000_000_000).grid,
        1,
        "a thousand an hour"
    );
}

#[test]
fn a_rate_without_a_grid_is_rounded_down_by_what_is_said() {
    // A prime number of nanoseconds.
    let period = 1_000_000_007;
    let gcra = Gcra::new(10, 1_000, period);
    let exact = 1_000.0 / 1_000_000_007.0;
    let rate = 2.0 / gcra.cost as f64;
    assert!(rate <= exact);
    assert!((exact - rate) / exact < 1_000.0 / 1e9);
}

#[test]
fn thirty_years_have_room() {
    const YEARS: u64 = 30 * 365 * 86_400 * 1_000_000_000;
    for (capacity, refill, period) in [
        (1, 1, 1),
        (u32::MAX, u32::MAX, 1 << 32),
        (10, 999_983, 1_000_000_000),
        (1, 1, YEARS),
        (50, 1_000, 1_000_000_007),
    ] {
        let gcra = Gcra::new(capacity, refill, period);
        let units = gcra.units(YEARS);
        assert!(
            units > gcra.units(YEARS - 1_000_000_000),
            "the clock goes on"
        );
        let tat = gcra.take(units, units, capacity, 0).expect("it is full");
        assert_eq!(gcra.left(tat, units), 0);
        assert!(gcra.units(u64::MAX) <= super::HORIZON);
        assert!(gcra.charge(tat, units, u32::MAX) <= super::LAST);
    }
}

#[test]
fn what_never_comes_back_is_never_waited_for() {
    let gcra = Gcra::new(3, 0, 1_000_000_000);
    let tat = gcra.take(0, gcra.units(5), 3, 0).expect("it is full");
    assert_eq!(
        gcra.take(tat, gcra.units(u64::MAX), 1, 0),
        Err(Short::Never)
    );
    assert_eq!(gcra.take(0, 0, 4, 0), Err(Short::Never));
}
