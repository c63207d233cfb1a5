//! Many at once on real threads, over and over: one worker a key, nobody hangs, nothing is left.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use patterns_registry::{
    CallError, CallWorkerError, CastWorkerError, RegistryConfig, StartWorkerError, StopWorkerError,
};
use testing::{quiet, secs};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{Init, Msg, Workers, World, assert_nothing_left};

/// Far more than any of these takes; who needs longer hangs.
const LONG: Duration = Duration::from_secs(60);

async fn nobody_hangs(tasks: JoinSet<()>) {
    timeout(LONG, tasks.join_all()).await.expect("nobody hangs");
}

fn one_at_a_time(world: &World) {
    assert!(!world.overlapped.load(Ordering::SeqCst), "two of one key");
}

/// Stops what is there, until nothing is.
async fn clear(registry: &Workers, keys: &[&str]) {
    for key in keys {
        match timeout(LONG, registry.stop_worker(*key)).await.unwrap() {
            Ok(()) | Err(StopWorkerError::NotFound) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_nothing_left(registry).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_start_a_key_one_starts_it() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    for round in 1..=500 {
        let new = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (registry, new) = (registry.clone(), Arc::clone(&new));
            tasks.spawn(async move {
                let started = registry.start_worker("a").await.unwrap();
                new.fetch_add(usize::from(started.is_new()), Ordering::SeqCst);
                assert_eq!(registry.lookup("a"), Some(started.into_server()));
            });
        }
        nobody_hangs(tasks).await;
        assert_eq!(new.load(Ordering::SeqCst), 1);
        assert_eq!(world.made("a"), round);
        clear(&registry, &["a"]).await;
    }
    one_at_a_time(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_arrives_while_a_key_stops_gets_the_old_or_the_new_one_and_none_is_lost() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    for _ in 0..500 {
        registry.start_worker("a").await.unwrap();
        let mut tasks = JoinSet::new();
        for task in 0..6 {
            let registry = registry.clone();
            tasks.spawn(async move {
                match task {
                    0 => {
                        let stopped = registry.stop_worker("a").await;
                        assert_ne!(stopped, Err(StopWorkerError::CallingSelf));
                    }
                    1 => {
                        // Called off if the stop came in between.
                        match registry.start_worker("a").await {
                            Ok(_) | Err(StartWorkerError::Stopped) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                    2 | 3 => match registry.cast("a", Msg::Add(1)).await {
                        Ok(())
                        | Err(CastWorkerError::Start {
                            error: StartWorkerError::Stopped,
                            ..
                        }) => {}
                        Err(error) => panic!("{error}"),
                    },
                    _ => match registry.call("a", Msg::Total).await {
                        Ok(_)
                        | Err(CallWorkerError::Start(StartWorkerError::Stopped))
                        | Err(CallWorkerError::Call(CallError::NoProc | CallError::Exited(_))) => {}
                        Err(error) => panic!("{error}"),
                    },
                }
            });
        }
        nobody_hangs(tasks).await;
        clear(&registry, &["a"]).await;
    }
    one_at_a_time(&world);
    assert_eq!(world.alive(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_midst_of_a_start_leaves_nothing() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    for _ in 0..500 {
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            let registry = registry.clone();
            tasks.spawn(async move {
                if task % 2 == 0 {
                    drop(registry.start_worker("a").await);
                } else {
                    let _ = registry.stop_worker("a").await;
                }
            });
        }
        nobody_hangs(tasks).await;
        clear(&registry, &["a"]).await;
    }
    one_at_a_time(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_between_the_entry_and_the_request_for_the_start_is_not_lost() {
    const ROUNDS: usize = 5_000;
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let (told, mut stopped) = tokio::sync::mpsc::unbounded_channel();
    // A thread that strikes as soon as there is an entry, once in each round.
    let stopping = std::thread::spawn({
        let (registry, runtime) = (registry.clone(), Handle::current());
        move || {
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..ROUNDS {
                let stop = loop {
                    let mut stop = Box::pin(registry.stop_worker("a"));
                    match stop.as_mut().poll(&mut cx) {
                        Poll::Ready(Err(StopWorkerError::NotFound)) => std::hint::spin_loop(),
                        Poll::Ready(_) => break None,
                        Poll::Pending => break Some(stop),
                    }
                };
                if let Some(stop) = stop {
                    let outcome = runtime.block_on(async { timeout(LONG, stop).await });
                    outcome.expect("the stop is not lost").unwrap();
                }
                told.send(()).unwrap();
            }
        }
    });
    for _ in 0..ROUNDS {
        match registry.start_worker("a").await {
            Ok(_) | Err(StartWorkerError::Stopped) => {}
            Err(error) => panic!("{error}"),
        }
        stopped.recv().await.expect("the stop is not lost");
    }
    stopping.join().unwrap();
    assert_nothing_left(&registry).await;
    one_at_a_time(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_key_that_crashes_hang_never_and_reach_the_next_one() {
    let world = World::new();
    let config = RegistryConfig {
        max_restarts: 1_000_000,
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    for _ in 0..300 {
        let mut tasks = JoinSet::new();
        for task in 0..6 {
            let registry = registry.clone();
            tasks.spawn(async move {
                match task {
                    // Not found: somebody else's crash is in the works.
                    0 | 1 => drop(registry.crash_worker("a")),
                    2 => registry.cast("a", Msg::Add(1)).await.unwrap(),
                    3 => assert!(!registry.start_worker("a").await.unwrap().is_new()),
                    _ => match registry.call("a", Msg::Total).await {
                        Ok(_) | Err(CallWorkerError::Call(CallError::Exited(_))) => {}
                        Err(error) => panic!("{error}"),
                    },
                }
            });
        }
        nobody_hangs(tasks).await;
    }
    worker.call(Msg::Total).await.unwrap();
    one_at_a_time(&world);
    assert_eq!(registry.info().started, 1);
    clear(&registry, &["a"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_key_that_is_given_up_get_a_new_one() {
    let world = World::new();
    let config = RegistryConfig {
        max_restarts: 0,
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    for _ in 0..500 {
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            let registry = registry.clone();
            tasks.spawn(async move {
                match task {
                    0 => drop(registry.crash_worker("a")),
                    1 => registry.cast("a", Msg::Add(1)).await.unwrap(),
                    2 => drop(registry.start_worker("a").await.unwrap()),
                    _ => match registry.call("a", Msg::Total).await {
                        Ok(_)
                        | Err(CallWorkerError::Call(CallError::NoProc | CallError::Exited(_))) => {}
                        Err(error) => panic!("{error}"),
                    },
                }
            });
        }
        nobody_hangs(tasks).await;
    }
    clear(&registry, &["a"]).await;
    one_at_a_time(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_start_that_fails_is_told_and_the_next_one_begins_anew() {
    quiet();
    let world = World::with(|_, nth| match nth % 4 {
        0 => Init::Fail,
        1 => Init::Panic,
        2 => Init::Decline,
        _ => Init::Succeed,
    });
    let registry = world.registry(RegistryConfig::default()).await;
    for _ in 0..500 {
        let mut tasks = JoinSet::new();
        for _ in 0..6 {
            let registry = registry.clone();
            tasks.spawn(async move {
                match registry.start_worker("a").await {
                    Ok(_) | Err(StartWorkerError::Failed(_) | StartWorkerError::Ignored) => {}
                    Err(error) => panic!("{error}"),
                }
            });
        }
        nobody_hangs(tasks).await;
        clear(&registry, &["a"]).await;
    }
    one_at_a_time(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookup_never_yields_a_worker_whose_state_is_gone() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    let mut tasks = JoinSet::new();
    tasks.spawn({
        let registry = registry.clone();
        async move {
            for _ in 0..500 {
                registry.start_worker("a").await.unwrap();
                tokio::task::yield_now().await;
                registry.stop_worker("a").await.unwrap();
            }
        }
    });
    tasks.spawn({
        let (registry, world) = (registry.clone(), Arc::clone(&world));
        async move {
            while world.made("a") < 500 {
                // Found after the stop had begun, its mailbox would be shut for a while already.
                if let Some(worker) = registry.lookup("a") {
                    drop(worker.cast(Msg::Add(1)));
                }
                let listed = registry.list_workers();
                assert!(listed.len() <= 1);
                assert!(registry.worker_count() <= 1);
                tokio::task::yield_now().await;
            }
        }
    });
    nobody_hangs(tasks).await;
    clear(&registry, &["a"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_stop_never_makes_a_call_by_key_fail() {
    let world = World::new();
    let config = RegistryConfig {
        idle_timeout: Some(Duration::from_nanos(1)),
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    let mut tasks = JoinSet::new();
    for task in 0..4_u64 {
        let registry = registry.clone();
        tasks.spawn(async move {
            for round in 0..400 {
                if (task + round) % 2 == 0 {
                    registry.call("a", Msg::Total).await.unwrap();
                } else {
                    registry.cast("a", Msg::Add(1)).await.unwrap();
                }
                // Now and then for as long as it takes to be idle.
                let pause = tokio::time::Instant::now();
                while round % 8 == task && pause.elapsed() < Duration::from_micros(1_500) {
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    nobody_hangs(tasks).await;
    assert!(world.made("a") > 10, "{} stops", world.made("a"));
    one_at_a_time(&world);
    // What is left stops by itself.
    let end = async {
        while registry.info().running + registry.info().stopping > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, end).await.unwrap();
    assert_nothing_left(&registry).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_everything_leaves_nothing_behind() {
    quiet();
    let world = World::with(|_, nth| match nth % 7 {
        3 => Init::Fail,
        5 => Init::Decline,
        _ => Init::Succeed,
    });
    let config = RegistryConfig {
        max_workers: Some(3),
        idle_timeout: Some(Duration::from_millis(1)),
        max_restarts: 2,
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    const KEYS: [&str; 4] = ["a", "b", "c", "d"];
    let mut tasks = JoinSet::new();
    for task in 1..=8_u64 {
        let registry = registry.clone();
        tasks.spawn(async move {
            let mut random = task.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            for _ in 0..400 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = KEYS[(random >> 20) as usize % KEYS.len()];
                match (random >> 40) % 9 {
                    0 => drop(registry.stop_worker(key).await),
                    1 => drop(registry.crash_worker(key)),
                    2 => drop(registry.call(key, Msg::Total).await),
                    3 => drop(registry.cast(key, Msg::Add(1)).await),
                    4 => drop(timeout(Duration::ZERO, registry.start_worker(key)).await),
                    5 => drop(registry.list_workers()),
                    6 => drop(registry.lookup(key).map(|worker| worker.cast(Msg::Crash))),
                    7 => drop(timeout(Duration::ZERO, registry.wait_for(key)).await),
                    _ => drop(registry.start_worker(key).await),
                }
                assert!(registry.info().running <= 3);
            }
        });
    }
    nobody_hangs(tasks).await;
    clear(&registry, &KEYS).await;
    one_at_a_time(&world);
    assert_eq!(world.alive(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_that_is_killed_over_and_over_leaves_nothing_behind() {
    use otp_core::{Strategy, Supervisor};
    use patterns_registry::WorkerRegistry;

    let world = World::new();
    let made = Arc::clone(&world);
    let (child, registry) =
        WorkerRegistry::child("workers", RegistryConfig::default(), move |key: &String| {
            made.worker(key)
        })
        .unwrap();
    let tree = Supervisor::new(Strategy::OneForOne)
        .intensity(1_000_000, secs(1))
        .child(child);
    let tree = tree.start().await.unwrap();
    for _ in 0..300 {
        let mut tasks = JoinSet::new();
        for task in 0..6 {
            let registry = registry.clone();
            tasks.spawn(async move {
                match task {
                    0 => {
                        if let Some(pid) = registry.supervisor_ref().pid() {
                            pid.kill();
                        }
                    }
                    1 => drop(registry.stop_worker("a").await),
                    2 => drop(registry.start_worker("b").await),
                    3 => drop(registry.cast("a", Msg::Add(1)).await),
                    _ => drop(registry.call("a", Msg::Total).await),
                }
            });
        }
        nobody_hangs(tasks).await;
    }
    // It works again as soon as its supervisor is back.
    let again = async {
        while registry.call("a", Msg::Total).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, again).await.unwrap();
    clear(&registry, &["a", "b"]).await;
    tree.stop().await.unwrap();
    assert_eq!(world.alive(), 0);
}
