//! Many threads at once: what must add up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use patterns_store::{Change, Lookup, OrderedSet, Set, Table, TableOwner, UniqueKeys};

use crate::support::{Alive, Counted, owner};

const THREADS: u64 = 4;

/// Runs `work` in several threads at once, each told its number.
fn together(work: impl Fn(u64) + Sync) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

fn no_step_is_lost<T: UniqueKeys<u64, u64> + Lookup<u64, u64, u64>>() {
    for keys in [1, 64] {
        let owner: TableOwner<u64, u64, T> = owner();
        let table = owner.table();
        together(|_| {
            for step in 0..5_000 {
                table.update_counter(&(step % keys), 1).unwrap();
            }
        });
        let total: u64 = owner.fold(0, |sum, _, value| sum + value).unwrap();
        assert_eq!(total, THREADS * 5_000);
        assert_eq!(owner.size(), Ok(usize::try_from(keys).unwrap()));
    }
}

#[test]
fn no_step_of_a_counter_is_lost() {
    no_step_is_lost::<Set>();
    no_step_is_lost::<OrderedSet>();
}

#[test]
fn each_number_of_a_counter_is_given_out_once() {
    let owner: TableOwner<u64, u64> = owner();
    let table = owner.table();
    let seen: Vec<AtomicBool> = (0..=THREADS * 2_000)
        .map(|_| AtomicBool::new(false))
        .collect();
    together(|_| {
        let mut last = 0;
        for _ in 0..2_000 {
            let number = table.update_counter(&1, 1).unwrap();
            assert!(number > last, "it only grows");
            last = number;
            let before = seen[usize::try_from(number).unwrap()].swap(true, Ordering::Relaxed);
            assert!(!before, "{number} was given out twice");
        }
    });
}

fn swaps_and_alters_lose_nothing<T: UniqueKeys<u64, u64> + Lookup<u64, u64, u64>>() {
    let owner: TableOwner<u64, u64, T> = owner();
    let table = owner.table();
    together(|number| {
        for _ in 0..1_000 {
            if number % 2 == 0 {
                table
                    .alter(&1, |value| Some(value.unwrap_or(0) + 1))
                    .unwrap();
            } else {
                while !table.insert_new(1, 1).unwrap() {
                    let Some(current) = table.get(&1).unwrap() else {
                        continue;
                    };
                    if table.compare_and_swap(&1, &current, current + 1).unwrap() {
                        break;
                    }
                }
            }
        }
    });
    assert_eq!(owner.get(&1), Ok(Some(THREADS * 1_000)));
}

#[test]
fn swaps_and_alters_of_one_row_lose_nothing() {
    for _ in 0..10 {
        swaps_and_alters_lose_nothing::<Set>();
        swaps_and_alters_lose_nothing::<OrderedSet>();
    }
}

