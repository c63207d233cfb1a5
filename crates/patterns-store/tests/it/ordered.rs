//! Ranges, prefixes and neighbours.

use std::cmp::Ordering;
use std::ops::Bound::{Excluded, Included, Unbounded};

use patterns_store::{OrderedSet, TableOwner};
use testing::secs;

use crate::support::owner;

fn numbers(keys: impl IntoIterator<Item = u32>) -> TableOwner<u32, u32, OrderedSet> {
    let owner = owner();
    for key in keys {
        owner.put(key, key * 10).unwrap();
    }
    owner
}

fn keys(rows: Vec<(u32, u32)>) -> Vec<u32> {
    rows.into_iter().map(|(key, _)| key).collect()
}

#[test]
fn a_range_gives_its_rows_in_order() {
    let owner = numbers([9, 1, 5, 3, 7]);
    assert_eq!(owner.range(3..7), Ok(vec![(3, 30), (5, 50)]));
    assert_eq!(keys(owner.range(3..=7).unwrap()), [3, 5, 7]);
    assert_eq!(keys(owner.range(..).unwrap()), [1, 3, 5, 7, 9]);
    assert_eq!(
        keys(owner.range((Excluded(3), Unbounded)).unwrap()),
        [5, 7, 9]
    );
    assert_eq!(keys(owner.range((Excluded(3), Excluded(7))).unwrap()), [5]);
}

#[test]
fn a_range_that_ends_before_it_begins_is_empty_and_no_panic() {
    let owner = numbers(0..10);
    let (three, seven) = (3, 7);
    assert_eq!(owner.range(seven..three), Ok(vec![]));
    assert_eq!(owner.range(three..three), Ok(vec![]));
    assert_eq!(owner.range((Excluded(3), Excluded(3))), Ok(vec![]));
    assert_eq!(owner.range((Excluded(3), Included(3))), Ok(vec![]));
    assert_eq!(owner.range((Included(3), Excluded(3))), Ok(vec![]));
    assert_eq!(keys(owner.range(three..=three).unwrap()), [3]);
}

#[test]
fn pages_go_through_a_table_without_gap_and_overlap() {
    let owner = numbers(0..1_000);
    let mut seen = Vec::new();
    let mut page = owner.page(.., 64).unwrap();
    while let Some(&(last, _)) = page.last() {
        seen.extend(keys(page));
        page = owner.page((Excluded(last), Unbounded), 64).unwrap();
    }
    assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
    assert_eq!(owner.page(.., 0), Ok(vec![]));
}

#[test]
fn a_prefix_finds_what_begins_with_it() {
    let owner: TableOwner<String, u32, OrderedSet> = owner();
    for (value, key) in (0..).zip(["te", "tea", "team", "teb", "tez", "tf", "é", "éa"]) {
        owner.put(key.to_owned(), value).unwrap();
    }
    let found = |prefix: &str| -> Vec<String> {
        let rows = owner.prefix(prefix).unwrap();
        rows.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(found("tea"), ["tea", "team"]);
    assert_eq!(found("te"), ["te", "tea", "team", "teb", "tez"]);
    assert_eq!(found("é"), ["é", "éa"]);
    assert_eq!(found("x"), Vec::<String>::new());
    assert_eq!(found("").len(), 8);
}

#[test]
fn a_prefix_of_bytes_may_end_in_the_greatest_one() {
    let owner: TableOwner<Vec<u8>, u32, OrderedSet> = owner();
    for (value, key) in (0..).zip([vec![0xFF], vec![0xFF, 0xFF], vec![0xFF, 1], vec![0xFE]]) {
        owner.put(key, value).unwrap();
    }
    assert_eq!(owner.prefix(&[0xFF][..]).unwrap().len(), 3);
    assert_eq!(owner.prefix(&[0xFF, 0xFF][..]).unwrap().len(), 1);
}

#[test]
fn neighbours_are_found_from_keys_that_are_there_and_from_others() {
    let owner = numbers([1, 5, 9]);
    assert_eq!(owner.first(), Ok(Some((1, 10))));
    assert_eq!(owner.last(), Ok(Some((9, 90))));
    assert_eq!(owner.next(&1), Ok(Some((5, 50))));
    assert_eq!(owner.next(&4), Ok(Some((5, 50))));
    assert_eq!(owner.next(&9), Ok(None));
    assert_eq!(owner.prev(&9), Ok(Some((5, 50))));
    assert_eq!(owner.prev(&6), Ok(Some((5, 50))));
    assert_eq!(owner.prev(&1), Ok(None));
    owner.clear().unwrap();
    assert_eq!(owner.first(), Ok(None));
    assert_eq!(owner.last(), Ok(None));
}

#[tokio::test(start_paused = true)]
async fn rows_whose_time_is_over_are_passed_by() {
    let owner = numbers([3]);
    for key in [1, 2, 4, 5] {
        owner.put_with_ttl(key, 0, secs(1)).unwrap();
    }
    tokio::time::advance(secs(1)).await;
    assert_eq!(keys(owner.range(..).unwrap()), [3]);
    assert_eq!(owner.page(.., 1), Ok(vec![(3, 30)]));
    assert_eq!(owner.first(), Ok(Some((3, 30))));
    assert_eq!(owner.last(), Ok(Some((3, 30))));
    assert_eq!(owner.next(&0), Ok(Some((3, 30))));
    assert_eq!(owner.prev(&9), Ok(Some((3, 30))));
    assert_eq!(owner.next(&3), Ok(None));
}

#[test]
fn a_snapshot_of_an_ordered_set_is_in_order() {
    let owner = numbers([5, 1, 3]);
    assert_eq!(keys(owner.snapshot().unwrap()), [1, 3, 5]);
}

/// Of two keys that are equal by `Ord` the first stays, as in the maps of std; the value is the last one.
#[test]
fn keys_that_compare_equal_are_one_key() {
    #[derive(Debug, Clone)]
    struct Loose(u32, &'static str);
    impl Ord for Loose {
        fn cmp(&self, other: &Self) -> Ordering {
            self.0.cmp(&other.0)
        }
    }
    impl PartialOrd for Loose {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl PartialEq for Loose {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }
    impl Eq for Loose {}
    let owner: TableOwner<Loose, u32, OrderedSet> = owner();
    owner.put(Loose(1, "first"), 10).unwrap();
    assert_eq!(owner.get(&Loose(1, "second")), Ok(Some(10)));
    assert_eq!(owner.put(Loose(1, "second"), 11).unwrap(), Some(10));
    let rows = owner.snapshot().unwrap();
    assert_eq!((rows[0].0.1, rows[0].1, rows.len()), ("first", 11, 1));
}

/// An order that contradicts itself is a fault of the program's. It costs rows, and nothing else.
#[test]
fn an_order_that_contradicts_itself_harms_nothing_but_its_rows() {
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Mad(u32);
    impl Ord for Mad {
        fn cmp(&self, other: &Self) -> Ordering {
            if (self.0 ^ other.0).count_ones().is_multiple_of(2) {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
    impl PartialOrd for Mad {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    let owner: TableOwner<Mad, u32, OrderedSet> = crate::support::bounded(50);
    for key in 0..100 {
        let _ = owner.put(Mad(key % 30), key);
        let _ = owner.alter(&Mad(key % 7), |value| value);
        let _ = owner.take(&Mad(key % 11));
        let _ = owner.update_counter(&Mad(key % 5), 1);
    }
    let _ = owner.select_delete(|key, _| key.0 % 2 == 0);
    assert!(owner.size().unwrap() <= 50);
    owner.clear().unwrap();
    assert_eq!(owner.size(), Ok(0));
}
