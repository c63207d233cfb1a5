//! Secondary indexes, in step with every way of writing.

use patterns_store::{Index, OrderedSet, TableOwner, UniqueKeys};
use testing::secs;

use crate::support::{Alive, owner};

type ByValue<T> = Index<u32, u32, u32, T>;

fn indexed<T>() -> (TableOwner<u32, u32, T>, ByValue<T>)
where
    T: UniqueKeys<u32, u32>,
{
    let owner: TableOwner<u32, u32, T> = owner();
    owner.put(1, 10).unwrap();
    let index = owner.index(|_, value| *value).unwrap();
    (owner, index)
}

/// What the index says is what one finds by looking at all rows.
fn agrees<T>(owner: &TableOwner<u32, u32, T>, index: &ByValue<T>)
where
    T: UniqueKeys<u32, u32> + patterns_store::Lookup<u32, u32, u32>,
{
    let mut rows = owner.snapshot().unwrap();
    rows.sort_unstable_by_key(|&(key, value)| (value, key));
    assert_eq!(index.range(..).unwrap(), rows);
}

fn every_write_keeps_it_in_step<T>()
where
    T: UniqueKeys<u32, u32> + patterns_store::Lookup<u32, u32, u32>,
{
    let (owner, index) = indexed::<T>();
    assert_eq!(index.get(&10), Ok(vec![(1, 10)]));
    let check = || agrees(&owner, &index);
    owner.put(2, 10).unwrap();
    check();
    owner.put(2, 20).unwrap();
    check();
    owner.put(2, 20).unwrap();
    check();
    owner.insert_new(3, 20).unwrap();
    check();
    owner.insert_new(3, 30).unwrap();
    check();
    owner.update_counter(&3, 5).unwrap();
    check();
    owner.update_counter(&4, 5).unwrap();
    check();
    owner.compare_and_swap(&4, &5, 6).unwrap();
    check();
    owner.compare_and_swap(&4, &5, 7).unwrap();
    check();
    owner
        .alter(&4, |value| value.map(|value| value + 1))
        .unwrap();
    check();
    owner.alter(&4, |_| None).unwrap();
    check();
    owner.alter(&5, |_| Some(50)).unwrap();
    check();
    owner.take(&5).unwrap();
    check();
    owner.delete(&3).unwrap();
    check();
    owner.delete(&99).unwrap();
    check();
    for key in 100..200 {
        owner.put(key, key % 7).unwrap();
    }
    check();
    owner.select_delete(|key, _| key % 2 == 0).unwrap();
    check();
    owner.clear().unwrap();
    check();
    assert_eq!(index.range(..), Ok(vec![]));
}

#[test]
fn every_way_of_writing_keeps_an_index_in_step() {
    every_write_keeps_it_in_step::<patterns_store::Set>();
    every_write_keeps_it_in_step::<OrderedSet>();
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_time_is_over_is_not_found() {
    let (owner, index) = indexed::<OrderedSet>();
    owner.put_with_ttl(2, 10, secs(1)).unwrap();
    assert_eq!(index.get(&10).unwrap().len(), 2);
    tokio::time::advance(secs(1)).await;
    assert_eq!(index.get(&10), Ok(vec![(1, 10)]));
    owner.sweep().unwrap();
    agrees(&owner, &index);
    owner.put_with_ttl(2, 10, secs(1)).unwrap();
    tokio::time::advance(secs(1)).await;
    owner.put(2, 30).unwrap();
    agrees(&owner, &index);
    assert_eq!(index.get(&10), Ok(vec![(1, 10)]));
}

#[test]
fn a_range_of_index_values_comes_in_their_order() {
    let owner: TableOwner<&str, u32> = owner();
    let index = owner.index(|_, value| *value).unwrap();
    for (key, value) in [("c", 1), ("a", 3), ("b", 2), ("d", 2)] {
        owner.put(key, value).unwrap();
    }
    assert_eq!(index.range(2..), Ok(vec![("b", 2), ("d", 2), ("a", 3)]));
    let (low, high) = (1, 3);
    assert_eq!(index.range(high..low), Ok(vec![]));
    assert_eq!(index.get(&9), Ok(vec![]));
}

#[test]
fn an_index_may_compute_from_key_and_value_and_be_asked_by_what_it_borrows_as() {
    let owner: TableOwner<u32, String> = owner();
    let initials = owner.index(|key, value| format!("{key}{value}")).unwrap();
    owner.put(1, "a".to_owned()).unwrap();
    assert_eq!(initials.get("1a"), Ok(vec![(1, "a".to_owned())]));
}

#[test]
fn several_indexes_go_side_by_side() {
    let owner: TableOwner<u32, u32> = owner();
    let tens = owner.index(|_, value| value / 10).unwrap();
    let odd = owner.index(|_, value| value % 2 == 1).unwrap();
    for value in 0..100 {
        owner.put(value, value).unwrap();
    }
    assert_eq!(tens.get(&3).unwrap().len(), 10);
    assert_eq!(odd.get(&true).unwrap().len(), 50);
}

#[test]
fn a_dropped_index_costs_nothing_any_more() {
    let (owner, index) = indexed::<patterns_store::Set>();
    let other = index.clone();
    drop(index);
    assert_eq!(owner.info().unwrap().watchers, 1);
    assert_eq!(other.get(&10), Ok(vec![(1, 10)]));
    drop(other);
    assert_eq!(owner.info().unwrap().watchers, 0);
}

#[test]
fn an_index_keeps_no_row_alive_after_the_table() {
    let alive = Alive::default();
    let owner: TableOwner<u32, crate::support::Counted> = owner();
    let held = alive.value();
    let index = owner
        .index(move |key, _| {
            let _ = &held;
            *key
        })
        .unwrap();
    owner.put(1, alive.value()).unwrap();
    drop(owner);
    assert_eq!(alive.count(), 1, "the closure's own");
    drop(index);
    assert_eq!(alive.count(), 0);
}

/// A key that counts how many of it there are, clones included.
#[derive(Debug, Clone)]
struct Key(
    u32,
    #[expect(dead_code, reason = "it is counted")] crate::support::Counted,
);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// One of a row's key in the table, and two in the index; nothing of a row that is gone, whatever way it went.
#[tokio::test(start_paused = true)]
async fn an_index_lets_go_of_rows_that_are_gone() {
    let alive = Alive::default();
    let key = |number| Key(number, alive.value());
    let owner: TableOwner<Key, u32> = owner();
    let index = owner.index(|_, value| value % 5).unwrap();
    let holds = |rows: usize| assert_eq!(alive.count(), 3 * rows);
    for number in 0..100 {
        owner.put(key(number), number).unwrap();
    }
    holds(100);
    for number in 0..10 {
        owner.put(key(number), number + 1).unwrap();
        owner.delete(&key(number + 10)).unwrap();
        owner.alter(&key(number + 20), |_| None).unwrap();
    }
    holds(80);
    owner.select_delete(|key, _| key.0 % 2 == 0).unwrap();
    holds(40);
    owner.clear().unwrap();
    holds(0);
    for number in 0..100 {
        owner.put_with_ttl(key(number), number, secs(1)).unwrap();
    }
    tokio::time::advance(secs(1)).await;
    holds(100);
    owner.sweep().unwrap();
    holds(0);
    drop(index);
}
