//! Metrics and timings.

use std::num::NonZeroUsize;

use patterns_agent::{AgentError, Statistics, StatisticsConfig};
use testing::ms;
use tokio::time::sleep;

async fn stats() -> Statistics {
    Statistics::start().await.unwrap()
}

#[tokio::test]
async fn numbers_begin_at_zero_and_are_none_before() {
    let stats = stats().await;
    assert_eq!(stats.get("a").await.unwrap(), None);
    stats.increment("a").await.unwrap();
    stats.add("a", 10).await.unwrap();
    stats.add(String::from("b"), -3).await.unwrap();
    stats.set("c", 7).await.unwrap();
    stats.cast_add("c", 1).unwrap();
    let all = stats.get_all().await.unwrap();
    let numbers: Vec<_> = all
        .iter()
        .map(|(name, metric)| (name.as_str(), metric.number))
        .collect();
    assert_eq!(numbers, [("a", Some(11)), ("b", Some(-3)), ("c", Some(8))]);
}

#[tokio::test(start_paused = true)]
async fn timing_returns_the_works_result_and_counts_it() {
    let stats = stats().await;
    for millis in [10, 20, 60] {
        let result = stats.time("work", async {
            sleep(ms(millis)).await;
            millis
        });
        assert_eq!(result.await, millis);
    }
    let timing = stats.timing("work").await.unwrap().unwrap();
    assert_eq!(
        (timing.count, timing.total, timing.average()),
        (3, ms(90), ms(30))
    );
    assert_eq!(stats.average_time("work").await.unwrap(), Some(ms(30)));
    assert_eq!(stats.average_time("never").await.unwrap(), None);
    assert_eq!(stats.time_sync("quick", || "done"), "done");
    assert_eq!(stats.timing("quick").await.unwrap().unwrap().count, 1);
}

#[tokio::test]
async fn fifty_concurrent_updates_are_all_there() {
    let stats = stats().await;
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let stats = stats.clone();
            tokio::spawn(async move {
                stats.increment("count").await.unwrap();
                stats.add("sum", number).await.unwrap();
                stats.time_sync("work", || ());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(stats.get("count").await.unwrap(), Some(50));
    assert_eq!(stats.get("sum").await.unwrap(), Some(1_225));
    assert_eq!(stats.timing("work").await.unwrap().unwrap().count, 50);
}

#[tokio::test]
async fn one_metric_too_many_is_refused_and_its_work_is_done_all_the_same() {
    let config = StatisticsConfig {
        max_metrics: NonZeroUsize::new(2).unwrap(),
        ..StatisticsConfig::default()
    };
    let stats = Statistics::start_with(config).await.unwrap();
    stats.increment("a").await.unwrap();
    stats.time_sync("b", || ());
    let error = stats.set("c", 1).await.unwrap_err();
    let text = "the new state was refused: there are 2 metrics, and no more are allowed";
    assert_eq!(error.to_string(), text);
    assert_eq!(stats.time_sync("c", || 5), 5);
    stats.cast_add("d", 1).unwrap();
    stats.increment("b").await.unwrap();
    assert_eq!(
        (stats.get_all().await.unwrap().len(), stats.unrecorded()),
        (2, 2)
    );
    let (info, before) = (stats.info(), stats.info().version);
    assert_eq!((info.refused, info.waiting), (1, 0));
    assert!(stats.set("e", 1).await.is_err());
    assert_eq!(
        stats.info().version,
        before,
        "what was refused is no version"
    );
    stats.reset("a").await.unwrap();
    stats.increment("c").await.unwrap();
}

#[tokio::test]
async fn work_is_done_though_nobody_can_note_it() {
    let stats = stats().await;
    stats.stop().await.unwrap();
    assert_eq!(stats.time("work", async { 5 }).await, 5);
    assert_eq!(stats.time_sync("work", || 6), 6);
    assert_eq!(stats.unrecorded(), 2);
    assert!(matches!(
        stats.increment("a").await,
        Err(AgentError::NoProc)
    ));
}
