//! Workers that crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patterns_registry::{
    Context, ExitReason, GenServer, NotFound, RegistryConfig, Restart, Started, WorkerRegistry,
};
use testing::{ms, quiet, secs, settle};

use crate::support::{Init, Msg, World, assert_nothing_left, registry};

#[tokio::test]
async fn a_crashed_worker_comes_back_under_its_key_and_its_address_survives() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    worker.cast(Msg::Add(5)).unwrap();
    assert_eq!(worker.call(Msg::Total).await.unwrap(), 5);
    let before = worker.pid().unwrap();
    registry.crash_worker("a").unwrap();
    assert_eq!(
        before.monitor().await.to_string(),
        "panicked: crashed on request"
    );

    // The same handle reaches the next one, which has begun anew.
    assert_eq!(worker.call(Msg::Total).await.unwrap(), 0);
    assert_eq!(registry.lookup("a"), Some(worker.clone()));
    assert_ne!(worker.pid(), Some(before));
    assert_eq!(world.made("a"), 2);
    assert_eq!(registry.list_workers()[0].restarts, 1);
}

#[tokio::test]
async fn a_worker_that_is_not_there_cannot_be_crashed() {
    assert_eq!(registry().await.crash_worker("a"), Err(NotFound));
}

#[tokio::test(start_paused = true)]
async fn crashes_that_are_far_enough_apart_go_on_for_ever() {
    quiet();
    let world = World::new();
    let config = RegistryConfig {
        max_restarts: 1,
        restart_period: secs(10),
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    for _ in 0..20 {
        registry.cast("a", Msg::Crash).await.unwrap();
        tokio::time::sleep(secs(10) + ms(1)).await;
    }
    assert_eq!(world.made("a"), 21);
    registry.cast("a", Msg::Crash).await.unwrap();
    settle().await;
    registry.crash_worker("a").unwrap();
    settle().await;
    assert_nothing_left(&registry).await;
}

#[tokio::test]
async fn a_limit_of_no_restarts_gives_up_at_the_first_crash() {
    let config = RegistryConfig {
        max_restarts: 0,
        ..RegistryConfig::default()
    };
    let registry = World::new().registry(config).await;
    registry.start_worker("a").await.unwrap();
    registry.crash_worker("a").unwrap();
    settle().await;
    assert_nothing_left(&registry).await;
}

#[tokio::test]
async fn a_temporary_worker_is_not_restarted() {
    let config = RegistryConfig {
        restart: Restart::Temporary,
        ..RegistryConfig::default()
    };
    let world = World::new();
    let registry = world.registry(config).await;
    registry.start_worker("a").await.unwrap();
    registry.crash_worker("a").unwrap();
    settle().await;
    assert_nothing_left(&registry).await;
    assert_eq!(world.made("a"), 1);
}

#[tokio::test]
async fn a_killed_worker_is_restarted_too() {
    let registry = registry().await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    worker.pid().unwrap().kill();
    assert_eq!(worker.call(Msg::Total).await.unwrap(), 0);
    assert_eq!(registry.info().restarted, 1);
}

#[tokio::test]
async fn a_worker_whose_restarts_fail_is_given_up_and_who_waits_gets_a_new_one() {
    let world = World::with(|_, nth| match nth {
        2..=4 => Init::Fail,
        _ => Init::Succeed,
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let first = registry.start_worker("a").await.unwrap().into_server();
    registry.crash_worker("a").unwrap();
    let next = registry.start_worker("a").await.unwrap();
    // Either it was asked before the crash was seen, or it got the new one.
    settle().await;
    let found = registry.start_worker("a").await.unwrap().into_server();
    assert_ne!(found, first);
    assert!(!first.is_alive() && found.is_alive());
    drop(next);
    assert_eq!(world.made("a"), 5);
    registry.stop_worker("a").await.unwrap();
    assert_nothing_left(&registry).await;
}

#[tokio::test]
async fn messages_that_wait_are_kept_for_the_next_incarnation() {
    quiet();
    let registry = registry().await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    worker.cast(Msg::Crash).unwrap();
    worker.cast(Msg::Add(3)).unwrap();
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 3);
}

#[tokio::test]
async fn an_error_that_a_handler_returns_is_a_crash() {
    let registry = registry().await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    worker
        .cast(Msg::End(ExitReason::boxed("disk full")))
        .unwrap();
    assert_eq!(worker.call(Msg::Total).await.unwrap(), 0);
    assert_eq!(registry.info().restarted, 1);
}

#[tokio::test(start_paused = true)]
async fn a_killed_worker_is_not_found_until_it_is_back() {
    let world = World::with(|_, nth| match nth {
        1 => Init::Succeed,
        _ => Init::Take(secs(1)),
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    // Without `terminate`, so that only the drop of its state tells of the end.
    worker.pid().unwrap().kill();
    settle().await;
    assert!(registry.lookup("a").is_none());
    assert_eq!(
        (registry.worker_count(), registry.info().restarting),
        (0, 1)
    );
    assert!(registry.list_workers().is_empty());
    assert_eq!(registry.wait_for("a").await, Some(worker));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_while_it_ends_in_order_is_restarted_and_found_again() {
    struct Clumsy(Arc<AtomicUsize>);

    impl GenServer for Clumsy {
        type Msg = bool;

        async fn handle(&mut self, ends: bool, _: &mut Context<bool>) -> Result<(), ExitReason> {
            if ends {
                Err(ExitReason::Normal)
            } else {
                Ok(())
            }
        }

        async fn terminate(&mut self, _: &ExitReason, _: &mut Context<bool>) {
            tokio::time::sleep(secs(1)).await;
            assert!(self.0.load(Ordering::SeqCst) > 1, "as told");
        }
    }

    quiet();
    let made = Arc::new(AtomicUsize::new(0));
    let registry = WorkerRegistry::start(RegistryConfig::default(), {
        let made = Arc::clone(&made);
        move |_: &u32| {
            made.fetch_add(1, Ordering::SeqCst);
            Clumsy(Arc::clone(&made))
        }
    })
    .await
    .unwrap();
    let worker = registry.start_worker(&1).await.unwrap().into_server();
    worker.cast(true).unwrap();
    settle().await;
    assert_eq!(registry.info().stopping, 1);
    // Who came while it seemed to end for good is not let down either.
    let again = registry.start_worker(&1).await.unwrap();
    assert_eq!(again, Started::Existing(worker.clone()));
    assert_eq!(registry.lookup(&1), Some(worker));
    assert_eq!(registry.info().restarted, 1);
    registry.stop_worker(&1).await.unwrap();
    assert_eq!(registry.info().stopping, 0);
}
