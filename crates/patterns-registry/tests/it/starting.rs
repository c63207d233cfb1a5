//! One worker a key, however it is asked for.

use std::sync::Arc;

use patterns_registry::{RegistryConfig, StartWorkerError, Started, WorkerRegistry};
use testing::{ms, quiet, secs, settle};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::support::{Init, Msg, World, assert_nothing_left, registry};

#[tokio::test]
async fn a_new_registry_has_no_workers() {
    let registry = registry().await;
    assert_eq!(registry.worker_count(), 0);
    assert!(registry.list_workers().is_empty());
    assert_nothing_left(&registry).await;
}

#[tokio::test]
async fn a_started_worker_is_found_and_made_from_its_key() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let started = registry.start_worker("a").await.unwrap();
    assert!(started.is_new());
    assert_eq!(registry.lookup("a"), Some(started.into_server()));
    assert_eq!((world.made("a"), world.made("b")), (1, 0));
    assert_eq!(registry.keys(), ["a"]);
}

#[tokio::test]
async fn a_second_start_gives_the_worker_that_is_there() {
    let registry = registry().await;
    let first = registry.start_worker("a").await.unwrap().into_server();
    let pid = first.pid();
    let second = registry.start_worker("a").await.unwrap();
    assert_eq!(second, Started::Existing(first.clone()));
    assert_eq!(second.into_server().pid(), pid);
    assert_eq!(registry.worker_count(), 1);
}

#[tokio::test]
async fn workers_of_different_keys_have_nothing_to_do_with_each_other() {
    let registry = registry().await;
    registry.cast("a", Msg::Add(1)).await.unwrap();
    registry.cast("b", Msg::Add(2)).await.unwrap();
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 1);
    assert_eq!(registry.call("b", Msg::Total).await.unwrap(), 2);
    assert_ne!(registry.lookup("a"), registry.lookup("b"));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_cancels_nobodys_start() {
    let world = World::with(|_, _| Init::Take(secs(1)));
    let registry = world.registry(RegistryConfig::default()).await;
    let given_up = tokio::time::timeout(ms(100), registry.start_worker("a")).await;
    assert!(given_up.is_err());
    let begun = Instant::now();
    let started = registry.start_worker("a").await.unwrap();
    assert!(!started.is_new());
    assert_eq!(begun.elapsed(), ms(900));
    assert_eq!(world.made("a"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_reported_to_all_who_wait_and_not_cached() {
    let sign = Arc::new(Notify::new());
    let world = World::with({
        let sign = Arc::clone(&sign);
        move |_, nth| match nth {
            1 => Init::Fail,
            2 => Init::WaitFor(Arc::clone(&sign)),
            _ => Init::Succeed,
        }
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let asking: Vec<_> = (0..10)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move { registry.start_worker("a").await })
        })
        .collect();
    for asked in asking {
        let error = asked.await.unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the worker did not start: no such account"
        );
    }
    assert_eq!(world.made("a"), 1);
    assert_nothing_left(&registry).await;

    sign.notify_one();
    assert!(registry.start_worker("a").await.unwrap().is_new());
    assert_eq!(world.made("a"), 2);
}

#[tokio::test]
async fn a_panicking_init_and_a_panicking_factory_are_failed_starts() {
    quiet();
    let world = World::with(|_, _| Init::Panic);
    let registry = world.registry(RegistryConfig::default()).await;
    let error = registry.start_worker("a").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the worker did not start: panicked: as told"
    );
    assert_nothing_left(&registry).await;

    let world = World::new();
    let registry = WorkerRegistry::start(RegistryConfig::default(), move |key: &String| {
        assert!(!key.starts_with('x'), "as told");
        world.worker(key)
    })
    .await
    .unwrap();
    let error = registry.start_worker("x").await.unwrap_err();
    assert!(matches!(error, StartWorkerError::Failed(_)), "{error:?}");
    assert_nothing_left(&registry).await;
    assert!(registry.start_worker("a").await.is_ok());
}

