//! Streams over tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use patterns_task::{
    Order, StreamConfig, TaskError, TaskStreamExt, async_stream, spawn, stream_of,
};
use testing::{ms, quiet, secs, settle};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::support::{Live, nonzero, panicked, stream_config, timed};

#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_of_the_inputs_unless_told_otherwise() {
    let naps = [30, 10, 20];
    for (order, expected) in [
        (Order::Input, [30, 10, 20]),
        (Order::Completion, [10, 20, 30]),
    ] {
        let nap = |&n: &u64| async move {
            sleep(ms(n)).await;
            n
        };
        let results: Vec<_> = async_stream(naps, nap, stream_config(3, order))
            .collect()
            .await;
        assert_eq!(results, expected.map(Ok));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_keeps_no_place_but_its_own() {
    let live = Live::default();
    let work = live.clone();
    let nap = move |&n: &u64| work.work(if n == 0 { secs(10) } else { secs(1) }, n);
    let mut results = async_stream(0..19, nap, stream_config(3, Order::Input));
    let (first, time) = timed(results.next()).await;
    // Two places for 18 items of a second each, while the first one takes its ten: no chunks.
    assert_eq!((first, time), (Some(Ok(0)), secs(10)));
    assert_eq!(results.stats().waiting, 18);
    assert_eq!(live.most(), 3);
    let (rest, time) = timed(results.by_ref().collect::<Vec<_>>()).await;
    assert_eq!((rest, time), ((1..19).map(Ok).collect(), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn so_many_results_wait_behind_a_slow_one_and_no_more() {
    for (concurrency, buffered) in [(4, 0), (4, 1), (4, 3), (4, 10), (1, 10), (8, 5)] {
        for order in [Order::Input, Order::Completion] {
            let live = Live::default();
            let work = live.clone();
            let config = StreamConfig {
                max_buffered: buffered,
                ..stream_config(concurrency, order)
            };
            let nap = move |&n: &u64| work.work(if n % 20 == 0 { secs(100) } else { secs(1) }, n);
            let mut results = async_stream(0..100, nap, config);
            let mut given = 0;
            while let Some(result) = results.next().await {
                assert!(result.is_ok());
                given += 1;
                let stats = results.stats();
                assert_eq!(stats.given, given);
                assert!(stats.waiting <= buffered, "{stats:?}");
                assert!(stats.begun <= given + buffered as u64 + 1, "{stats:?}");
                // A consumer that takes its time.
                sleep(ms(700)).await;
            }
            let stats = results.stats();
            assert_eq!((given, stats.running, stats.waiting), (100, 0, 0));
            assert!(stats.most_waiting <= buffered, "{stats:?}");
            let most = concurrency.min(buffered + 1);
            assert_eq!((stats.most_running, live.most()), (most, most));
            if order == Order::Input && concurrency > 1 {
                assert_eq!(stats.most_waiting, buffered, "{stats:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_most_that_waited_is_known_while_they_wait() {
    let nap = |&n: &u64| sleep(if n == 0 { secs(100) } else { secs(1) });
    let mut results = async_stream(0..9, nap, stream_config(4, Order::Input));
    assert!(
        tokio::time::timeout(secs(50), results.next())
            .await
            .is_err()
    );
    let stats = results.stats();
    assert_eq!((stats.waiting, stats.most_waiting, stats.given), (8, 8, 0));
    assert_eq!((stats.running, stats.most_running, stats.begun), (1, 4, 9));
}

#[tokio::test(start_paused = true)]
async fn inputs_are_taken_when_there_is_room_and_no_sooner() {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let endless = std::iter::repeat_with(move || count.fetch_add(1, Ordering::SeqCst));
    let mut results = async_stream(
        endless,
        |&n| async move { n },
        stream_config(2, Order::Input),
    );
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    for n in 0..10 {
        assert_eq!(results.next().await, Some(Ok(n)));
        assert!(
            taken.load(Ordering::SeqCst) <= n + 3 + 2,
            "{taken:?} at {n}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn taking_less_ends_the_rest() {
    let live = Live::default();
    let work = live.clone();
    let nap = move |&n: &u64| work.work(secs(n), n);
    let results = async_stream(1.., nap, stream_config(4, Order::Input));
    assert_eq!(results.take(2).collect::<Vec<_>>().await, [Ok(1), Ok(2)]);
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_with_its_input_and_ends_nothing() {
    quiet();
    // An input that cannot be cloned, and needs not be sent anywhere.
    #[derive(Debug, PartialEq)]
    struct Input(u64, std::rc::Rc<()>);
    let inputs = (0..4).map(|n| Input(n, std::rc::Rc::default()));
    let work = |input: &Input| {
        let n = input.0;
        assert!(n != 1, "as told, before the future");
        async move {
            assert!(n != 2, "as told, in the future");
            if n == 3 {
                sleep(secs(3_600)).await;
            }
            n
        }
    };
    let config = StreamConfig {
        timeout: secs(5),
        ..stream_config(2, Order::Input)
    };
    let results: Vec<_> = async_stream(inputs, work, config).collect().await;
    assert_eq!(results[0], Ok(0));
    for (n, error) in [
        (1, panicked("as told, before the future")),
        (2, panicked("as told, in the future")),
        (3, TaskError::Timeout),
    ] {
        let failed = results[usize::try_from(n).unwrap()].as_ref().unwrap_err();
        assert_eq!(
            (failed.index as u64, failed.input.0, &failed.error),
            (n, n, &error)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_item_has_its_time_from_its_own_beginning() {
    let live = Live::default();
    let work = live.clone();
    let nap = move |&n: &u64| work.work(secs(n), n);
    let config = StreamConfig {
        timeout: secs(5),
        ..stream_config(1, Order::Input)
    };
    let (results, time) = timed(async_stream([4, 4, 9, 4], nap, config).collect::<Vec<_>>()).await;
    let late = results[2].as_ref().unwrap_err();
    assert_eq!(
        (late.index, late.input, &late.error),
        (2, 9, &TaskError::Timeout)
    );
    assert_eq!(results.iter().filter(|result| **result == Ok(4)).count(), 3);
    assert_eq!(time, secs(17));
    assert_eq!((live.now(), live.most()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_there_counts_however_late_it_is_looked_at() {
    let config = StreamConfig {
        timeout: secs(5),
        ..stream_config(2, Order::Input)
    };
    let mut results = async_stream(
        [1, 4, 60, 200],
        |&n| async move { sleep(secs(n)).await },
        config,
    );
    assert_eq!(results.next().await, Some(Ok(())));
    sleep(secs(100)).await;
    assert_eq!(results.next().await, Some(Ok(())));
    assert_eq!(results.next().await, Some(Ok(())));
    assert_eq!(
        results.next().await.unwrap().unwrap_err().error,
        TaskError::Timeout
    );
    assert_eq!(results.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn futures_that_own_their_input_can_be_streamed() {
    quiet();
    struct Owned(String);
    let inputs = ["a", "as told", "c"].map(|text| Owned(text.to_owned()));
    let futures = inputs.into_iter().map(|owned| async move {
        let Owned(text) = owned;
        assert!(text != "as told", "{text}");
        text
    });
    let mut results = stream_of(futures, stream_config(2, Order::Input));
    assert_eq!(results.next().await, Some(Ok("a".to_owned())));
    let error = results.next().await.unwrap().unwrap_err();
    assert_eq!(
        (error.index, error.input, error.error),
        (1, (), panicked("as told"))
    );
    assert_eq!(results.next().await, Some(Ok("c".to_owned())));
    assert_eq!(results.next().await, None);
    assert_eq!(results.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_for_its_source_goes_on_with_what_runs() {
    let (send, receive) = mpsc::channel::<u64>(10);
    let source = stream::unfold(receive, |mut receive| async move {
        let item = receive.recv().await?;
        Some((item, receive))
    });
    let nap = |&n: &u64| async move {
        sleep(ms(n)).await;
        n
    };
    let mut results = Box::pin(source.map_spawned(nap, stream_config(4, Order::Completion)));
    let feeder = spawn(async move {
        for n in [50, 10, 1] {
            send.send(n).await.unwrap();
            sleep(ms(20)).await;
        }
        sleep(secs(5)).await;
    });
    for n in [10, 1, 50] {
        assert_eq!(results.next().await, Some(Ok(n)));
    }
    let (end, time) = timed(StreamExt::next(&mut results)).await;
    assert_eq!(end, None);
    assert!(time >= secs(4), "{time:?}");
    feeder.await.unwrap();
}

#[tokio::test]
async fn a_stream_of_futures_can_be_spawned() {
    let futures = stream::iter((0..20).map(|n| async move { n }));
    let results: Vec<_> = futures
        .spawned(stream_config(3, Order::Input))
        .collect()
        .await;
    assert_eq!(results, (0..20).map(Ok).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_knows_how_many_there_will_be() {
    use futures_util::stream::FusedStream;
    let mut results = async_stream(0..20, |&n| async move { n }, stream_config(3, Order::Input));
    for given in 0..20 {
        assert_eq!(
            futures_util::Stream::size_hint(&results),
            (20 - given, Some(20 - given))
        );
        assert!(!results.is_terminated());
        assert!(results.next().await.is_some());
    }
    assert_eq!(results.next().await, None);
    assert_eq!(futures_util::Stream::size_hint(&results), (0, Some(0)));
    assert!(results.is_terminated());
}

#[tokio::test]
async fn a_stream_may_be_read_by_a_task_that_did_not_make_it() {
    let mut results = async_stream(0..20, |&n| async move { n }, stream_config(3, Order::Input));
    assert_eq!(results.next().await, Some(Ok(0)));
    let rest = spawn(async move { results.collect::<Vec<_>>().await });
    assert_eq!(rest.await, Ok((1..20).map(Ok).collect()));
}

#[tokio::test(start_paused = true)]
async fn streams_can_stand_inside_one_another() {
    let inner = |&n: &u64| async move {
        let config = stream_config(2, Order::Completion);
        async_stream(0..n, |&m| async move { m + 1 }, config)
            .count()
            .await
    };
    let results: Vec<_> = async_stream([3, 5, 0], inner, stream_config(2, Order::Input))
        .collect()
        .await;
    assert_eq!(results, [Ok(3), Ok(5), Ok(0)]);
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_begins_nothing_and_no_limit_is_none() {
    let live = Live::default();
    let work = live.clone();
    let config = StreamConfig {
        timeout: Duration::ZERO,
        ..stream_config(2, Order::Input)
    };
    let results: Vec<_> = async_stream(0..3, move |&n| work.work(ms(1), n), config)
        .collect()
        .await;
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().unwrap_err().error == TaskError::NotStarted)
    );
    assert_eq!((results.len(), live.ever()), (3, 0));
    let day = |&n: &u64| async move {
        sleep(secs(86_400)).await;
        n
    };
    let config = StreamConfig {
        max_buffered: usize::MAX,
        max_concurrency: nonzero(usize::MAX),
        ..stream_config(1, Order::Input)
    };
    assert_eq!(
        async_stream(0..3, day, config).collect::<Vec<_>>().await,
        [Ok(0), Ok(1), Ok(2)]
    );
}

#[tokio::test]
async fn an_iterator_that_panics_is_the_consumers_trouble_and_the_end_of_the_inputs() {
    quiet();
    let mut n = 0;
    let inputs = std::iter::from_fn(move || {
        n += 1;
        assert!(n != 3, "as told");
        Some(n)
    });
    let mut results = async_stream(
        inputs,
        |&n| async move { n },
        stream_config(8, Order::Input),
    );
    let panic = std::panic::AssertUnwindSafe(results.next())
        .catch_unwind()
        .await;
    assert!(panic.is_err());
    // What was begun is not lost.
    assert_eq!(results.next().await, Some(Ok(1)));
    assert_eq!(results.next().await, Some(Ok(2)));
    assert_eq!(results.next().await, None);
}