#[test]
fn of_many_that_take_a_row_one_gets_it() {
    let owner: TableOwner<u64, u64> = owner();
    let table = owner.table();
    for _ in 0..20 {
        for key in 0..200 {
            owner.put(key, key).unwrap();
        }
        let got = AtomicU64::new(0);
        together(|_| {
            for key in 0..200 {
                if let Some(value) = table.take(&key).unwrap() {
                    assert_eq!(value, key);
                    got.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        assert_eq!(got.into_inner(), 200);
    }
}

#[test]
fn of_many_that_insert_a_new_row_one_does() {
    let owner: TableOwner<u64, u64> = owner();
    let table = owner.table();
    let put = AtomicU64::new(0);
    together(|number| {
        for key in 0..5_000 {
            if table.insert_new(key, number).unwrap() {
                put.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    assert_eq!(put.into_inner(), 5_000);
    assert_eq!(owner.size(), Ok(5_000));
}

/// Every value carries its key and a sum over both, so that a torn or foreign one shows.
fn value_of(key: u64, version: u64) -> [u64; 4] {
    [
        key,
        version,
        key ^ version,
        key.wrapping_mul(31).wrapping_add(version),
    ]
}

fn is_whole(key: u64, value: &[u64; 4]) -> bool {
    *value == value_of(key, value[1])
}

#[test]
fn no_reader_sees_a_torn_or_foreign_value() {
    let owner: TableOwner<u64, [u64; 4]> = owner();
    let table = owner.table();
    let reads = AtomicU64::new(0);
    together(|number| {
        for round in 0..4_000 {
            let key = (round * 7 + number) % 32;
            if number % 2 == 0 {
                match round % 11 {
                    0 => drop(table.take(&key).unwrap()),
                    _ => drop(
                        table
                            .put(key, value_of(key, round * THREADS + number))
                            .unwrap(),
                    ),
                }
            } else {
                let mut seen = 0;
                if let Some(value) = table.get(&key).unwrap() {
                    assert!(is_whole(key, &value));
                    seen += 1;
                }
                if let Some(whole) = table.with(&key, |value| is_whole(key, value)).unwrap() {
                    assert!(whole);
                }
                if round % 100 == 0 {
                    for (key, value) in table.snapshot().unwrap() {
                        assert!(is_whole(key, &value));
                        seen += 1;
                    }
                }
                reads.fetch_add(seen, Ordering::Relaxed);
            }
        }
    });
    assert!(reads.into_inner() > 1_000, "the readers met rows");
}

#[test]
fn counts_agree_with_what_many_threads_did() {
    let owner: TableOwner<u64, u64> = owner();
    let table = owner.table();
    for key in 0..100 {
        owner.put(key, key).unwrap();
    }
    together(|_| {
        for key in 0..10_000 {
            table.get(&(key % 200)).unwrap();
        }
    });
    let stats = owner.stats().unwrap();
    assert_eq!(
        (stats.hits, stats.misses),
        (THREADS * 5_000, THREADS * 5_000)
    );
}

/// A writer raises a counter per key through many ways of writing; a listener must see each key's numbers in order.
#[test]
fn the_changes_of_one_key_come_in_the_order_of_the_writes() {
    for _ in 0..20 {
        let owner: TableOwner<u64, u64> = owner();
        let table = owner.table();
        let mut changes = owner.changes(usize::MAX).unwrap();
        together(|number| {
            for step in 0..500 {
                let key = step % 3;
                if number % 2 == 0 {
                    table.update_counter(&key, 1).unwrap();
                } else {
                    table
                        .alter(&key, |value| Some(value.unwrap_or(0) + 1))
                        .unwrap();
                }
            }
        });
        let mut last: HashMap<u64, u64> = HashMap::new();
        let mut told = 0;
        while let Some(change) = changes.try_recv() {
            let Change::Put { key, value } = change else {
                panic!("{change:?}")
            };
            let last = last.entry(key).or_insert(0);
            assert_eq!(value, *last + 1);
            *last = value;
            told += 1;
        }
        assert_eq!(told, THREADS * 500);
    }
}

#[test]
fn every_change_is_received_or_counted_as_lost() {
    for capacity in [0, 1, 7, 64] {
        let owner: TableOwner<u64, u64> = owner();
        let table = owner.table();
        let mut changes = owner.changes(capacity).unwrap();
        let done = AtomicU64::new(0);
        let told = thread::scope(|scope| {
            let done = &done;
            let listener = scope.spawn(move || {
                let mut told = 0;
                loop {
                    let finished = done.load(Ordering::Acquire) == THREADS;
                    match changes.try_recv() {
                        Some(Change::Lost(count)) => told += count,
                        Some(_) => told += 1,
                        None if finished => return told,
                        None => thread::yield_now(),
                    }
                }
            });
            for number in 0..THREADS {
                let table = &table;
                scope.spawn(move || {
                    for step in 0..2_000 {
                        table.put(number * 10_000 + step % 50, step).unwrap();
                    }
                    done.fetch_add(1, Ordering::Release);
                });
            }
            listener.join().unwrap()
        });
        assert_eq!(told, THREADS * 2_000);
    }
}

/// Rows move between two index values all the time. Whoever reads sees each row with the value that it was asked for; and rows
/// that never move are always found.
#[test]
fn no_reader_of_an_index_sees_a_row_that_does_not_match() {
    let owner: TableOwner<u64, u64> = owner();
    let table = owner.table();
    for key in 0..50 {
        owner.put(key, key % 2).unwrap();
    }
    for key in 1_000..1_010 {
        owner.put(key, 1).unwrap();
    }
    let index = owner.index(|_, value| *value % 2).unwrap();
    let met = AtomicU64::new(0);
    together(|number| {
        for round in 0..400 {
            if number % 2 == 0 {
                let key = (round * 13 + number) % 50;
                match round % 5 {
                    0 => drop(table.delete(&key).unwrap()),
                    1 => drop(table.update_counter(&key, 1).unwrap()),
                    _ => drop(table.put(key, round).unwrap()),
                }
            } else {
                let rows = index.get(&1).unwrap();
                assert!(rows.iter().all(|(_, value)| value % 2 == 1));
                let fixed = rows.iter().filter(|(key, _)| *key >= 1_000).count();
                assert_eq!(fixed, 10);
                met.fetch_add(rows.len() as u64, Ordering::Relaxed);
            }
        }
    });
    assert!(met.into_inner() > 0);
    let mut expected = owner.snapshot().unwrap();
    expected.sort_unstable_by_key(|(key, value)| (value % 2, *key));
    assert_eq!(index.range(..), Ok(expected));
}

#[test]
fn an_index_made_while_others_write_misses_nothing() {
    for _ in 0..30 {
        let owner: TableOwner<u64, u64> = owner();
        let table = owner.table();
        for key in 0..200 {
            owner.put(key, 0).unwrap();
        }
        let index = thread::scope(|scope| {
            for number in 0..2_u64 {
                let table = &table;
                scope.spawn(move || {
                    for key in 0..300 {
                        table.put(key, number + 1).unwrap();
                        if key % 7 == number {
                            table.delete(&key).unwrap();
                        }
                    }
                });
            }
            table.index(|_, value| *value).unwrap()
        });
        let mut expected = owner.snapshot().unwrap();
        expected.sort_unstable_by_key(|&(key, value)| (value, key));
        assert_eq!(index.range(..), Ok(expected));
    }
}

#[test]
fn a_sweep_beside_writers_takes_no_live_row() {
    let alive = Alive::default();
    let owner: TableOwner<u64, Counted> = owner();
    let table: Table<u64, Counted> = owner.table();
    together(|number| {
        for round in 0..2_000 {
            let key = number * 1_000 + round % 300;
            if round % 2 == 0 {
                table
                    .put_with_ttl(key, alive.value(), std::time::Duration::ZERO)
                    .map(drop)
                    .unwrap();
                assert!(table.get(&key).unwrap().is_none());
            } else {
                table.put(key, alive.value()).map(drop).unwrap();
                assert!(table.get(&key).unwrap().is_some());
            }
            if round % 50 == 0 {
                owner.sweep().unwrap();
            }
        }
    });
    owner.sweep().unwrap();
    assert_eq!(alive.count(), owner.size().unwrap());
    // Rounds and keys are both even or both odd.
    assert_eq!(owner.size(), Ok(usize::try_from(THREADS).unwrap() * 150));
}
