//! Any flow, in any number of threads: each input comes out exactly once, in order where that is asked for, and never are more at work than allowed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;
use patterns_pipeline::{FlowExt, Order, StageConfig};
use proptest::prelude::{
    ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::strategy::Just;
use testing::quiet;

use crate::flows::config;

#[derive(Debug, Clone, Copy)]
enum Work {
    Yields(u8),
    Fails(u8),
    Panics(u8),
}

fn works() -> impl Strategy<Value = Vec<Work>> {
    let work = prop_oneof![
        6 => (0..4_u8).prop_map(Work::Yields),
        1 => (0..4_u8).prop_map(Work::Fails),
        1 => (0..4_u8).prop_map(Work::Panics),
    ];
    proptest::collection::vec(work, 0..40)
}

fn stage() -> impl Strategy<Value = StageConfig> {
    let order = prop_oneof![Just(Order::Input), Just(Order::Completion)];
    (1..6_usize, order, 0..8_usize).prop_map(|(concurrency, order, max_waiting)| StageConfig {
        max_waiting,
        ..config(concurrency, order)
    })
}

/// Does what is said, and watches how many do so at the same time.
async fn work(busy: Arc<AtomicUsize>, most: usize, work: Work) -> Result<(), &'static str> {
    struct Busy(Arc<AtomicUsize>);
    impl Drop for Busy {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let now = busy.fetch_add(1, Ordering::SeqCst) + 1;
    let _busy = Busy(busy);
    assert!(now <= most, "{now} at work, {most} are allowed");
    let (Work::Yields(times) | Work::Fails(times) | Work::Panics(times)) = work;
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
    match work {
        Work::Yields(_) => Ok(()),
        Work::Fails(_) => Err("no"),
        Work::Panics(_) => panic!("as told"),
    }
}

fn allowed(config: StageConfig) -> usize {
    config.max_concurrency.get()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn each_input_comes_out_once(
        first in works(), two in stage(), three in stage(), drains_after in prop_oneof![Just(usize::MAX), 0..20_usize], threads in any::<bool>()
    ) {
        quiet();
        let mut builder = if threads {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(2);
            builder
        } else {
            tokio::runtime::Builder::new_current_thread()
        };
        let runtime = builder.build().unwrap();
        let busy = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
        let [one_busy, two_busy] = busy.clone();
        let works = first.clone();
        let mut flow = stream::iter(0..first.len())
            .flow()
            .stage("one", two, move |at| {
                let (busy, now) = (Arc::clone(&one_busy), works[at]);
                async move { work(busy, allowed(two), now).await.map(|()| at) }
            })
            .stage("two", three, move |at| {
                let busy = Arc::clone(&two_busy);
                async move { work(busy, allowed(three), Work::Yields(u8::try_from(at % 3).unwrap())).await.map(|()| at) }
            });
        let handle = flow.handle();
        let (seen, order) = runtime.block_on(async {
            let mut seen = BTreeMap::new();
            let mut order = Vec::new();
            loop {
                if order.len() >= drains_after {
                    handle.drain();
                }
                let Some((index, result)) = flow.next_numbered().await else { break };
                for stage in handle.stats() {
                    let sum = stage.in_flight as u64 + stage.done + stage.failed + stage.stopped;
                    assert_eq!(stage.taken, sum);
                }
                order.push(index);
                assert!(seen.insert(index, result).is_none(), "{index} came out twice");
            }
            (seen, order)
        });
        let stats = handle.stats();
        let taken = usize::try_from(stats[0].taken).unwrap();
        if drains_after == usize::MAX {
            prop_assert_eq!(taken, first.len());
        }
        prop_assert_eq!(seen.len(), taken);
        for (at, (index, result)) in seen.iter().enumerate() {
            prop_assert_eq!(*index, at as u64);
            match (result, first[at]) {
                (Ok(value), Work::Yields(_)) => prop_assert_eq!(*value, at),
                (Err(error), Work::Fails(_)) => prop_assert_eq!(error.to_string(), format!("item {at}, stage `one`: no")),
                (Err(error), Work::Panics(_)) => {
                    prop_assert_eq!(error.to_string(), format!("item {at}, stage `one`: panicked: as told"));
                }
                (result, work) => prop_assert!(false, "{result:?} of {work:?}"),
            }
        }
        if two.order == Order::Input && three.order == Order::Input {
            prop_assert!(order.is_sorted(), "{order:?}");
        }
        for (stage, config) in stats.iter().zip([two, three]) {
            prop_assert!(stage.most_in_flight <= allowed(config));
            prop_assert_eq!((stage.in_flight, stage.waiting, stage.stopped), (0, 0, 0));
        }
        prop_assert_eq!(stats[1].taken + stats[1].passed, stats[0].taken);
    }
}
