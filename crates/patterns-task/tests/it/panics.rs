//! Panics where nobody expects them: in drops, in closures, on the way out.

use std::time::Duration;

use futures_util::FutureExt;
use patterns_task::{
    Order, RetryConfig, TaskError, async_stream, hedge, parallel_map, race, retry, scope, spawn,
    stream_of, with_fallback,
};
use testing::{ms, quiet, secs, settle};
use tokio::time::sleep;

use crate::support::{DropBomb, Live, map_config, panicked, stream_config};

#[tokio::test(start_paused = true)]
async fn work_that_panics_when_it_is_dropped_after_its_value_has_panicked() {
    quiet();
    struct Late(Option<DropBomb>);
    impl Future for Late {
        type Output = u8;
        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<u8> {
            std::task::Poll::Ready(7)
        }
    }
    let bomb = || Late(Some(DropBomb));
    let panic = panicked("as told, in a drop");
    assert_eq!(spawn(bomb()).await, Err(panic.clone()));
    let results = parallel_map([1, 2], |_| bomb(), map_config(1, secs(5))).await;
    assert!(
        results
            .into_iter()
            .all(|result| result.unwrap_err().error == panic)
    );
    let scoped = scope(|scope| async move { scope.spawn(bomb()).await });
    assert_eq!(scoped.await, Err(panic));
    // It is only that it can be dropped.
    let Late(bomb) = bomb();
    std::mem::forget(bomb);
}

#[tokio::test(start_paused = true)]
async fn work_that_panics_when_it_is_aborted_harms_nobody() {
    quiet();
    let live = Live::default();
    let work = live.clone();
    let nap = move |&n: &u64| {
        let nap = work.work(secs(n), n);
        async move {
            let _bomb = (n == 60).then(|| DropBomb);
            nap.await
        }
    };
    let results = parallel_map([60, 1, 60, 1], nap, map_config(2, secs(5))).await;
    assert_eq!((&results[1], &results[3]), (&Ok(1), &Ok(1)));
    for slow in [0, 2] {
        assert_eq!(
            results[slow].as_ref().unwrap_err().error,
            TaskError::Timeout
        );
    }
    settle().await;
    assert_eq!((live.now(), live.most()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_panics_when_it_is_dropped_is_a_panic_as_any_other() {
    quiet();
    let crash = || async { std::panic::panic_any(DropBomb) };
    let panic = panicked("Box<dyn Any>");
    assert_eq!(spawn(crash()).await, Err::<(), _>(panic.clone()));
    let results: Vec<Result<(), _>> = parallel_map([1], |_| crash(), map_config(1, secs(5))).await;
    assert_eq!(results[0].as_ref().unwrap_err().error, panic);
}

#[tokio::test(start_paused = true)]
async fn values_that_nobody_takes_are_dropped_once() {
    let live = Live::default();
    for order in [Order::Input, Order::Completion] {
        let work = live.clone();
        let make = move |&n: &u64| {
            let work = work.clone();
            async move {
                sleep(ms(n)).await;
                work.guard()
            }
        };
        let mut results = async_stream([50, 1, 1, 100, 1], make, stream_config(5, order));
        drop(results.next().await);
        sleep(ms(70)).await;
        assert!(live.now() > 0);
        // Some wait in the stream, some were never looked at, one is not there yet.
        drop(results);
        settle().await;
        assert_eq!(live.now(), 0);
    }
    assert_eq!(live.ever(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_comes_after_everybody_has_left_is_dropped_by_its_task() {
    let live = Live::default();
    let work = live.clone();
    // It is done in the very turn in which it is aborted.
    let futures = [1, 2].map(|n| {
        let work = work.clone();
        async move {
            sleep(ms(n)).await;
            Ok::<_, ()>(work.guard())
        }
    });
    drop(race(futures, secs(5)).await);
    sleep(ms(5)).await;
    assert_eq!((live.now(), live.ever()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_belongs_to_nobody_is_no_trouble() {
    // Polled once by hand, dropped, and the tasks end later.
    let live = Live::default();
    let mut results = Box::pin(stream_of(
        [live.work(ms(1), 1), live.work(ms(2), 2)],
        stream_config(2, Order::Input),
    ));
    assert!(results.next().now_or_never().is_none());
    sleep(ms(5)).await;
    assert_eq!(results.next().now_or_never(), Some(Some(Ok(1))));
    assert_eq!(results.next().now_or_never(), Some(Some(Ok(2))));
    assert_eq!(results.next().now_or_never(), Some(None));
}

#[tokio::test(start_paused = true)]
async fn closures_that_panic_every_time_end_every_function() {
    quiet();
    let told = || panicked("as told");
    let crash = || -> std::future::Ready<Result<u8, ()>> { panic!("as told") };
    let mapped = parallel_map(0..1_000, |_| crash(), map_config(2, Duration::MAX)).await;
    assert!(
        mapped
            .into_iter()
            .all(|result| result.unwrap_err().error == told())
    );
    let hedged = hedge(patterns_task::HedgeConfig::default(), |_| crash()).await;
    assert_eq!(hedged.unwrap_err().failures().len(), 2);
    let tried = retry(RetryConfig::default(), crash).await;
    assert_eq!(tried.unwrap_err().failure, told().into());
    let mut endless = async_stream(0.., |_| crash(), stream_config(2, Order::Input));
    for n in 0..5_000 {
        assert_eq!(endless.next().await.unwrap().unwrap_err().index, n);
    }
    let fallen = with_fallback(
        [std::future::pending::<Result<u8, ()>>()],
        |_| panic!("as told"),
        secs(1),
    )
    .await;
    assert_eq!(fallen[0].clone().into_value(), None);
}

#[test]
fn outside_a_runtime_it_panics_and_says_why() {
    quiet();
    let panic = std::panic::catch_unwind(|| spawn(async {})).unwrap_err();
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap();
    assert!(text.contains("Tokio 1.x runtime"), "{text}");
    // What starts no task needs none.
    let tried = retry(RetryConfig::default(), || async { Ok::<_, ()>(7) }).now_or_never();
    assert_eq!(tried, Some(Ok(7)));
}
