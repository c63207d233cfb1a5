//! What sets do, ordered or not.

use std::sync::{Arc, Mutex};

use patterns_store::{OrderedSet, Set, TableOwner, UniqueKeys};

use crate::support::{Alive, owner};

/// Runs a test for both types.
macro_rules! for_sets {
    ($($name:ident)+) => {$(
        mod $name {
            #[test]
            fn in_a_set() {
                super::$name::<patterns_store::Set>();
            }
            #[test]
            fn in_an_ordered_set() {
                super::$name::<patterns_store::OrderedSet>();
            }
        }
    )+};
}

for_sets! {
    a_put_replaces_and_returns_the_old_value
    insert_new_puts_only_where_there_is_no_row
    take_returns_and_removes
    compare_and_swap_needs_the_expected_value
    alter_sees_changes_and_removes
    with_looks_at_the_value_where_it_is
}

fn a_put_replaces_and_returns_the_old_value<T>()
where
    T: UniqueKeys<u32, u32> + patterns_store::Lookup<u32, u32, u32>,
{
    let owner: TableOwner<u32, u32, T> = owner();
    assert_eq!(owner.put(1, 10).unwrap(), None);
    assert_eq!(owner.put(1, 11).unwrap(), Some(10));
    assert_eq!(owner.get(&1), Ok(Some(11)));
    assert_eq!(owner.get(&2), Ok(None));
    assert_eq!(owner.size(), Ok(1));
}

fn insert_new_puts_only_where_there_is_no_row<T>()
where
    T: UniqueKeys<u32, u32> + patterns_store::Lookup<u32, u32, u32>,
{
    let owner: TableOwner<u32, u32, T> = owner();
    assert!(owner.insert_new(1, 10).unwrap());
    assert!(!owner.insert_new(1, 11).unwrap());
    assert_eq!(owner.get(&1), Ok(Some(10)));
}

fn take_returns_and_removes<T>()
where
    T: UniqueKeys<u32, u32> + patterns_store::Lookup<u32, u32, u32>,
{
    let owner: TableOwner<u32, u32, T> = owner();
    owner.put(1, 10).unwrap();
    assert_eq!(owner.take(&1), Ok(Some(10)));
    assert_eq!(owner.take(&1), Ok(None));
    assert_eq!(owner.delete(&1), Ok(false));
    assert_eq!(owner.size(), Ok(0));
}

fn compare_and_swap_needs_the_expected_value<T>()
where
    T: UniqueKeys<u32, u32> + patterns_store::Lookup<u32, u32, u32>,
{
    let owner: TableOwner<u32, u32, T> = owner();
    assert_eq!(owner.compare_and_swap(&1, &10, 11), Ok(false));
    owner.put(1, 10).unwrap();
    assert_eq!(owner.compare_and_swap(&1, &9, 11), Ok(false));
    assert_eq!(owner.get(&1), Ok(Some(10)));
    assert_eq!(owner.compare_and_swap(&1, &10, 11), Ok(true));
    assert_eq!(owner.get(&1), Ok(Some(11)));
    assert_eq!(owner.size(), Ok(1));
}

fn alter_sees_changes_and_removes<T>()
where
    T: UniqueKeys<u32, u32> + patterns_store::Lookup<u32, u32, u32>,
{
    let owner: TableOwner<u32, u32, T> = owner();
    assert_eq!(owner.alter(&1, |none| none), Ok(false));
    assert_eq!(owner.size(), Ok(0));
    assert_eq!(owner.alter(&1, |none| none.or(Some(10))), Ok(true));
    assert_eq!(
        owner.alter(&1, |some| some.map(|value| value + 1)),
        Ok(true)
    );
    assert_eq!(owner.get(&1), Ok(Some(11)));
    assert_eq!(owner.alter(&1, |_| None), Ok(false));
    assert_eq!(owner.size(), Ok(0));
}

fn with_looks_at_the_value_where_it_is<T>()
where
    T: UniqueKeys<u32, u32> + patterns_store::Lookup<u32, u32, u32>,
{
    let owner: TableOwner<u32, u32, T> = owner();
    assert_eq!(owner.with(&1, |value| *value), Ok(None));
    owner.put(1, 10).unwrap();
    assert_eq!(owner.with(&1, |value| value + 1), Ok(Some(11)));
}

