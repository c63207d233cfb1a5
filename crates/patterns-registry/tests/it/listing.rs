//! What can be read of all workers, without a question to any.

use patterns_registry::{RegistryConfig, WorkerInfo, WorkerRegistry};
use testing::{secs, settle};

use crate::support::{Msg, World, registry};

#[tokio::test(start_paused = true)]
async fn workers_are_listed_in_the_order_of_their_keys_with_what_they_did() {
    let registry = registry().await;
    for key in ["c", "a", "b"] {
        registry.start_worker(key).await.unwrap();
        tokio::time::sleep(secs(1)).await;
    }
    for _ in 0..3 {
        registry.call("a", Msg::Total).await.unwrap();
    }
    registry.crash_worker("c").unwrap();
    settle().await;

    let listed = registry.list_workers();
    let seen: Vec<_> = listed
        .iter()
        .map(|worker| {
            let WorkerInfo {
                key,
                handled,
                restarts,
                uptime,
                mailbox_len,
                ..
            } = worker;
            (key.as_str(), *handled, *restarts, *uptime, *mailbox_len)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("a", 3, 0, secs(2), 0),
            ("b", 0, 0, secs(1), 0),
            ("c", 0, 1, secs(0), 0)
        ]
    );
    for worker in &listed {
        assert_eq!(
            registry.lookup(&worker.key).unwrap().pid().unwrap(),
            worker.pid
        );
        assert_eq!(worker.started + worker.uptime, tokio::time::Instant::now());
    }
}

#[tokio::test]
async fn the_totals_count_starts_and_restarts() {
    let registry = registry().await;
    for key in ["a", "b"] {
        registry.start_worker(key).await.unwrap();
    }
    registry.stop_worker("a").await.unwrap();
    registry.start_worker("a").await.unwrap();
    registry.crash_worker("b").unwrap();
    settle().await;
    let info = registry.info();
    assert_eq!((info.started, info.restarted), (3, 1));
    assert_eq!(info.supervisor, registry.supervisor_ref().pid());
}

async fn shards() -> WorkerRegistry<u32, Msg, String> {
    let world = World::new();
    let config = RegistryConfig::default();
    let registry =
        WorkerRegistry::start_with_values(config, move |key: &u32| world.worker(&key.to_string()));
    registry.await.unwrap()
}

#[tokio::test]
async fn an_entry_has_the_value_that_it_was_started_with() {
    let shards = shards().await;
    shards
        .start_worker_with(&1, "hot".to_owned())
        .await
        .unwrap();
    shards.start_worker(&2).await.unwrap();
    assert_eq!(shards.value(&1), Some("hot".to_owned()));
    assert_eq!(shards.value(&2), Some(String::new()));
    assert_eq!(shards.value(&3), None);
    // One that is there keeps its own.
    let again = shards
        .start_worker_with(&1, "cold".to_owned())
        .await
        .unwrap();
    assert!(!again.is_new());
    assert_eq!(shards.list_workers()[0].value, "hot");
}

#[tokio::test]
async fn a_value_is_changed_and_survives_the_restart_of_its_worker_but_not_its_end() {
    let shards = shards().await;
    shards
        .start_worker_with(&1, "hot".to_owned())
        .await
        .unwrap();
    let changed = shards.update_value(&1, |value| format!("{value}!"));
    assert_eq!(changed, Some(("hot!".to_owned(), "hot".to_owned())));
    assert_eq!(shards.update_value(&2, String::clone), None);

    shards.crash_worker(&1).unwrap();
    let _ = shards.wait_for(&1).await.unwrap();
    settle().await;
    assert_eq!(shards.value(&1), Some("hot!".to_owned()));

    shards.stop_worker(&1).await.unwrap();
    assert_eq!(shards.value(&1), None);
    shards.start_worker(&1).await.unwrap();
    assert_eq!(shards.value(&1), Some(String::new()));
}

#[tokio::test]
async fn a_change_that_somebody_else_was_quicker_with_is_made_anew() {
    let shards = shards().await;
    shards.start_worker(&1).await.unwrap();
    let mut calls = 0;
    let changed = shards.update_value(&1, |value| {
        calls += 1;
        if calls == 1 {
            // It may use the registry, for it runs outside of its locks.
            shards.update_value(&1, |_| "b".to_owned());
        }
        format!("{value}a")
    });
    assert_eq!(changed, Some(("ba".to_owned(), "b".to_owned())));
    assert_eq!(calls, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_of_a_value_is_lost() {
    let world = World::new();
    let registry: WorkerRegistry<u32, Msg, u64> =
        WorkerRegistry::start_with_values(RegistryConfig::default(), move |key: &u32| {
            world.worker(&key.to_string())
        })
        .await
        .unwrap();
    registry.start_worker(&1).await.unwrap();
    let changing: Vec<_> = (0..4)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move {
                for _ in 0..1_000 {
                    registry.update_value(&1, |value| value + 1).unwrap();
                }
            })
        })
        .collect();
    for change in changing {
        change.await.unwrap();
    }
    assert_eq!(registry.value(&1), Some(4_000));
}

#[tokio::test]
async fn entries_are_selected_and_counted_by_key_process_and_value() {
    let shards = shards().await;
    for key in 0..10 {
        let value = if key % 3 == 0 { "hot" } else { "cold" };
        shards
            .start_worker_with(&key, value.to_owned())
            .await
            .unwrap();
    }
    let mut hot = shards.select(|key, _, value| (value == "hot").then_some(*key));
    hot.sort_unstable();
    assert_eq!(hot, [0, 3, 6, 9]);
    assert_eq!(
        shards.count(|key, _, value| key % 2 == 0 && value == "cold"),
        3
    );
    assert_eq!(shards.count(|_, pid, _| pid.is_alive()), 10);
    let mut keys = shards.keys();
    keys.sort_unstable();
    assert_eq!(keys, (0..10).collect::<Vec<_>>());
    // What is picked by may use the registry.
    assert_eq!(shards.count(|key, _, _| shards.lookup(key).is_some()), 10);
}
