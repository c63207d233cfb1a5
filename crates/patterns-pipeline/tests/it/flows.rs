//! Stages over a stream: bounds, order, errors, drains, counts.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};

use futures_util::{StreamExt, stream};
use otp_core::contained;
use patterns_pipeline::{
    Flow, FlowExt, FlowHandle, Order, Pipeline, StageConfig, StageFailure, Stages,
};
use testing::{ms, quiet, secs, settle};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Log, polled};

pub(crate) fn config(max_concurrency: usize, order: Order) -> StageConfig {
    StageConfig {
        max_concurrency: NonZeroUsize::new(max_concurrency).unwrap(),
        order,
        ..StageConfig::default()
    }
}

/// Counts what is at work at the same time.
#[derive(Clone, Default)]
struct Gauge(Arc<(AtomicUsize, AtomicUsize)>);

impl Gauge {
    fn work(&self, time: u64) -> impl Future<Output = Result<u64, &'static str>> + use<> {
        struct Leave(Gauge);
        impl Drop for Leave {
            fn drop(&mut self) {
                self.0.0.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let gauge = self.clone();
        async move {
            let now = gauge.0.0.fetch_add(1, Ordering::SeqCst) + 1;
            gauge.0.1.fetch_max(now, Ordering::SeqCst);
            let _leave = Leave(gauge);
            sleep(ms(time)).await;
            Ok(time)
        }
    }

