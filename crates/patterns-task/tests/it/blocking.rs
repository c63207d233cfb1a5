//! `parallel_map_blocking`. Its threads are real, so nothing here goes by the clock.

use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use patterns_task::{MapConfig, parallel_map_blocking, spawn};
use testing::quiet;

use crate::support::{Live, map_config, panicked};

#[tokio::test]
async fn order_is_kept_and_threads_work_at_the_same_time() {
    // All four have to be there for any to go on.
    let barrier = Arc::new(Barrier::new(4));
    let work = move |&n: &u64| {
        barrier.wait();
        n * n
    };
    let squares = parallel_map_blocking(0..4, work, map_config(4, Duration::ZERO)).await;
    assert_eq!(squares, [Ok(0), Ok(1), Ok(4), Ok(9)]);
}

#[tokio::test]
async fn there_are_never_more_threads_than_so_many() {
    for most in 1..5 {
        let live = Live::default();
        let count = live.clone();
        let work = move |&n: &u64| {
            let _guard = count.guard();
            (0..20_000).fold(n, |sum, m| std::hint::black_box(sum ^ m))
        };
        let results = parallel_map_blocking(0..200, work, map_config(most, Duration::MAX)).await;
        assert_eq!((results.len(), live.ever(), live.now()), (200, 200, 0));
        assert!(live.most() <= most, "{} of {most}", live.most());
    }
    assert_eq!(
        parallel_map_blocking(Vec::<u8>::new(), |&n| n, MapConfig::default()).await,
        []
    );
}

#[tokio::test]
async fn a_panic_comes_with_its_input_and_spoils_no_other() {
    quiet();
    let items = ["a", "as told", "c"].map(|text| (Box::<str>::from(text),));
    let work = |(text,): &(Box<str>,)| {
        assert!(&**text != "as told", "{text}");
        text.len()
    };
    let results = parallel_map_blocking(items, work, map_config(1, Duration::MAX)).await;
    assert_eq!((&results[0], &results[2]), (&Ok(1), &Ok(1)));
    let error = results[1].as_ref().unwrap_err();
    assert_eq!(
        (error.index, &*error.input.0, &error.error),
        (1, "as told", &panicked("as told"))
    );
}

#[tokio::test]
async fn what_was_not_begun_when_it_is_dropped_never_is() {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (done, is_done) = tokio::sync::oneshot::channel();
    let (begun, done) = (Mutex::new(Some(begun)), Mutex::new(Some(done)));
    let may_go_on = Mutex::new(may_go_on);
    let live = Live::default();
    let count = live.clone();
    let dropped = Live::default();
    let items: Vec<_> = (0..10).map(|n| (n, dropped.guard())).collect();
    let work = move |_: &(u64, _)| {
        let _guard = count.guard();
        let begun = begun.lock().unwrap().take();
        begun.unwrap().send(()).unwrap();
        may_go_on.lock().unwrap().recv().unwrap();
        done.lock().unwrap().take().unwrap().send(()).unwrap();
    };
    let map = spawn(parallel_map_blocking(
        items,
        work,
        map_config(1, Duration::MAX),
    ));
    has_begun.await.unwrap();
    drop(map);
    // All but the item that a thread holds are dropped with it.
    while dropped.now() > 1 {
        tokio::task::yield_now().await;
    }
    // It cannot be stopped.
    assert_eq!(live.now(), 1);
    go_on.send(()).unwrap();
    is_done.await.unwrap();
    while dropped.now() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(live.ever(), 1);
}
