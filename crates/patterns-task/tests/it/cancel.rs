//! Everything that can be awaited, dropped at each of its `.await`s: nothing that it started runs on.

use std::num::NonZeroU32;

use patterns_task::{
    BatchConfig, Deadline, FetchConfig, HedgeConfig, Order, RetryConfig, TaskSupervisor,
    TaskSupervisorConfig, async_stream, await_many, batch_process, boxed, hedge,
    multi_source_fetch, parallel_fetch, parallel_map, pipeline, race, retry, scope, spawn,
    spawn_with_stop, stream_of, supervised_task, with_deadline, with_fallback,
};
use testing::{ms, secs};

use crate::support::{dropped_at_each_await, map_config, nonzero, stream_config};

#[tokio::test(start_paused = true)]
async fn a_task() {
    dropped_at_each_await(|live| spawn(live.work(ms(50), ()))).await;
    dropped_at_each_await(|live| spawn(live.work(ms(50), ())).await_for(secs(5))).await;
    dropped_at_each_await(|live| spawn(live.work(secs(9), ())).await_for(ms(50))).await;
    dropped_at_each_await(
        |live| async move { spawn(live.work(ms(50), ())).yield_for(secs(5)).await },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown() {
    dropped_at_each_await(|live| async move {
        let task = spawn_with_stop(|_| live.work(secs(9), ()));
        tokio::time::sleep(ms(20)).await;
        task.shutdown(ms(50)).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn many_tasks() {
    let three = |live: &crate::support::Live| [10, 30, 50].map(|n| spawn(live.work(ms(n), ())));
    dropped_at_each_await(|live| await_many(three(&live), secs(5))).await;
    dropped_at_each_await(|live| await_many(three(&live), ms(20))).await;
    dropped_at_each_await(|live| async move {
        patterns_task::yield_many(&mut three(&live), ms(20)).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn maps_and_fetches() {
    dropped_at_each_await(|live| {
        parallel_map(
            [30, 10, 50, 20],
            move |&n| live.work(ms(n), ()),
            map_config(2, secs(5)),
        )
    })
    .await;
    dropped_at_each_await(|live| {
        parallel_map(
            [30, 10, 90, 20],
            move |&n| live.work(ms(n), ()),
            map_config(2, ms(40)),
        )
    })
    .await;
    let config = FetchConfig {
        timeout: ms(60),
        max_concurrency: nonzero(2),
        ..FetchConfig::default()
    };
    dropped_at_each_await(|live| {
        parallel_fetch(
            [30, 10, 90, 20],
            move |&n| live.good(ms(n), ()),
            config.clone(),
        )
    })
    .await;
    dropped_at_each_await(|live| {
        multi_source_fetch(
            [(1, live.good(ms(30), ())), (2, live.good(secs(9), ()))],
            ms(50),
        )
    })
    .await;
    let config = BatchConfig {
        batch_size: nonzero(2),
        max_concurrency: nonzero(2),
        timeout: ms(60),
    };
    dropped_at_each_await(|live| {
        batch_process(
            [30, 10, 90, 20, 10],
            move |&n| live.work(ms(n), ()),
            config.clone(),
        )
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn streams() {
    for order in [Order::Input, Order::Completion] {
        dropped_at_each_await(|live| async move {
            let mut results = async_stream(
                [30, 10, 50, 20],
                move |&n| live.work(ms(n), ()),
                stream_config(2, order),
            );
            while results.next().await.is_some() {}
        })
        .await;
        dropped_at_each_await(|live| async move {
            let futures = [30, 10, 50, 20].map(|n| live.work(ms(n), ()));
            let mut results = stream_of(futures, stream_config(2, order));
            while results.next().await.is_some() {}
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn races_hedges_and_fallbacks() {
    dropped_at_each_await(|live| race([live.good(ms(30), ()), live.good(secs(9), ())], secs(5)))
        .await;
    dropped_at_each_await(|live| {
        race(
            [boxed(live.bad(ms(30), "no")), boxed(live.good(secs(9), 1))],
            ms(60),
        )
    })
    .await;
    dropped_at_each_await(|live| {
        with_fallback(
            [live.good(ms(30), ()), live.good(secs(9), ())],
            |_| (),
            ms(60),
        )
    })
    .await;
    let config = HedgeConfig {
        delay: ms(20),
        max_attempts: nonzero(3),
        timeout: ms(90),
    };
    dropped_at_each_await(|live| {
        hedge(config.clone(), move |n| {
            live.good(ms(80 - 30 * n as u64), ())
        })
    })
    .await;
    dropped_at_each_await(|live| hedge(config.clone(), move |_| live.bad(ms(15), "no"))).await;
    dropped_at_each_await(|live| hedge(config.clone(), move |_| live.good(secs(9), ()))).await;
}

#[tokio::test(start_paused = true)]
async fn retries_and_pipelines() {
    let config = RetryConfig {
        base_delay: ms(20),
        attempt_timeout: ms(30),
        max_attempts: NonZeroU32::new(4).unwrap(),
        ..RetryConfig::default()
    };
    dropped_at_each_await(|live| retry(config.clone(), move || live.bad(ms(20), "no"))).await;
    dropped_at_each_await(|live| retry(config.clone(), move || live.good(secs(9), ()))).await;
    dropped_at_each_await(|live| {
        let next = live.clone();
        pipeline(secs(5), move || live.good(ms(30), ())).then(move |()| next.good(ms(30), ()))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn scopes() {
    dropped_at_each_await(|live| {
        scope(|scope| async move {
            drop(scope.spawn(live.work(ms(60), ())));
            let (inner, work) = (scope.clone(), live.clone());
            drop(scope.spawn(async move {
                work.work(ms(20), ()).await;
                drop(inner.spawn(work.work(ms(20), ())));
            }));
            live.work(ms(30), ()).await;
        })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn deadlines() {
    dropped_at_each_await(|live| {
        with_deadline(Deadline::after(ms(50)), spawn(live.work(secs(9), ())))
    })
    .await;
    dropped_at_each_await(|live| {
        let map = parallel_map(
            [30, 10, 90, 20],
            move |&n| live.work(ms(n), ()),
            map_config(2, secs(9)),
        );
        with_deadline(Deadline::after(ms(50)), map)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn supervised_tasks() {
    let tasks = TaskSupervisor::start(TaskSupervisorConfig::default())
        .await
        .unwrap();
    dropped_at_each_await(|live| {
        let tasks = tasks.clone();
        async move {
            supervised_task(&tasks, live.work(ms(50), ()), secs(5))
                .await
                .is_ok()
        }
    })
    .await;
    dropped_at_each_await(|live| {
        let tasks = tasks.clone();
        async move { tasks.spawn(live.work(ms(50), ())).await.unwrap().await }
    })
    .await;
    assert_eq!(tasks.count().await.unwrap().specs, 0);
}