#[test]
fn keys_are_looked_up_by_what_they_borrow_as() {
    let owner: TableOwner<String, u32> = owner();
    owner.put("a".to_owned(), 1).unwrap();
    assert_eq!(owner.get("a"), Ok(Some(1)));
    assert_eq!(owner.alter("b", |_| Some(2)), Ok(true));
    assert_eq!(owner.update_counter("b", 1), Ok(3));
    assert_eq!(owner.delete("a"), Ok(true));
    let owner: TableOwner<Vec<u8>, u32, OrderedSet> = crate::support::owner();
    owner.put(b"a".to_vec(), 1).unwrap();
    assert_eq!(owner.get(&b"a"[..]), Ok(Some(1)));
}

#[test]
fn with_clones_nothing() {
    struct NoClone(u32);
    let owner: TableOwner<u32, NoClone> = owner();
    owner.put(1, NoClone(7)).unwrap();
    assert_eq!(owner.with(&1, |value| value.0), Ok(Some(7)));
    assert!(owner.take(&1).unwrap().is_some());
}

#[test]
fn a_value_that_was_read_outlives_the_table() {
    let owner: TableOwner<u32, Arc<str>, Set> = owner();
    owner.put(1, "kept".into()).unwrap();
    let value = owner.get(&1).unwrap().unwrap();
    drop(owner);
    assert_eq!(&*value, "kept");
}

#[test]
fn everything_is_dropped_once_whatever_way_it_goes() {
    let alive = Alive::default();
    let owner: TableOwner<u64, _> = owner();
    for key in 0..1_000 {
        owner.put(key % 700, alive.value()).unwrap();
    }
    assert_eq!(alive.count(), 700);
    for key in 0..100 {
        owner.delete(&key).unwrap();
    }
    drop(owner.take(&100).unwrap());
    owner.insert_new(101, alive.value()).unwrap();
    owner.alter(&102, |_| None).unwrap();
    owner.alter(&103, |_| Some(alive.value())).unwrap();
    assert_eq!(alive.count(), 598);
    owner.select_delete(|key, _| key % 2 == 0).unwrap();
    assert_eq!(alive.count(), owner.size().unwrap());
    owner.clear().unwrap();
    assert_eq!(alive.count(), 0);
    owner.put(1, alive.value()).unwrap();
    drop(owner);
    assert_eq!(alive.count(), 0);
}

#[test]
fn a_drop_may_use_the_table() {
    struct Uses(Box<dyn Fn() + Send + Sync>);
    impl Drop for Uses {
        fn drop(&mut self) {
            self.0();
        }
    }
    let owner: TableOwner<u32, Option<Uses>> = owner();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let uses = || {
        let (seen, table) = (Arc::clone(&seen), owner.table());
        let look = move || {
            let size = table.size();
            seen.lock().unwrap().push(size.unwrap_or(usize::MAX));
        };
        Some(Uses(Box::new(look)))
    };
    owner.put(1, uses()).unwrap();
    owner.put(1, uses()).unwrap();
    owner.put(1, None).unwrap();
    owner.put(1, uses()).unwrap();
    owner.delete(&1).unwrap();
    owner.put(1, uses()).unwrap();
    owner.select_delete(|_, _| true).unwrap();
    owner.put(1, uses()).unwrap();
    owner.clear().unwrap();
    owner.put(1, uses()).unwrap();
    assert!(!owner.insert_new(1, uses()).unwrap());
    owner
        .alter(&1, |old| {
            drop(old);
            None
        })
        .unwrap();
    // In the closure no table can be used, and everywhere else it could.
    assert_eq!(*seen.lock().unwrap(), [1, 1, 0, 0, 0, 1, usize::MAX]);
}

#[test]
fn a_large_table_that_is_emptied_by_hand_works_on() {
    let owner: TableOwner<u64, u64> = owner();
    for round in 0..3 {
        for key in 0..20_000 {
            owner.put(key, key + round).unwrap();
        }
        assert_eq!(owner.select_delete(|key, _| *key >= 10), Ok(19_990));
        assert_eq!(owner.get(&7), Ok(Some(7 + round)));
        assert_eq!(owner.size(), Ok(10));
    }
}
