//! What bags do, with and without equal rows.

use patterns_store::{Bag, DuplicateBag, TableOwner};
use testing::secs;

use crate::support::{Alive, owner};

#[test]
fn a_bag_drops_an_equal_row_and_keeps_the_order() {
    let owner: TableOwner<&str, u32, Bag> = owner();
    assert!(owner.put("a", 1).unwrap());
    assert!(owner.put("a", 2).unwrap());
    assert!(!owner.put("a", 1).unwrap());
    assert!(owner.put("b", 1).unwrap());
    assert_eq!(owner.get("a"), Ok(vec![1, 2]));
    assert_eq!(owner.size(), Ok(3));
}

#[test]
fn a_duplicate_bag_keeps_equal_rows() {
    let owner: TableOwner<&str, u32, DuplicateBag> = owner();
    for value in [1, 2, 1] {
        owner.put("a", value).unwrap();
    }
    assert_eq!(owner.get("a"), Ok(vec![1, 2, 1]));
    assert_eq!(owner.size(), Ok(3));
}

#[test]
fn a_key_with_one_row_or_none_is_a_list_too() {
    let owner: TableOwner<&str, u32, Bag> = owner();
    owner.put("a", 1).unwrap();
    assert_eq!(owner.get("a"), Ok(vec![1]));
    assert_eq!(owner.get("b"), Ok(vec![]));
}

#[test]
fn delete_and_take_remove_all_of_a_key() {
    let owner: TableOwner<&str, u32, DuplicateBag> = owner();
    for value in [1, 2, 1] {
        owner.put("a", value).unwrap();
    }
    owner.put("b", 9).unwrap();
    assert_eq!(owner.take("a"), Ok(vec![1, 2, 1]));
    assert_eq!(owner.take("a"), Ok(vec![]));
    assert_eq!(owner.delete("b"), Ok(true));
    assert_eq!(owner.delete("b"), Ok(false));
    assert_eq!(owner.size(), Ok(0));
}

#[test]
fn delete_row_removes_one_value_and_leaves_the_rest_in_order() {
    let owner: TableOwner<&str, u32, DuplicateBag> = owner();
    for value in [1, 2, 1, 3] {
        owner.put("a", value).unwrap();
    }
    assert_eq!(owner.delete_row("a", &1), Ok(2));
    assert_eq!(owner.get("a"), Ok(vec![2, 3]));
    assert_eq!(owner.delete_row("a", &9), Ok(0));
    assert_eq!(owner.delete_row("b", &1), Ok(0));
    assert_eq!(owner.delete_row("a", &2), Ok(1));
    assert_eq!(owner.delete_row("a", &3), Ok(1));
    assert_eq!(owner.member("a"), Ok(false));
    assert_eq!(owner.size(), Ok(0));
}

#[tokio::test(start_paused = true)]
async fn each_row_of_a_key_has_its_own_time() {
    let owner: TableOwner<&str, u32, Bag> = owner();
    owner.put_with_ttl("a", 1, secs(1)).unwrap();
    owner.put("a", 2).unwrap();
    owner.put_with_ttl("a", 3, secs(3)).unwrap();
    tokio::time::advance(secs(1)).await;
    assert_eq!(owner.get("a"), Ok(vec![2, 3]));
    assert_eq!(owner.size(), Ok(2));
    assert!(
        owner.put("a", 1).unwrap(),
        "one that is over is not equal to anything"
    );
    assert_eq!(owner.sweep(), Ok(1));
    assert_eq!(owner.get("a"), Ok(vec![2, 3, 1]));
    tokio::time::advance(secs(2)).await;
    assert_eq!(owner.get("a"), Ok(vec![2, 1]));
    assert_eq!(owner.delete_row("a", &3), Ok(0));
}

#[tokio::test(start_paused = true)]
async fn an_equal_row_that_is_put_again_begins_its_time_anew() {
    let owner: TableOwner<&str, u32, Bag> = owner();
    owner.put_with_ttl("a", 1, secs(1)).unwrap();
    assert!(!owner.put_with_ttl("a", 1, secs(5)).unwrap());
    tokio::time::advance(secs(3)).await;
    assert_eq!(owner.get("a"), Ok(vec![1]));
    assert!(!owner.put("a", 1).unwrap());
    tokio::time::advance(secs(300)).await;
    assert_eq!(owner.get("a"), Ok(vec![1]));
}

#[test]
fn one_key_with_very_many_rows_is_no_trouble() {
    let alive = Alive::default();
    let owner: TableOwner<u32, _, DuplicateBag> = owner();
    for _ in 0..100_000 {
        owner.put(1, alive.value()).unwrap();
    }
    let mut number = 0;
    let removed = owner.select_delete(|_, _| {
        number += 1;
        number % 3 == 0
    });
    assert_eq!(removed, Ok(33_333));
    assert_eq!(alive.count(), 66_667);
    assert_eq!(owner.take(&1).unwrap().len(), 66_667);
    assert_eq!(alive.count(), 0);
}
