//! Real threads, real contention: checks that fail if the counting is wrong.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures_util::StreamExt;
use patterns_task::{
    Order, StreamConfig, TaskError, async_stream, parallel_map, race, scope, spawn, stream_of,
    yield_many,
};
use testing::{ms, secs};
use tokio::task::{block_in_place, yield_now};

use crate::support::{Live, map_config, nonzero, stream_config};

/// Work that waits in a way that differs from item to item.
async fn jump(n: u64) -> u64 {
    for _ in 0..(n.wrapping_mul(0x9E37_79B9) >> 7) % 5 {
        yield_now().await;
    }
    n
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_item_comes_once_and_there_are_never_too_many() {
    for round in 0..300 {
        let (width, order) = (
            round % 7 + 1,
            if round % 2 == 0 {
                Order::Input
            } else {
                Order::Completion
            },
        );
        let live = Live::default();
        let work = live.clone();
        let config = StreamConfig {
            max_buffered: round % 11,
            ..stream_config(width, order)
        };
        let make = move |&n: &u64| {
            let work = work.clone();
            async move {
                let _guard = work.guard();
                jump(n).await
            }
        };
        let mut results = async_stream(0..200, make, config);
        let mut seen = Vec::new();
        while let Some(result) = results.next().await {
            seen.push(result.unwrap());
            let stats = results.stats();
            assert!(stats.waiting <= round % 11, "{stats:?}");
        }
        if order == Order::Completion {
            seen.sort_unstable();
        }
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
        assert!(live.most() <= width, "{} of {width}", live.most());
        assert_eq!(live.now(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_that_is_dropped_in_the_middle_leaves_nothing() {
    for round in 0..300 {
        let live = Live::default();
        let futures = (0..50).map(|n| {
            let live = live.clone();
            async move {
                let guard = live.guard();
                jump(n).await;
                guard
            }
        });
        let results = stream_of(futures, stream_config(8, Order::Completion));
        drop(results.take(round % 40).collect::<Vec<_>>().await);
        let mut patience = 0_u64;
        while live.now() > 0 {
            yield_now().await;
            patience += 1;
            assert!(patience < 50_000_000, "{} left", live.now());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_has_one_winner_and_drops_the_others_values() {
    for _ in 0..300 {
        let live = Live::default();
        let field: Vec<_> = (0..8)
            .map(|n| {
                let live = live.clone();
                async move {
                    let guard = live.guard();
                    jump(n).await;
                    if n % 3 == 0 { Err(n) } else { Ok((n, guard)) }
                }
            })
            .collect();
        let (winner, guard) = race(field, Duration::MAX).await.map_err(|_| ()).unwrap();
        assert_ne!(winner % 3, 0);
        while live.now() > 1 {
            yield_now().await;
        }
        drop(guard);
        assert_eq!(live.now(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_outlives_a_scope_that_spawns_from_everywhere() {
    for round in 0..300 {
        let live = Live::default();
        let work = live.clone();
        let outcome = scope(|scope| async move {
            for n in 0..8 {
                let (inner, work) = (scope.clone(), work.clone());
                drop(scope.spawn(async move {
                    let _guard = work.guard();
                    jump(n).await;
                    for m in 0..n {
                        let work = work.clone();
                        drop(inner.spawn(async move {
                            let _guard = work.guard();
                            jump(n * m).await;
                        }));
                    }
                    if n == 5 && round % 2 == 0 {
                        inner.abort_all();
                    }
                }));
            }
        });
        assert_eq!(outcome.await, Ok(()));
        assert_eq!(live.now(), 0, "in round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_spawned_while_a_scope_closes_runs_in_it_or_not_at_all() {
    for _ in 0..300 {
        let (live, finished) = (Live::default(), Live::default());
        let (give, take) = mpsc::channel();
        let done = scope(|scope| async move {
            give.send(scope).unwrap();
            yield_now().await;
        });
        let (work, done_work) = (live.clone(), finished.clone());
        let intruder = std::thread::spawn({
            let runtime = tokio::runtime::Handle::current();
            move || {
                let _inside = runtime.enter();
                let scope = take.recv().unwrap();
                for n in 0..50 {
                    let (work, done_work) = (work.clone(), done_work.clone());
                    drop(scope.spawn(async move {
                        let _guard = work.guard();
                        jump(n).await;
                        drop(done_work.guard());
                    }));
                }
            }
        });
        assert_eq!(done.await, Ok(()));
        // All that began were waited for, and none was aborted.
        assert_eq!((live.now(), live.ever()), (0, finished.ever()));
        let ever = live.ever();
        intruder.join().unwrap();
        assert_eq!(live.ever(), ever);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_outcome_is_lost_by_yields_that_end_at_any_time() {
    for _ in 0..300 {
        let mut tasks: Vec<_> = (0..20).map(|n| spawn(jump(n))).collect();
        let mut seen = [false; 20];
        while seen.iter().any(|seen| !seen) {
            let outcomes = yield_many(&mut tasks, Duration::from_micros(50)).await;
            for (n, outcome) in outcomes.into_iter().enumerate() {
                match outcome {
                    Some(Ok(value)) => {
                        assert_eq!((value, seen[n]), (n as u64, false));
                        seen[n] = true;
                    }
                    Some(Err(error)) => assert_eq!((error, seen[n]), (TaskError::Consumed, true)),
                    None => assert!(!seen[n]),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn maps_side_by_side_do_not_mix() {
    let maps = (0..8_u64).map(|k| {
        spawn(async move {
            for _ in 0..50 {
                let results = parallel_map(
                    0..50,
                    move |&n| jump(n + 1_000 * k),
                    map_config(5, Duration::MAX),
                )
                .await;
                assert!(results.into_iter().eq((0..50).map(|n| Ok(n + 1_000 * k))));
            }
        })
    });
    for map in maps.collect::<Vec<_>>() {
        assert_eq!(map.await, Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn one_whose_time_is_over_keeps_its_place_until_it_is_gone() {
    // It blocks its thread, so that it cannot be aborted before it is let go.
    let (let_go, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let config = StreamConfig {
        timeout: ms(20),
        max_concurrency: nonzero(1),
        ..StreamConfig::default()
    };
    let live = Live::default();
    let work = live.clone();
    let make = move |&n: &u64| {
        let (wait, work) = (Arc::clone(&wait), work.clone());
        async move {
            let _guard = work.guard();
            if n == 0 {
                block_in_place(|| wait.lock().unwrap().recv().unwrap());
                yield_now().await;
            }
        }
    };
    let mut results = async_stream(0..3, make, config);
    // It is told of in time, though it is not gone.
    let late = results.next().await.unwrap().unwrap_err();
    assert_eq!((late.index, late.error), (0, TaskError::Timeout));
    let next = tokio::time::timeout(ms(50), results.next()).await;
    assert!(next.is_err());
    assert_eq!((live.now(), results.stats().running), (1, 1));
    let_go.send(()).unwrap();
    assert_eq!(
        tokio::time::timeout(secs(30), results.next()).await,
        Ok(Some(Ok(())))
    );
    assert_eq!(results.next().await, Some(Ok(())));
    assert_eq!(results.next().await, None);
    assert_eq!(live.most(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_are_always_there_let_others_have_their_turn() {
    let ticks = Live::default();
    let count = ticks.clone();
    let ticker = spawn(async move {
        loop {
            drop(count.guard());
            yield_now().await;
        }
    });
    let endless = async_stream(
        0..,
        |&n: &u64| async move { n },
        stream_config(8, Order::Input),
    );
    // Given up from outside, which takes a turn of the timer.
    let all = tokio::time::timeout(ms(30), endless.for_each(|_| async {})).await;
    assert!(all.is_err());
    assert!(ticks.ever() > 0);
    drop(ticker);
}

#[tokio::test]
async fn a_stream_that_never_waits_lets_others_have_their_turn() {
    // Nothing is begun, so that no task is waited for, and there is no end.
    let config = StreamConfig {
        timeout: Duration::ZERO,
        ..StreamConfig::default()
    };
    let mut results = async_stream(0.., |&n: &u64| jump(n), config);
    let other = spawn(async {});
    let mut given = 0;
    while !other.is_finished() {
        assert_eq!(results.next().await.unwrap().unwrap_err().index, given);
        given += 1;
        assert!(given < 100_000, "the other has no turn");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_value_that_comes_when_all_have_left_is_not_kept_for_those_that_still_run() {
    // Both block their threads, so that neither is gone before it is let go.
    let values = Live::default();
    let begun = Live::default();
    let (gates, waits): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::channel::<()>()).unzip();
    let field = waits.into_iter().map(|wait| {
        let (values, begun) = (values.clone(), begun.guard());
        let wait = Mutex::new(wait);
        async move {
            let _begun = begun;
            let value = values.guard();
            block_in_place(|| wait.lock().unwrap().recv().unwrap());
            Ok::<_, ()>(value)
        }
    });
    let field: Vec<_> = field.collect();
    let both = spawn(race(field, Duration::MAX));
    while values.now() < 2 {
        yield_now().await;
    }
    both.abort();
    assert!(both.await.is_err());
    gates[0].send(()).unwrap();
    let mut patience = 0_u64;
    while values.now() > 1 {
        yield_now().await;
        patience += 1;
        assert!(patience < 20_000_000, "the value is kept");
    }
    gates[1].send(()).unwrap();
    while begun.now() > 0 || values.now() > 0 {
        yield_now().await;
    }
}
