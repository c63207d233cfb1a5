//! What is counted.

use patterns_store::{Bag, Store, TableOwner, TableStats};

use crate::support::{owner, store};

fn counts(stats: TableStats) -> (u64, u64, usize) {
    (stats.hits, stats.misses, stats.size)
}

#[test]
fn each_read_of_a_key_is_a_hit_or_a_miss_whoever_reads() {
    let owner: TableOwner<u32, u32> = owner();
    let table = owner.table();
    assert_eq!(owner.stats().unwrap().hit_ratio(), None);
    owner.put(1, 10).unwrap();
    owner.get(&1).unwrap();
    table.get(&1).unwrap();
    table.get(&2).unwrap();
    assert_eq!(counts(table.stats().unwrap()), (2, 1, 1));
    table.member(&1).unwrap();
    table.member(&2).unwrap();
    table.with(&1, |_| ()).unwrap();
    table.with(&2, |_| ()).unwrap();
    assert_eq!(counts(owner.stats().unwrap()), (4, 3, 1));
    assert_eq!(owner.stats().unwrap().hit_ratio(), Some(4.0 / 7.0));
}

#[test]
fn what_is_no_read_of_a_key_is_not_counted() {
    let owner: TableOwner<u32, u32> = owner();
    owner.put(1, 10).unwrap();
    owner.update_counter(&1, 1).unwrap();
    owner.alter(&1, |value| value).unwrap();
    owner.compare_and_swap(&1, &11, 12).unwrap();
    owner.snapshot().unwrap();
    let index = owner.index(|_, value| *value).unwrap();
    index.get(&12).unwrap();
    owner.take(&1).unwrap();
    assert_eq!(counts(owner.stats().unwrap()), (0, 0, 0));
}

#[test]
fn a_bag_counts_one_hit_for_a_list() {
    let owner: TableOwner<u32, u32, Bag> = owner();
    owner.put(1, 10).unwrap();
    owner.put(1, 11).unwrap();
    owner.get(&1).unwrap();
    owner.get(&2).unwrap();
    assert_eq!(counts(owner.stats().unwrap()), (1, 1, 2));
}

#[tokio::test]
async fn reads_through_the_owner_and_direct_ones_are_counted_alike() {
    let store: Store<u32, u32> = store().await;
    store.put(1, 10).await.unwrap();
    store.get(1).await.unwrap();
    store.get(2).await.unwrap();
    store.fetch(&1).unwrap();
    store.table().get(&2).unwrap();
    store.member(1).await.unwrap();
    assert_eq!(counts(store.stats().await.unwrap()), (3, 2, 1));
}
