//! A stopped worker is gone when the stop returns, and its key is free.

use patterns_registry::{
    ExitReason, RegistryConfig, Restart, Shutdown, StartWorkerError, StopError, StopWorkerError,
    WorkerEvent,
};
use testing::{secs, settle};
use tokio::time::Instant;

use crate::support::{Init, Msg, World, assert_nothing_left, registry};

#[tokio::test]
async fn a_stopped_worker_is_gone_and_its_state_is_dropped() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    registry.stop_worker("a").await.unwrap();
    assert!(registry.lookup("a").is_none());
    assert!(!worker.is_alive());
    assert!(worker.cast(Msg::Add(1)).is_err());
    assert_eq!(world.alive(), 0);
    assert_nothing_left(&registry).await;
}

#[tokio::test]
async fn a_worker_that_is_not_there_cannot_be_stopped() {
    let registry = registry().await;
    let stopped = registry.stop_worker("a").await;
    assert_eq!(stopped, Err(StopWorkerError::NotFound));
    registry.start_worker("a").await.unwrap();
    registry.stop_worker("a").await.unwrap();
    let stopped = registry.stop_worker("a").await;
    assert_eq!(stopped, Err(StopWorkerError::NotFound));
}

#[tokio::test(start_paused = true)]
async fn two_who_stop_one_worker_both_wait_for_its_end() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    *world.farewell.lock().unwrap() = secs(2);
    registry.start_worker("a").await.unwrap();
    let begun = Instant::now();
    let (first, second) = tokio::join!(registry.stop_worker("a"), registry.stop_worker("a"));
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(begun.elapsed(), secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_stopped_is_found_no_more_from_that_moment_on() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    *world.farewell.lock().unwrap() = secs(2);
    registry.start_worker("a").await.unwrap();
    let stopping = tokio::spawn({
        let registry = registry.clone();
        async move { registry.stop_worker("a").await }
    });
    settle().await;
    assert!(registry.lookup("a").is_none());
    assert_eq!((registry.worker_count(), registry.info().stopping), (0, 1));
    assert!(registry.crash_worker("a").is_err());
    stopping.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_given_up_goes_on() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    *world.farewell.lock().unwrap() = secs(2);
    registry.start_worker("a").await.unwrap();
    let given_up = tokio::time::timeout(secs(1), registry.stop_worker("a")).await;
    assert!(given_up.is_err());
    tokio::time::sleep(secs(1)).await;
    settle().await;
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_takes_too_long_to_end_is_killed() {
    let world = World::new();
    let config = RegistryConfig {
        shutdown: Shutdown::Timeout(secs(3)),
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    *world.farewell.lock().unwrap() = secs(60);
    registry.start_worker("a").await.unwrap();
    let begun = Instant::now();
    registry.stop_worker("a").await.unwrap();
    assert_eq!(begun.elapsed(), secs(3));
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn a_brutally_killed_worker_does_not_terminate() {
    let world = World::new();
    let config = RegistryConfig {
        shutdown: Shutdown::BrutalKill,
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    registry.start_worker("a").await.unwrap();
    registry.stop_worker("a").await.unwrap();
    let terminated = world.terminated.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!((terminated, world.alive()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_stop_of_a_worker_that_hangs_in_its_init_calls_its_start_off() {
    let world = World::with(|_, nth| match nth {
        1 => Init::Hang,
        _ => Init::Succeed,
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let asking = tokio::spawn({
        let registry = registry.clone();
        async move { registry.start_worker("a").await }
    });
    settle().await;
    let begun = Instant::now();
    let (stopped, next) = tokio::join!(registry.stop_worker("a"), registry.start_worker("a"));
    stopped.unwrap();
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(error, StartWorkerError::Stopped), "{error:?}");
    // The time that it has to end, and then another one is there at once.
    assert_eq!(begun.elapsed(), secs(5));
    assert!(next.unwrap().is_new());
    registry.stop_worker("a").await.unwrap();
    assert_nothing_left(&registry).await;
}

#[tokio::test]
async fn a_stop_asked_for_in_one_breath_with_the_start_comes_after_it() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let (started, stopped) = tokio::join!(registry.start_worker("a"), registry.stop_worker("a"));
    assert!(matches!(started, Ok(_) | Err(StartWorkerError::Stopped)));
    assert_eq!(stopped, Ok(()));
    assert_nothing_left(&registry).await;
    assert_eq!(world.alive(), 0);
}

#[tokio::test]
async fn a_worker_that_ends_in_order_frees_its_key() {
    let registry = registry().await;
    for reason in [ExitReason::Normal, ExitReason::Shutdown] {
        let worker = registry.start_worker("a").await.unwrap().into_server();
        let end = worker.pid().unwrap().monitor();
        worker.cast(Msg::End(reason)).unwrap();
        end.await;
        settle().await;
        assert_nothing_left(&registry).await;
    }
}

#[tokio::test]
async fn a_permanent_worker_ends_only_when_it_is_stopped() {
    let config = RegistryConfig {
        restart: Restart::Permanent,
        ..RegistryConfig::default()
    };
    let registry = World::new().registry(config).await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    worker.cast(Msg::End(ExitReason::Normal)).unwrap();
    settle().await;
    assert_eq!(registry.lookup("a"), Some(worker));
    assert_eq!(registry.info().restarted, 1);
    registry.stop_worker("a").await.unwrap();
    assert_nothing_left(&registry).await;
}

#[tokio::test]
async fn a_worker_that_would_stop_itself_is_told_so() {
    use patterns_registry::{Context, GenServer, ReplyTo, WorkerRegistry};
    use std::sync::{Arc, OnceLock};

    type Ends = WorkerRegistry<u32, End>;
    struct End(ReplyTo<Result<(), StopWorkerError>>);
    struct Ending(Arc<OnceLock<Ends>>);

    impl GenServer for Ending {
        type Msg = End;

        async fn handle(
            &mut self,
            End(reply): End,
            _: &mut Context<End>,
        ) -> Result<(), ExitReason> {
            reply.send(self.0.get().unwrap().stop_worker(&1).await);
            Ok(())
        }
    }

    let me = Arc::new(OnceLock::new());
    let registry: Ends = WorkerRegistry::start(RegistryConfig::default(), {
        let me = Arc::clone(&me);
        move |_: &u32| Ending(Arc::clone(&me))
    })
    .await
    .unwrap();
    me.set(registry.clone()).unwrap();
    let told = registry.call(&1, End).await.unwrap();
    assert_eq!(told, Err(StopWorkerError::CallingSelf));
    // It was not even begun.
    assert!(registry.lookup(&1).is_some());
    registry.stop().await.unwrap();
}

#[tokio::test]
async fn a_stopped_registry_has_nothing_left_and_says_so() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    for key in ["a", "b", "c"] {
        registry.start_worker(key).await.unwrap();
    }
    registry.stop().await.unwrap();
    assert_eq!((registry.worker_count(), world.alive()), (0, 0));
    assert_eq!((registry.info().supervisor, registry.pid()), (None, None));
    assert!(registry.lookup("a").is_none());
    let error = registry.start_worker("a").await.unwrap_err();
    assert!(matches!(error, StartWorkerError::Closed), "{error:?}");
    assert_eq!(registry.info().starting, 0);
    assert!(matches!(registry.stop().await, Err(StopError::NoProc)));
}

#[tokio::test]
async fn the_workers_end_with_the_last_handle() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    let second = registry.clone();
    drop(registry);
    settle().await;
    assert!(worker.is_alive());
    drop(second);
    settle().await;
    assert!(!worker.is_alive());
    assert_eq!(world.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_stopped_in_its_init_is_never_found_even_if_that_succeeds() {
    let world = World::with(|_, _| Init::Take(secs(1)));
    let registry = world.registry(RegistryConfig::default()).await;
    let (address, mut events) = otp_core::inbox::<WorkerEvent<String>>();
    registry.listen(address.recipient());
    let begun = Instant::now();
    let (started, stopped, found) = tokio::join!(
        registry.start_worker("a"),
        registry.stop_worker("a"),
        tokio::time::timeout(secs(3), registry.wait_for("a")),
    );
    assert!(matches!(started, Err(StartWorkerError::Stopped)));
    assert_eq!(stopped, Ok(()));
    assert!(found.is_err());
    assert!(begun.elapsed() >= secs(3));
    assert_eq!(registry.info().started, 0);
    let told = tokio::time::timeout(secs(1), events.recv()).await;
    assert!(told.is_err(), "{told:?}");
    assert_nothing_left(&registry).await;
}
