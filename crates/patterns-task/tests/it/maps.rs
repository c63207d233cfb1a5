//! `parallel_map`.

use std::time::Duration;

use patterns_task::{MapConfig, TaskError, parallel_map};
use testing::{ms, quiet, secs, settle};

use crate::support::{Live, map_config, panicked, timed};

#[tokio::test(start_paused = true)]
async fn order_is_kept_and_items_are_done_at_the_same_time() {
    let live = Live::default();
    let work = live.clone();
    let map = parallel_map(
        0..8_u64,
        move |&n| work.work(ms(800 - 100 * n), n * n),
        map_config(8, secs(5)),
    );
    let (results, time) = timed(map).await;
    assert_eq!(results, (0..8).map(|n| Ok(n * n)).collect::<Vec<_>>());
    assert_eq!((time, live.most()), (ms(800), 8));
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_than_so_many() {
    let live = Live::default();
    let work = live.clone();
    let map = parallel_map(
        0..20,
        move |&n| work.work(secs(1), n),
        map_config(3, secs(5)),
    );
    let (results, time) = timed(map).await;
    assert_eq!((results.len(), live.most(), time), (20, 3, secs(7)));
    let default = MapConfig::default();
    let cores = std::thread::available_parallelism().unwrap();
    assert_eq!(default.max_concurrency.get(), 2 * cores.get());
}

#[tokio::test]
async fn nothing_in_is_nothing_out() {
    assert_eq!(
        parallel_map(
            Vec::<u8>::new(),
            |&n| async move { n },
            MapConfig::default()
        )
        .await,
        []
    );
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_begins_nothing_and_gives_the_inputs_back() {
    let live = Live::default();
    let work = live.clone();
    let map = parallel_map(
        0..3,
        move |&n| work.work(ms(1), n),
        map_config(2, Duration::ZERO),
    );
    let errors: Vec<_> = map.await.into_iter().map(Result::unwrap_err).collect();
    assert!(
        errors
            .iter()
            .enumerate()
            .all(|(n, error)| error.index == n && error.input == n)
    );
    assert!(
        errors
            .iter()
            .all(|error| error.error == TaskError::NotStarted)
    );
    assert_eq!(live.ever(), 0);
}

#[tokio::test(start_paused = true)]
async fn maps_can_stand_inside_one_another() {
    let row = |&n: &u64| parallel_map(0..n, |&m| async move { m }, map_config(2, secs(1)));
    let rows = parallel_map([2, 0, 3], row, map_config(2, secs(1))).await;
    let lengths: Vec<usize> = rows.into_iter().map(|row| row.unwrap().len()).collect();
    assert_eq!(lengths, [2, 0, 3]);
}

#[tokio::test]
async fn an_iterator_that_panics_is_the_callers_trouble_and_aborts_what_runs() {
    quiet();
    let live = Live::default();
    let work = live.clone();
    let items = (0..5).inspect(|n| assert!(*n != 3, "as told"));
    let map = parallel_map(
        items,
        move |&n| work.work(secs(3_600), n),
        map_config(8, secs(5)),
    );
    let map = patterns_task::spawn(map);
    assert_eq!(map.await.unwrap_err(), panicked("as told"));
    settle().await;
    assert_eq!((live.now(), live.most()), (0, 0));
}
