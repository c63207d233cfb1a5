//! Many at the same time, on threads of their own: nothing is lent twice, nothing is lost, nobody is left waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use patterns_pool::{Guard, Order, Pool, PoolConfig, ProcessError, TransactionError};
use testing::{ms, quiet, secs};

use crate::support::{Census, Job, Parts, World, assert_at_rest, lazy, sized};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap()
}

/// Lets tasks run until `done` says so, for 20 s at most.
async fn until(mut done: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(begun.elapsed() < secs(20), "it does not come to rest");
        tokio::time::sleep(ms(1)).await;
    }
}

fn at_rest(pool: &Pool<Parts>) -> bool {
    let info = pool.info();
    (
        info.in_use,
        info.waiting,
        info.starting,
        info.checking,
        info.closing,
    ) == (0, 0, 0, 0, 0)
}

/// A cheap chance: different for each number.
fn chance(number: usize) -> usize {
    let mut random = number as u64 + 0x9E37_79B9_7F4A_7C15;
    random = (random ^ (random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    usize::try_from((random ^ (random >> 27)) >> 33).unwrap()
}

#[test]
fn a_crowd_that_uses_gives_back_discards_takes_and_gives_up_leaves_a_whole_pool() {
    runtime().block_on(async {
        for order in [Order::Lifo, Order::Fifo] {
            let world = World::new();
            let config = PoolConfig {
                order,
                max_overflow: 2,
                checkout_timeout: secs(60),
                ..lazy(5)
            };
            let pool = world.pool(config).await;
            let served = Arc::new(AtomicUsize::new(0));
            let tasks: Vec<_> = (0..400)
                .map(|task| {
                    let (pool, served) = (pool.clone(), Arc::clone(&served));
                    tokio::spawn(async move {
                        for step in 0..20 {
                            let what = chance(task * 20 + step) % 16;
                            if what == 0 {
                                // It gives up, at whatever moment that is.
                                let _ = tokio::time::timeout(
                                    Duration::from_micros(50),
                                    pool.checkout(),
                                )
                                .await;
                                continue;
                            }
                            let mut guard = pool.checkout().await.unwrap();
                            guard.use_alone(tokio::task::yield_now()).await;
                            served.fetch_add(1, Ordering::Relaxed);
                            match what {
                                1 => Guard::discard(guard),
                                2 => drop(Guard::take(guard)),
                                3 => drop(std::thread::spawn(move || drop(guard))),
                                _ => drop(guard),
                            }
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            until(|| at_rest(&pool)).await;
            assert_at_rest(&pool, pool.info().available);
            assert!(pool.info().available <= 5);
            assert!(served.load(Ordering::Relaxed) > 7_000);
            pool.stop().await.unwrap();
            assert_eq!(world.alive(), 0);
        }
    });
}

#[test]
fn ten_thousand_crashes_under_load_cost_no_place_and_leave_nobody_waiting() {
    quiet();
    runtime().block_on(async {
        let census = Census::default();
        let config = PoolConfig {
            checkout_timeout: secs(60),
            ..sized(8)
        };
        let pool = Pool::start(config, census.servers()).await.unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let (pool, done) = (pool.clone(), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut step = 0;
                    while pool.stats().crashed < 10_000 {
                        step += 1;
                        match chance(task * 1_000 + step) % 4 {
                            0 => match pool.process(|reply| Job::Add(20, 3, reply)).await {
                                Ok(sum) => {
                                    assert_eq!(sum, 23);
                                    done.fetch_add(1, Ordering::Relaxed);
                                }
                                // Somebody killed it while it was idle, and nobody had seen that yet.
                                Err(ProcessError::WorkerCrashed(_)) => {}
                                Err(other) => panic!("{other:?}"),
                            },
                            1 => {
                                let outcome =
                                    pool.transaction(async |worker| worker.pid().kill()).await;
                                assert!(matches!(
                                    outcome,
                                    Ok(()) | Err(TransactionError::WorkerCrashed(_))
                                ));
                            }
                            _ => {
                                let worker = pool.checkout().await.unwrap();
                                worker.pid().kill();
                                tokio::task::yield_now().await;
                            }
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        until(|| pool.info().available == 8 && pool.info().closing == 0).await;
        assert_at_rest(&pool, 8);
        assert!(pool.stats().crashed >= 10_000, "{:?}", pool.stats());
        assert!(done.load(Ordering::Relaxed) > 0);
        until(|| census.alive() == 8).await;
        pool.stop().await.unwrap();
        until(|| census.alive() == 0).await;
    });
}

#[test]
fn a_crowd_over_a_pool_that_changes_its_size_sees_never_more_than_there_may_be() {
    runtime().block_on(async {
        let world = World::new();
        let pool = world
            .pool(PoolConfig {
                checkout_timeout: secs(60),
                ..sized(8)
            })
            .await;
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    for _ in 0..200 {
                        let mut guard = pool.checkout().await.unwrap();
                        guard.use_alone(tokio::task::yield_now()).await;
                    }
                })
            })
            .collect();
        for size in [1, 6, 2, 8, 3, 7, 1, 4].into_iter().cycle().take(200) {
            pool.resize(size).unwrap();
            tokio::task::yield_now().await;
        }
        pool.resize(3).unwrap();
        for task in tasks {
            task.await.unwrap();
        }
        until(|| at_rest(&pool) && pool.info().available == 3).await;
        assert_at_rest(&pool, 3);
        // Those that are being closed are there as well for a moment.
        assert!(pool.info().members.len() == 3);
        pool.stop().await.unwrap();
        assert_eq!(world.alive(), 0);
    });
}

#[test]
fn a_stop_in_the_middle_of_a_crowd_leaves_nobody_waiting_and_nothing_behind() {
    runtime().block_on(async {
        for round in 0..60 {
            let world = World::new();
            let pool = world.pool(sized(2)).await;
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let pool = pool.clone();
                    tokio::spawn(async move {
                        while let Ok(mut guard) = pool.checkout_timeout(Duration::MAX).await {
                            guard.use_alone(tokio::task::yield_now()).await;
                        }
                    })
                })
                .collect();
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            if round % 2 == 0 {
                pool.stop().await.unwrap();
            } else {
                pool.pid().unwrap().kill();
            }
            for task in tasks {
                tokio::time::timeout(secs(20), task)
                    .await
                    .expect("nobody waits for ever")
                    .unwrap();
            }
            until(|| world.alive() == 0).await;
            assert_at_rest(&pool, 0);
        }
    });
}

#[test]
fn waiters_on_other_runtimes_and_threads_are_served() {
    let home = runtime();
    let world = World::new();
    let pool = home.block_on(world.pool(PoolConfig {
        checkout_timeout: secs(60),
        ..sized(2)
    }));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            std::thread::spawn(move || {
                let own = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                own.block_on(async {
                    for _ in 0..500 {
                        let mut guard = pool.checkout().await.unwrap();
                        guard.use_alone(tokio::task::yield_now()).await;
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(pool.stats().lent, 2_000);
    assert_at_rest(&pool, 2);
}
