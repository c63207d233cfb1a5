//! The death of a table and its inheritance, against readers and writers in other threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use patterns_store::{TableError, TableOwner};

use crate::support::{Alive, owner};

const ROUNDS: u64 = 300;

#[test]
fn after_an_owner_was_dropped_nobody_reads_and_nobody_writes() {
    for _ in 0..ROUNDS {
        let owner: TableOwner<u64, u64> = owner();
        for key in 0..64 {
            owner.put(key, key).unwrap();
        }
        let dead = AtomicBool::new(false);
        let start = Barrier::new(3);
        thread::scope(|scope| {
            for number in 0..2_u64 {
                let table = owner.table();
                let (dead, start) = (&dead, &start);
                scope.spawn(move || {
                    start.wait();
                    let mut closed = false;
                    for step in 0..500_u64 {
                        let was_dead = dead.load(Ordering::SeqCst);
                        let key = (step * 7 + number) % 64;
                        let done = if step % 2 == 0 {
                            table.get(&key).map(|value| assert_eq!(value, Some(key)))
                        } else {
                            table.put(key, key).map(drop).map_err(TableError::from)
                        };
                        match done {
                            Ok(()) => {
                                assert!(!was_dead, "it was used after its death");
                                assert!(!closed, "it came back from the dead");
                            }
                            Err(error) => {
                                assert_eq!(error, TableError::Closed);
                                closed = true;
                            }
                        }
                    }
                });
            }
            start.wait();
            thread::yield_now();
            drop(owner);
            dead.store(true, Ordering::SeqCst);
        });
    }
}

/// One who was told that the table is dead tells another, who must not find a row in a shard that is not emptied yet.
#[test]
fn a_death_that_one_has_seen_is_seen_by_whoever_hears_of_it() {
    for _ in 0..ROUNDS {
        let owner: TableOwner<u64, u64> = owner();
        for key in 0..1_000 {
            owner.put(key, key).unwrap();
        }
        let seen = AtomicBool::new(false);
        thread::scope(|scope| {
            for number in 0..2_u64 {
                let table = owner.table();
                let seen = &seen;
                scope.spawn(move || {
                    for step in 0.. {
                        let heard = seen.load(Ordering::Acquire);
                        match table.get(&((step * 31 + number * 17) % 1_000)) {
                            Ok(_) => assert!(!heard),
                            Err(_) => {
                                seen.store(true, Ordering::Release);
                                break;
                            }
                        }
                    }
                });
            }
            drop(owner);
        });
    }
}

#[test]
fn what_writers_put_in_the_last_moment_is_dropped_too() {
    for _ in 0..ROUNDS {
        let alive = Alive::default();
        let owner: TableOwner<u64, _> = owner();
        let table = owner.table();
        thread::scope(|scope| {
            for number in 0..2_u64 {
                let (table, alive) = (&table, &alive);
                scope.spawn(move || {
                    for step in 0..200 {
                        drop(table.put(number * 1_000 + step, alive.value()));
                    }
                });
            }
            thread::yield_now();
            drop(owner);
        });
        assert_eq!(alive.count(), 0, "the handle lives, and holds no row");
        drop(table);
    }
}

#[test]
fn a_hand_over_is_seen_by_nobody() {
    for _ in 0..ROUNDS {
        let owner: TableOwner<u64, u64> = owner();
        owner.put(1, 0).unwrap();
        let (send, heir) = mpsc::channel();
        owner.set_heir(move |owner| send.send(owner).unwrap());
        let table = owner.table();
        let written = AtomicU64::new(0);
        let inherited = thread::scope(|scope| {
            for _ in 0..2 {
                let (table, written) = (&table, &written);
                scope.spawn(move || {
                    for _ in 0..200 {
                        table.update_counter(&1, 1).unwrap();
                        written.fetch_add(1, Ordering::Relaxed);
                        assert!(table.get(&1).unwrap().is_some());
                    }
                });
            }
            thread::yield_now();
            drop(owner);
            heir.recv().unwrap()
        });
        assert_eq!(inherited.get(&1), Ok(Some(written.into_inner())));
    }
}

#[test]
fn setting_an_heir_races_with_nothing() {
    for _ in 0..ROUNDS {
        let owner = Arc::new(owner::<u64, u64, patterns_store::Set>());
        let table = owner.table();
        let (send, heirs) = mpsc::channel();
        let threads: Vec<_> = (0..2)
            .map(|number| {
                let (owner, send) = (Arc::clone(&owner), send.clone());
                thread::spawn(move || {
                    owner.set_heir(move |owner| send.send((number, owner)).unwrap());
                    drop(owner);
                })
            })
            .collect();
        drop((owner, send));
        for thread in threads {
            thread.join().unwrap();
        }
        let inherited: Vec<_> = heirs.iter().collect();
        assert_eq!(inherited.len(), 1, "one of them, and one only");
        assert!(!table.is_closed());
        drop(inherited);
        assert!(table.is_closed());
    }
}

#[test]
fn a_listener_is_told_of_every_write_before_the_end_and_of_the_end() {
    for _ in 0..ROUNDS {
        let owner: TableOwner<u64, u64> = owner();
        let table = owner.table();
        let mut changes = owner.changes(usize::MAX).unwrap();
        let put = AtomicU64::new(0);
        thread::scope(|scope| {
            for number in 0..2 {
                let (table, put) = (&table, &put);
                scope.spawn(move || {
                    for step in 0..100 {
                        if table.put(number * 1_000 + step, step).is_ok() {
                            put.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            thread::yield_now();
            drop(owner);
        });
        let told = std::iter::from_fn(|| changes.try_recv()).count() as u64;
        assert_eq!(told, put.into_inner());
        assert!(changes.is_finished());
    }
}

#[test]
fn a_listener_or_an_index_made_in_the_last_moment_hears_of_the_end() {
    for _ in 0..ROUNDS {
        let owner: TableOwner<u64, u64> = owner();
        owner.put(1, 10).unwrap();
        let table = owner.table();
        thread::scope(|scope| {
            let table = &table;
            let listening = scope.spawn(move || (table.changes(8), table.index(|_, value| *value)));
            drop(owner);
            let (changes, index) = listening.join().unwrap();
            if let Ok(changes) = changes {
                assert!(changes.is_finished());
            }
            if let Ok(index) = index {
                assert_eq!(index.get(&10), Err(TableError::Closed));
            }
        });
    }
}
