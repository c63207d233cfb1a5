//! Everything that can be awaited, dropped at each of its polls: nothing that it held is left.

use std::future::Future;
use std::num::NonZeroUsize;

use patterns_railway::{AllConcurrent, Errors, Panicked, RailwayExt, ResultExt, each_concurrent};

use crate::live::{Alive, Live};
use crate::polls::{dropped_at_each_await, pauses};

#[derive(Debug)]
struct Failure;

impl From<Panicked> for Failure {
    fn from(_: Panicked) -> Self {
        Self
    }
}

/// Work that holds something of its own, and gives something.
fn work(live: &Live, polls: usize) -> impl Future<Output = Result<Alive, Failure>> + use<> {
    let (held, given) = (live.one(), live.one());
    async move {
        let _held = held;
        pauses(polls).await;
        Ok(given)
    }
}

#[test]
fn a_chain_of_every_async_step() {
    let polls = dropped_at_each_await(|live| {
        let (a, b, c, d) = (live.clone(), live.clone(), live.clone(), live.clone());
        let (e, f, g) = (live.one(), live.one(), live.one());
        work(&live, 2)
            .railway()
            .and_then_async(move |_| work(&a, 2))
            .map(move |held| (held, e))
            .map_async(async move |(held, _)| {
                let _f = f;
                pauses(2).await;
                held
            })
            .check_async(async move |_| work(&b, 2).await.map(drop))
            .inspect_async(async move |_| drop(work(&c, 2).await))
            .try_catch_async(move |held| {
                let inner = work(&d, 2);
                async move {
                    let _held = held;
                    inner.await
                }
            })
            .and_then(|_| Err::<(), _>(Failure))
            .map_err(move |_| g)
            .map_err_async(async |held| {
                pauses(2).await;
                held
            })
            .inspect_err_async(async |_| pauses(2).await)
            .or_else_async(async |_| {
                pauses(2).await;
                Ok::<_, ()>(())
            })
    });
    assert_eq!(polls, 19);
}

#[test]
fn a_chain_on_the_error_track() {
    let polls = dropped_at_each_await(|live| {
        let skipped = (live.one(), live.one());
        let held = live.one();
        async {
            pauses(2).await;
            Err::<(), _>(held)
        }
        .railway()
        .map(move |()| drop(skipped.0))
        .and_then_async(async move |()| {
            drop(skipped.1);
            Ok(())
        })
        .unwrap_or_else_async(async |_| pauses(2).await)
    });
    assert_eq!(polls, 5);
}

#[test]
fn a_chain_that_ends_with_a_caught_panic() {
    let polls = dropped_at_each_await(|live| {
        let held = live.one();
        Ok(held).try_catch_async(async |held| {
            let _held = held;
            pauses(2).await;
            if true {
                panic!("out")
            }
            Ok::<_, Failure>(())
        })
    });
    assert_eq!(polls, 3);
}

#[test]
fn a_tuple_side_by_side() {
    let polls = dropped_at_each_await(|live| {
        let failed = live.one();
        let fails = async {
            pauses(2).await;
            Err::<(), _>(failed)
        };
        let fine = |polls| work(&live, polls).railway().map_err(|_| unreachable!());
        (fine(1).at("a"), fails.at("b"), fine(4).at("c")).all_concurrent()
    });
    assert_eq!(polls, 5);
}

#[test]
fn a_list_side_by_side() {
    let polls = dropped_at_each_await(|live| {
        let items: Vec<_> = (0..9).map(|n| (n, live.one())).collect();
        each_concurrent(items, NonZeroUsize::new(3).unwrap(), move |(n, held)| {
            let inner = work(&live, n % 4);
            async move {
                let _held = held;
                inner.await.map_err(|_| ()).here()
            }
        })
    });
    assert!(polls > 3, "{polls}");
}

#[test]
fn a_list_that_is_dropped_before_its_first_poll_takes_nothing() {
    let live = Live::default();
    let items = vec![live.one(), live.one()];
    let list = each_concurrent(items, NonZeroUsize::MIN, |_| async {
        panic!("it is not polled") as Result<(), Errors<()>>
    });
    assert_eq!(live.count(), 2);
    drop(list);
    assert_eq!(live.count(), 0);
}
