//! Counters: steps, beginnings, bounds, and the ends of the number line.

use patterns_store::{OrderedSet, Step, TableError, TableOwner};
use testing::secs;

use crate::support::owner;

#[test]
fn a_missing_counter_begins_at_zero_or_where_it_is_told() {
    let owner: TableOwner<&str, i64> = owner();
    assert_eq!(owner.update_counter(&"a", 5), Ok(5));
    assert_eq!(owner.update_counter(&"a", -7), Ok(-2));
    assert_eq!(owner.update_counter(&"b", Step::by(1).from(10)), Ok(11));
    assert_eq!(owner.update_counter(&"b", Step::by(1).from(10)), Ok(12));
    assert_eq!(owner.get("b"), Ok(Some(12)));
}

#[test]
fn counters_work_in_ordered_sets() {
    let owner: TableOwner<u32, u8, OrderedSet> = owner();
    assert_eq!(owner.update_counter(&1, 5), Ok(5));
    assert_eq!(owner.update_counter(&1, 5), Ok(10));
}

/// As `ets:update_counter` with a threshold and a set value.
#[test]
fn a_bound_resets_the_counter_when_it_is_passed_and_not_when_it_is_met() {
    let owner: TableOwner<u32, i32> = owner();
    let up = Step::by(4).bound(10, 1);
    assert_eq!(owner.update_counter(&1, up), Ok(4));
    assert_eq!(owner.update_counter(&1, up), Ok(8));
    assert_eq!(owner.update_counter(&1, up), Ok(1));
    owner.put(1, 6).unwrap();
    assert_eq!(
        owner.update_counter(&1, up),
        Ok(10),
        "not above the threshold"
    );
    let down = Step::by(-4).bound(0, 100);
    assert_eq!(owner.update_counter(&1, down), Ok(6));
    assert_eq!(owner.update_counter(&1, down), Ok(2));
    assert_eq!(owner.update_counter(&1, down), Ok(100));
    owner.put(1, 4).unwrap();
    assert_eq!(owner.update_counter(&1, down), Ok(0));
    // A step of nothing goes upwards, as in ETS.
    owner.put(1, 50).unwrap();
    assert_eq!(owner.update_counter(&1, Step::by(0).bound(10, 3)), Ok(3));
}

#[test]
fn a_counter_overflows_with_an_error_and_stays_as_it_was() {
    let owner: TableOwner<u32, u8> = owner();
    owner.put(1, 250).unwrap();
    assert_eq!(owner.update_counter(&1, 5), Ok(255));
    assert_eq!(owner.update_counter(&1, 1), Err(TableError::Overflow));
    assert_eq!(
        owner.update_counter(&1, i64::MAX),
        Err(TableError::Overflow)
    );
    assert_eq!(
        owner.update_counter(&1, i64::MIN),
        Err(TableError::Overflow)
    );
    assert_eq!(owner.get(&1), Ok(Some(255)));
    assert_eq!(owner.update_counter(&2, -1), Err(TableError::Overflow));
    assert_eq!(owner.get(&2), Ok(None), "a failed step puts no row");
}

#[test]
fn a_bound_goes_before_the_range_of_the_type() {
    let owner: TableOwner<u32, u8> = owner();
    owner.put(1, 250).unwrap();
    assert_eq!(
        owner.update_counter(&1, Step::by(100).bound(255, 255)),
        Ok(255)
    );
    assert_eq!(
        owner.update_counter(&1, Step::by(-1_000).bound(0, 0)),
        Ok(0)
    );
}

#[test]
fn the_greatest_numbers_of_each_type_can_be_reached() {
    let wide: TableOwner<u32, u64> = owner();
    wide.put(1, u64::MAX - 1).unwrap();
    assert_eq!(wide.update_counter(&1, 1), Ok(u64::MAX));
    assert_eq!(wide.update_counter(&1, 1), Err(TableError::Overflow));
    assert_eq!(wide.update_counter(&1, i64::MIN), Ok(u64::MAX - (1 << 63)));
    let signed: TableOwner<u32, i64> = owner();
    signed.put(1, i64::MIN + 1).unwrap();
    assert_eq!(signed.update_counter(&1, -1), Ok(i64::MIN));
    assert_eq!(signed.update_counter(&1, -1), Err(TableError::Overflow));
    assert_eq!(signed.update_counter(&1, i64::MAX), Ok(-1));
}

#[tokio::test(start_paused = true)]
async fn a_counter_keeps_its_time_to_live_and_begins_anew_after_it() {
    let owner: TableOwner<u32, u32> = owner();
    owner.put_with_ttl(1, 10, secs(2)).unwrap();
    tokio::time::advance(secs(1)).await;
    assert_eq!(owner.update_counter(&1, 1), Ok(11));
    tokio::time::advance(secs(1)).await;
    assert_eq!(owner.get(&1), Ok(None));
    assert_eq!(owner.update_counter(&1, 1), Ok(1));
    tokio::time::advance(secs(1_000)).await;
    assert_eq!(owner.get(&1), Ok(Some(1)), "the new row has no deadline");
    assert_eq!(owner.size(), Ok(1));
}
