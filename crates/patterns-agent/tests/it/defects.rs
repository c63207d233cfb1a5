//! What was wrong with the agents of the original, each with its test.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use otp_core::{Registry, Strategy, Supervisor};
use patterns_agent::{AgentConfig, AgentMsg, ConfigStore, Counter, Statistics};
use testing::{ms, secs};
use tokio::time::sleep;

async fn stats() -> Statistics {
    Statistics::start().await.unwrap()
}

/// There adding what is no number, or timing a metric whose name is no text, kills the agent with all state. Here neither compiles, and nothing that is left to add ends it.
#[tokio::test]
async fn numbers_stop_at_their_bounds() {
    let stats = stats().await;
    stats.set("a", i64::MAX).await.unwrap();
    stats.increment("a").await.unwrap();
    assert_eq!(stats.get("a").await.unwrap(), Some(i64::MAX));
    stats.add("b", i64::MIN).await.unwrap();
    stats.cast_add("b", -1).unwrap();
    assert_eq!(stats.get("b").await.unwrap(), Some(i64::MIN));
}

/// There no name is taken, so that a named agent below a supervisor cannot start.
#[tokio::test]
async fn a_named_child_is_found_by_its_name_and_id() {
    let names: Registry<&str, AgentMsg<i64>> = Registry::new();
    let config = AgentConfig {
        name: Some("the counter".into()),
        ..AgentConfig::default()
    };
    let (child, counter) = Counter::child("counter", config, 5);
    let child = child.register_as(names.via("counter"));
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    assert_eq!(counter.increment().await.unwrap(), 6);
    assert_eq!(counter.agent().info().name.as_deref(), Some("the counter"));
    let pid = names.whereis("counter").unwrap().pid().unwrap();
    assert_eq!(pid, counter.agent().pid().unwrap());
    let children = tree.which_children().await.unwrap();
    assert_eq!(&*children[0].id, "counter");
    tree.stop().await.unwrap();
}

/// There a reset of a timed metric returns nothing, and leaves its total and its count.
#[tokio::test(start_paused = true)]
async fn a_reset_takes_number_and_timing_and_returns_them() {
    let stats = stats().await;
    stats.set("work", 5).await.unwrap();
    stats.time("work", sleep(ms(7))).await;
    stats.increment("other").await.unwrap();
    let old = stats.reset("work").await.unwrap().unwrap();
    assert_eq!((old.number, old.timing.unwrap().total), (Some(5), ms(7)));
    assert_eq!(stats.reset("work").await.unwrap(), None);
    assert_eq!(stats.average_time("work").await.unwrap(), None);

    let old = stats.reset_all().await.unwrap();
    assert_eq!(old.keys().collect::<Vec<_>>(), ["other"]);
    assert!(stats.get_all().await.unwrap().is_empty());
}

/// There a timing is kept under names that are made up of the metric's.
#[tokio::test]
async fn the_names_of_timings_collide_with_no_metric() {
    let stats = stats().await;
    stats.set("work_count", 1).await.unwrap();
    stats.set("work_total_ms", 2).await.unwrap();
    stats.set("work", 3).await.unwrap();
    stats.time_sync("work", || ());
    assert_eq!(stats.get("work_count").await.unwrap(), Some(1));
    assert_eq!(stats.get("work_total_ms").await.unwrap(), Some(2));
    assert_eq!(stats.get("work").await.unwrap(), Some(3));
}

/// There nothing is noted of work that fails.
#[tokio::test(start_paused = true)]
async fn work_that_fails_is_timed_too() {
    let stats = stats().await;
    let failed: Result<(), &str> = stats.time("work", async { Err("failed") }).await;
    assert_eq!(failed, Err("failed"));
    let caught = std::panic::catch_unwind(AssertUnwindSafe(|| {
        stats.time_sync("work", || panic!("in the work"));
    }));
    assert!(caught.is_err());
    let other = stats.clone();
    let task = tokio::spawn(async move {
        other
            .time("work", async {
                sleep(secs(2)).await;
                panic!("later");
            })
            .await
    });
    assert!(task.await.is_err());
    let cancelled = tokio::time::timeout(secs(3), stats.time("work", sleep(secs(100)))).await;
    assert!(cancelled.is_err());
    let timing = stats.timing("work").await.unwrap().unwrap();
    assert_eq!((timing.count, timing.total), (4, secs(5)));
    drop(stats.time("work", async {}));
    assert_eq!(
        stats.timing("work").await.unwrap().unwrap().count,
        4,
        "never begun"
    );
}

/// There time is counted in whole milliseconds.
#[tokio::test(start_paused = true)]
async fn an_average_is_exact_to_the_nanosecond() {
    let stats = stats().await;
    stats.time("work", sleep(ms(1))).await;
    stats.time("work", sleep(ms(1))).await;
    stats.time_sync("work", || ());
    assert_eq!(
        stats.average_time("work").await.unwrap(),
        Some(Duration::from_nanos(666_666))
    );
}

/// There a value of `nil` looks as if there were none.
#[tokio::test]
async fn a_stored_none_is_told_from_no_entry() {
    let store = ConfigStore::start([("set", None::<u8>)]).await.unwrap();
    assert_eq!(
        (store.get("set").unwrap(), store.get("unset").unwrap()),
        (Some(None), None)
    );
}