    fn now(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

async fn values<S: Stages + Unpin>(mut flow: Flow<S>) -> Vec<S::Value>
where
    S::Error: std::fmt::Debug,
{
    let mut values = Vec::new();
    while let Some(value) = flow.next().await {
        values.push(value.unwrap());
    }
    values
}

#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_of_the_inputs_or_as_they_are_done() {
    for (order, expected) in [
        (Order::Input, [30, 10, 20, 5]),
        (Order::Completion, [10, 5, 20, 30]),
    ] {
        let gauge = Gauge::default();
        let counted = gauge.clone();
        let flow =
            stream::iter([30, 10, 20, 5])
                .flow()
                .stage("wait", config(3, order), move |time| counted.work(time));
        let begun = Instant::now();
        assert_eq!(values(flow).await, expected);
        assert_eq!((gauge.most(), begun.elapsed()), (3, ms(30)));
    }
}

#[tokio::test(start_paused = true)]
async fn with_one_at_a_time_the_stages_still_work_side_by_side() {
    let stage = |n: u64| async move {
        sleep(secs(1)).await;
        Ok::<_, ()>(n)
    };
    let flow = stream::iter(0..10)
        .flow()
        .stage("one", config(1, Order::Input), stage)
        .stage("two", config(1, Order::Input), stage)
        .stage("three", config(1, Order::Input), stage);
    let begun = Instant::now();
    assert_eq!(values(flow).await, (0..10).collect::<Vec<_>>());
    assert_eq!(begun.elapsed(), secs(12));
}

#[tokio::test(start_paused = true)]
async fn work_goes_on_between_two_polls_and_nothing_is_begun_that_nobody_asked_for() {
    let log = Log::default();
    let lines = log.clone();
    let source = stream::iter(0_u64..).inspect(|n| assert!(*n < 8));
    let mut flow = source
        .flow::<()>()
        .stage("a", config(4, Order::Input), move |n| {
            let log = lines.clone();
            async move {
                sleep(ms(10)).await;
                log.write(n.to_string());
                Ok(n)
            }
        });
    assert_eq!(flow.stats()[0].taken, 0);
    assert_eq!(flow.next().await.unwrap().unwrap(), 0);
    log.take();
    // A fifth was begun when there was room for it, and is done without being asked for. No sixth is begun.
    sleep(secs(60)).await;
    let begun = flow.stats()[0].taken;
    assert!((4..=8).contains(&begun), "{begun}");
    assert_eq!(flow.stats()[0].in_flight, 0);
    assert_eq!(flow.stats()[0].waiting as u64, begun - 1);
}

#[tokio::test(start_paused = true)]
async fn items_at_work_and_results_that_wait_are_bounded_together() {
    for max_waiting in [0, 1, 2, 7, 100] {
        let config = StageConfig {
            max_waiting,
            ..config(4, Order::Input)
        };
        let mut flow = stream::iter(0_u64..)
            .flow::<()>()
            .stage("a", config, |n| async move {
                sleep(if n == 0 { secs(3600) } else { ms(n) }).await;
                Ok(n)
            });
        assert!(timeout(secs(60), flow.next()).await.is_err());
        let stats = &flow.stats()[0];
        assert_eq!((stats.taken, stats.in_flight), (4 + max_waiting as u64, 1));
        assert_eq!((stats.most_in_flight, stats.waiting), (4, 3 + max_waiting));
        assert_eq!(flow.next().await.unwrap().unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_stage_holds_up_those_before_it() {
    let config = StageConfig {
        max_waiting: 5,
        ..config(2, Order::Input)
    };
    let mut flow = stream::iter(0_u64..)
        .flow::<()>()
        .stage("quick", config, |n| async move { Ok(n) })
        .stage("slow", config, |_| std::future::pending::<Result<u64, _>>());
    assert!(timeout(secs(60), flow.next()).await.is_err());
    let stats = flow.stats();
    assert_eq!((stats[1].taken, stats[1].in_flight), (2, 2));
    assert!((2 + 6..=2 + 7).contains(&stats[0].taken), "{stats:?}");
}

#[tokio::test]
async fn a_poll_looks_at_each_of_many_stages_once() {
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&polls);
    let source = stream::poll_fn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::task::Poll::<Option<u64>>::Pending
    });
    let pass = |n: u64| async move { Ok::<_, ()>(n) };
    let stage = config(1, Order::Input);
    let flow = source
        .flow()
        .stage("1", stage, pass)
        .stage("2", stage, pass);
    let flow = flow.stage("3", stage, pass).stage("4", stage, pass);
    let mut flow = flow.stage("5", stage, pass).stage("6", stage, pass);
    assert!(!polled_once(&mut flow).await);
    assert_eq!(polls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_or_a_panic_spoils_its_own_item_only_and_goes_by_later_stages() {
    quiet();
    let log = Log::default();
    let lines = log.clone();
    let mut flow = stream::iter(0..5)
        .flow()
        .stage("first", config(2, Order::Input), |n: u32| {
            assert!(n != 1, "as told");
            async move {
                assert!(n != 2, "as told, later");
                if n == 3 { Err("no") } else { Ok(n) }
            }
        })
        .stage("second", config(2, Order::Input), move |n| {
            lines.write(n.to_string());
            async move {
                if n == 4 {
                    Err("never")
                } else {
                    Ok(n.to_string())
                }
            }
        });
    let mut texts = Vec::new();
    while let Some(result) = flow.next().await {
        texts.push(match result {
            Ok(text) => text,
            Err(error) => error.to_string(),
        });
    }
    assert_eq!(
        texts,
        [
            "0",
            "item 1, stage `first`: panicked: as told",
            "item 2, stage `first`: panicked: as told, later",
            "item 3, stage `first`: no",
            "item 4, stage `second`: never",
        ]
    );
    assert_eq!(log.take(), "0, 4");
    let stats = flow.stats();
    let counts = |at: usize| {
        let stage: &patterns_pipeline::StageStats = &stats[at];
        (
            &*stage.stage,
            stage.taken,
            stage.done,
            stage.failed,
            stage.passed,
        )
    };
    assert_eq!(counts(0), ("first", 5, 2, 3, 0));
    assert_eq!(counts(1), ("second", 2, 1, 1, 3));
    assert_eq!((stats[0].waiting, stats[1].waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn each_item_can_go_through_a_whole_pipeline() {
    let log = Log::default();
    let import = Pipeline::new()
        .step("reserve", |n: u32| Ok::<_, &str>(n))
        .undo(log.undo("reserve"))
        .step(
            "charge",
            |n| if n % 2 == 0 { Ok(n) } else { Err("no money") },
        )
        .boxed();
    let mut flow = stream::iter(0..4)
        .flow()
        .through("import", config(1, Order::Input), &import);
    let mut texts = Vec::new();
    while let Some(result) = flow.next().await {
        if let Err(error) = &result {
            assert!(matches!(&error.failure, StageFailure::Step(error) if error.undone.len() == 1));
        }
        texts.push(result.map_err(|error| error.to_string()));
    }
    assert_eq!(
        texts,
        [
            Ok(0),
            Err("item 1, stage `import`: step `charge`: no money".to_owned()),
            Ok(2),
            Err("item 3, stage `import`: step `charge`: no money".to_owned()),
        ]
    );
    assert_eq!(log.take(), "undo reserve 1, undo reserve 3");
    assert_eq!(import.stats().undone, 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_flow_aborts_what_runs_and_pipelines_undo_what_they_did() {
    let gauge = Gauge::default();
    let counted = gauge.clone();
    let log = Log::default();
    let import = Pipeline::new()
        .step("a", |n: u64| Ok::<_, &str>(n))
        .undo_with(|n| u32::try_from(*n).unwrap(), log.undo("a"))
        .step_async("b", |n| async move {
            sleep(secs(60)).await;
            Ok(n)
        })
        .boxed();
    let mut flow = stream::iter(1_u64..)
        .flow()
        .through("import", config(2, Order::Input), &import)
        .stage("wait", config(2, Order::Input), move |_| {
            counted.work(60_000)
        });
    assert!(timeout(secs(90), flow.next()).await.is_err());
    assert_eq!(gauge.now(), 2);
    assert_eq!(import.stats().running, 2);
    let handle = flow.handle();
    drop(flow);
    import.settled().await;
    settle().await;
    assert_eq!((gauge.now(), import.stats().undone), (0, 2));
    let mut undone: Vec<_> = log.lines();
    undone.sort();
    assert_eq!(undone, ["undo a 3", "undo a 4"]);
    for stage in handle.stats() {
        assert_eq!((stage.in_flight, stage.stopped), (0, 2));
        assert_eq!(stage.taken, stage.done + stage.failed + stage.stopped);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_asks_the_source_no_more_and_loses_nothing() {
    let (send, mut receive) = mpsc::unbounded_channel();
    for n in 0..100 {
        send.send(n).unwrap();
    }
    let source = stream::poll_fn(move |cx| receive.poll_recv(cx));
    let stage = |n: u64| async move {
        sleep(ms(10)).await;
        Ok::<_, ()>(n)
    };
    let mut flow = source
        .flow()
        .stage("one", config(4, Order::Input), stage)
        .stage("two", config(2, Order::Completion), stage);
    let handle = flow.handle();
    assert_eq!(flow.next().await.unwrap().unwrap(), 0);
    assert!(!handle.is_draining());
    handle.drain();
    let taken = handle.stats()[0].taken;
    let mut out = vec![0];
    while let Some(value) = flow.next().await {
        out.push(value.unwrap());
    }
    out.sort_unstable();
    assert_eq!(out, (0..taken).collect::<Vec<_>>());
    assert!(taken < 100 && handle.is_draining());
    // The end stays the end.
    assert!(flow.next().await.is_none());
    // What was not taken is still in the source, which goes with the flow.
    assert!(!send.is_closed());
    drop(flow);
    assert!(send.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_drain_wakes_who_waits_for_the_source() {
    let mut flow =
        stream::pending::<u64>()
            .flow::<()>()
            .stage("a", StageConfig::default(), |n| async move { Ok(n) });
    let handle = flow.handle();
    let waits = tokio::spawn(async move { flow.next().await.is_none() });
    settle().await;
    assert!(!waits.is_finished());
    handle.drain();
    handle.clone().drain();
    assert!(waits.await.unwrap());
}

/// What happens between the look at the drain and the wait for the source is what the source itself does.
#[tokio::test]
async fn a_drain_that_comes_while_the_source_is_asked_is_not_missed() {
    let handle = Arc::new(OnceLock::<FlowHandle>::new());
    let drains = Arc::clone(&handle);
    let source = stream::poll_fn(move |_| {
        drains.get().unwrap().drain();
        std::task::Poll::<Option<u64>>::Pending
    });
    let mut flow = source.flow::<()>();
    handle.set(flow.handle()).unwrap();
    assert!(flow.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_from_another_thread_is_never_missed() {
    for _ in 0..500 {
        let mut flow = stream::pending::<u64>().flow::<()>().stage(
            "a",
            StageConfig::default(),
            |n| async move { Ok(n) },
        );
        let handle = flow.handle();
        let waits = tokio::spawn(async move { flow.next().await.is_none() });
        std::thread::spawn(move || handle.drain()).join().unwrap();
        assert!(timeout(secs(60), waits).await.unwrap().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn the_numbers_of_the_items_go_along() {
    let mut flow = stream::iter([30, 10, 20]).flow::<()>().stage(
        "a",
        config(3, Order::Completion),
        |time| async move {
            sleep(ms(time)).await;
            Ok(time)
        },
    );
    let mut seen = Vec::new();
    while let Some((index, result)) = flow.next_numbered().await {
        seen.push((index, result.unwrap()));
    }
    assert_eq!(seen, [(1, 10), (2, 20), (0, 30)]);
}

#[tokio::test]
async fn a_flow_without_stages_hands_on_its_source() {
    let mut flow = stream::iter([1, 2]).flow::<()>();
    assert_eq!(flow.next().await.unwrap().unwrap(), 1);
    assert_eq!(flow.next().await.unwrap().unwrap(), 2);
    assert!(flow.next().await.is_none() && flow.stats().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_source_is_the_consumer_s_and_what_was_taken_still_comes_out() {
    quiet();
    let source = stream::iter(0..).inspect(|n| assert!(*n != 3, "as told"));
    let mut flow = source
        .flow::<()>()
        .stage("a", config(2, Order::Input), |n| async move {
            sleep(ms(1)).await;
            Ok(n)
        });
    let mut out = Vec::new();
    let mut panics = 0;
    loop {
        match contained::catch_future(flow.next()).await {
            Ok(Some(value)) => out.push(value.unwrap()),
            Ok(None) => break,
            Err(_) => panics += 1,
        }
    }
    assert_eq!((out, panics), (vec![0, 1, 2], 1));
}

#[test]
fn outside_a_runtime_a_flow_panics_before_it_takes_anything() {
    quiet();
    let mut flow = stream::iter(0..3).flow::<()>().stage(
        "a",
        StageConfig::default(),
        |n| async move { Ok(n) },
    );
    {
        let mut next = Box::pin(flow.next());
        let mut cx = Context::from_waker(Waker::noop());
        let panic = contained::catch(|| next.as_mut().poll(&mut cx).is_ready()).unwrap_err();
        assert!(panic.message().contains("no reactor running"), "{panic:?}");
    }
    assert_eq!(flow.stats()[0].taken, 0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(values(flow)), [0, 1, 2]);
}

#[test]
fn an_item_whose_runtime_is_shut_down_comes_out_as_an_error() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    };
    for order in [Order::Input, Order::Completion] {
        let mut flow =
            stream::iter(0..3_u64)
                .flow::<()>()
                .stage("a", config(2, order), |n| async move {
                    if n < 2 {
                        std::future::pending::<()>().await;
                    }
                    Ok(n)
                });
        let first = runtime();
        assert!(!first.block_on(polled_once(&mut flow)));
        drop(first);
        let texts = runtime().block_on(async {
            let mut texts = Vec::new();
            while let Some((index, result)) = flow.next_numbered().await {
                texts.push((
                    index,
                    result.map_err(|error| {
                        assert!(matches!(error.failure, StageFailure::Stopped));
                        error.index
                    }),
                ));
            }
            texts.sort_unstable();
            texts
        });
        assert_eq!(texts, [(0, Err(0)), (1, Err(1)), (2, Ok(2))]);
        let stats = &flow.stats()[0];
        assert_eq!(
            (stats.taken, stats.done, stats.failed, stats.stopped),
            (3, 1, 2, 0)
        );
    }
}

async fn polled_once<S: Stages + Unpin>(flow: &mut Flow<S>) -> bool {
    let mut next = std::pin::pin!(flow.next());
    std::future::poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx).is_ready())).await
}

#[tokio::test(start_paused = true)]
async fn giving_up_a_next_at_any_await_loses_nothing() {
    let mut flow =
        stream::iter(0..20_u64)
            .flow::<()>()
            .stage("a", config(3, Order::Input), |n| async move {
                sleep(ms(n % 3 * 10)).await;
                Ok(n)
            });
    let mut out = Vec::new();
    for times in (0..4).cycle() {
        let mut got = None;
        let mut ended = false;
        polled(
            async {
                match flow.next().await {
                    Some(value) => got = Some(value.unwrap()),
                    None => ended = true,
                }
            },
            times,
        )
        .await;
        out.extend(got);
        if ended {
            break;
        }
    }
    assert_eq!(out, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn results_that_are_always_there_let_other_tasks_run() {
    let mut flow = stream::iter(0_u64..).flow::<()>();
    let other = tokio::spawn(async {});
    while !other.is_finished() {
        flow.next().await.unwrap().unwrap();
    }
}