#[tokio::test]
async fn a_worker_that_declines_to_start_leaves_nothing() {
    let world = World::with(|_, _| Init::Decline);
    let registry = world.registry(RegistryConfig::default()).await;
    let error = registry.start_worker("a").await.unwrap_err();
    assert!(matches!(error, StartWorkerError::Ignored), "{error:?}");
    assert!(registry.lookup("a").is_none());
    assert_nothing_left(&registry).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_takes_too_long_fails_and_the_next_one_begins_anew() {
    let world = World::with(|_, nth| match nth {
        1 => Init::Hang,
        _ => Init::Succeed,
    });
    let config = RegistryConfig {
        start_timeout: Some(secs(2)),
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    let begun = Instant::now();
    let error = registry.start_worker("a").await.unwrap_err();
    assert!(matches!(error, StartWorkerError::Timeout), "{error:?}");
    assert_eq!(begun.elapsed(), secs(2));
    assert!(registry.start_worker("a").await.unwrap().is_new());
    registry.stop_worker("a").await.unwrap();
    assert_nothing_left(&registry).await;
}

#[tokio::test]
async fn no_more_workers_are_started_than_there_may_be() {
    let config = RegistryConfig {
        max_workers: Some(2),
        ..RegistryConfig::default()
    };
    let registry = World::new().registry(config).await;
    registry.start_worker("a").await.unwrap();
    registry.start_worker("b").await.unwrap();
    let error = registry.start_worker("c").await.unwrap_err();
    assert!(matches!(error, StartWorkerError::MaxWorkers), "{error:?}");
    assert!(!registry.start_worker("a").await.unwrap().is_new());
    assert!(registry.lookup("c").is_none());
    assert_eq!(registry.info().max_workers, Some(2));

    registry.stop_worker("a").await.unwrap();
    assert!(registry.start_worker("c").await.unwrap().is_new());
    assert_eq!(registry.worker_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_asks_for_itself_from_its_init_is_told_so() {
    use patterns_registry::{Context, ExitReason, GenServer};
    use std::sync::OnceLock;

    struct Selfish(Arc<OnceLock<WorkerRegistry<u32, ()>>>);

    impl GenServer for Selfish {
        type Msg = ();

        async fn init(&mut self, _: &mut Context<()>) -> Result<(), ExitReason> {
            self.0.get().unwrap().start_worker(&1).await?;
            Ok(())
        }

        async fn handle(&mut self, (): (), _: &mut Context<()>) -> Result<(), ExitReason> {
            Ok(())
        }
    }

    let me = Arc::new(OnceLock::new());
    let registry = WorkerRegistry::start(RegistryConfig::default(), {
        let me = Arc::clone(&me);
        move |_: &u32| Selfish(Arc::clone(&me))
    })
    .await
    .unwrap();
    me.set(registry.clone()).unwrap();
    let error = registry.start_worker(&1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the worker did not start: a worker cannot wait for itself"
    );
    registry.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_after_a_start_that_timed_out_waits_for_the_rest_of_it_and_starts_anew() {
    use patterns_registry::{Context, ExitReason, GenServer};
    use std::sync::mpsc::{Receiver, channel};
    use std::sync::{Mutex, PoisonError};

    /// Blocks its thread in `init`, where no kill reaches it.
    struct Stuck(Option<Receiver<()>>);

    impl GenServer for Stuck {
        type Msg = ();

        async fn init(&mut self, _: &mut Context<()>) -> Result<(), ExitReason> {
            if let Some(release) = &self.0 {
                let _ = release.recv();
            }
            Ok(())
        }

        async fn handle(&mut self, (): (), _: &mut Context<()>) -> Result<(), ExitReason> {
            Ok(())
        }
    }

    let (release, stuck) = channel();
    let stuck = Mutex::new(Some(stuck));
    let config = RegistryConfig {
        start_timeout: Some(ms(1)),
        ..RegistryConfig::default()
    };
    let registry = WorkerRegistry::start(config, move |_: &u32| {
        let mut stuck = stuck.lock().unwrap_or_else(PoisonError::into_inner);
        Stuck(stuck.take())
    })
    .await
    .unwrap();
    let error = registry.start_worker(&1).await.unwrap_err();
    assert!(matches!(error, StartWorkerError::Timeout), "{error:?}");
    // It cannot be killed yet, and its key is not free; but the old error is nobody's any more.
    let asking = tokio::spawn({
        let registry = registry.clone();
        async move { registry.start_worker(&1).await }
    });
    settle().await;
    assert_eq!((registry.info().stopping, asking.is_finished()), (1, false));
    release.send(()).unwrap();
    assert!(asking.await.unwrap().unwrap().is_new());
}

#[tokio::test]
async fn who_is_quicker_by_a_hair_has_started_the_worker() {
    use std::hash::{Hash, Hasher};
    use std::sync::{Mutex, OnceLock};

    type Registry = WorkerRegistry<Key, Msg>;
    type Hook = Box<dyn FnOnce() + Send>;

    /// A key whose `Clone` runs something once: between the look for the key and the entry.
    struct Key(u32, Arc<Mutex<Option<Hook>>>);

    impl Clone for Key {
        fn clone(&self) -> Self {
            let hook = self.1.lock().unwrap().take();
            if let Some(hook) = hook {
                hook();
            }
            Self(self.0, Arc::clone(&self.1))
        }
    }

    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }

    impl Eq for Key {}

    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    let world = World::new();
    let made = Arc::clone(&world);
    let registry: Registry =
        WorkerRegistry::start(RegistryConfig::default(), move |_: &Key| made.worker("a"))
            .await
            .unwrap();
    let quicker = Arc::new(OnceLock::new());
    let hook: Hook = Box::new({
        let (registry, quicker) = (registry.clone(), Arc::clone(&quicker));
        move || {
            let start = async move {
                let key = Key(1, Arc::default());
                registry.start_worker(&key).await.unwrap().is_new()
            };
            let mut start = Box::pin(start);
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(start.as_mut().poll(&mut cx).is_pending());
            let _ = quicker.set(tokio::spawn(start));
        }
    });
    let key = Key(1, Arc::new(Mutex::new(Some(hook))));
    let slower = registry.start_worker(&key).await.unwrap();
    assert!(!slower.is_new());
    let quicker = Arc::into_inner(quicker).unwrap().into_inner().unwrap();
    assert!(quicker.await.unwrap());
    assert_eq!((world.made("a"), registry.worker_count()), (1, 1));
    registry.stop_worker(&key).await.unwrap();
    assert_eq!(registry.info().starting + registry.info().running, 0);
}
