//! Calls and casts by key.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patterns_registry::{
    CallError, CallWorkerError, CastWorkerError, Context, ExitReason, GenServer, RegistryConfig,
    ReplyTo, WorkerRegistry,
};
use testing::{ms, quiet, secs, settle};
use tokio::time::Instant;

use crate::support::{Init, Msg, World, registry};

#[tokio::test]
async fn a_call_starts_the_worker_and_gives_its_reply() {
    let registry = registry().await;
    assert!(registry.lookup("a").is_none());
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 0);
    assert!(registry.lookup("a").is_some());
}

#[tokio::test]
async fn a_cast_starts_the_worker_and_its_messages_keep_their_order() {
    let registry = registry().await;
    for amount in 1..=10 {
        registry.cast("a", Msg::Add(amount)).await.unwrap();
    }
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 55);
}

#[tokio::test]
async fn a_cast_into_a_full_mailbox_gives_its_message_back() {
    let config = RegistryConfig {
        mailbox_capacity: Some(1),
        ..RegistryConfig::default()
    };
    let registry = World::new().registry(config).await;
    registry.start_worker("a").await.unwrap();
    registry.cast("a", Msg::Add(1)).await.unwrap();
    let error = registry.cast("a", Msg::Add(2)).await.unwrap_err();
    assert!(matches!(error, CastWorkerError::Full(Msg::Add(2))));
    // A call waits for room instead.
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_start_counts_towards_the_time_of_a_call() {
    let world = World::with(|_, _| Init::Take(secs(3)));
    let registry = world.registry(RegistryConfig::default()).await;
    let begun = Instant::now();
    let error = registry
        .call_timeout("a", Msg::Total, secs(2))
        .await
        .unwrap_err();
    assert!(
        matches!(error, CallWorkerError::Call(CallError::Timeout)),
        "{error:?}"
    );
    assert_eq!(begun.elapsed(), secs(2));

    // The start went on; what is left of the time is the reply's.
    let call = registry.call_timeout("a", Msg::Keep, secs(2));
    let error = call.await.unwrap_err();
    assert!(
        matches!(error, CallWorkerError::Call(CallError::Timeout)),
        "{error:?}"
    );
    let took = begun.elapsed();
    assert!(took >= secs(4) && took <= secs(4) + ms(20), "{took:?}");
    assert_eq!(world.made("a"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_limit_waits_for_the_longest_start() {
    let world = World::with(|_, _| Init::Take(secs(3_600)));
    let registry = world.registry(RegistryConfig::default()).await;
    let call = registry.call_timeout("a", Msg::Total, std::time::Duration::MAX);
    assert_eq!(call.await.unwrap(), 0);
}

#[tokio::test]
async fn a_call_to_a_worker_that_crashes_is_told_how_it_ended() {
    quiet();
    let registry = registry().await;
    let held = registry.call("a", Msg::Keep);
    let (held, ()) = tokio::join!(held, async {
        settle().await;
        registry.cast("a", Msg::Crash).await.unwrap();
    });
    let error = held.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the process ended before it replied: panicked: as told"
    );
}

#[tokio::test(start_paused = true)]
async fn who_calls_while_the_worker_stops_gets_the_next_one() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    registry.cast("a", Msg::Add(5)).await.unwrap();
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 5);
    *world.farewell.lock().unwrap() = secs(1);

    let begun = Instant::now();
    let (stopped, called, cast) = tokio::join!(
        registry.stop_worker("a"),
        registry.call("a", Msg::Total),
        registry.cast("a", Msg::Add(1)),
    );
    stopped.unwrap();
    cast.unwrap();
    assert!(called.unwrap() <= 1);
    assert_eq!(begun.elapsed(), secs(1));
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 1);
    assert_eq!(world.made("a"), 2);
}

#[tokio::test(start_paused = true)]
async fn who_casts_while_the_worker_ends_by_itself_gets_the_next_one() {
    let world = World::new();
    let registry = world.registry(RegistryConfig::default()).await;
    *world.farewell.lock().unwrap() = secs(1);
    registry
        .cast("a", Msg::End(ExitReason::Normal))
        .await
        .unwrap();
    settle().await;
    assert!(registry.lookup("a").is_none());
    assert_eq!(registry.info().stopping, 1);
    registry.cast("a", Msg::Add(3)).await.unwrap();
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn who_calls_while_the_worker_is_restarted_gets_its_next_incarnation() {
    quiet();
    let world = World::with(|_, nth| match nth {
        1 => Init::Succeed,
        _ => Init::Take(secs(1)),
    });
    let registry = world.registry(RegistryConfig::default()).await;
    let worker = registry.start_worker("a").await.unwrap().into_server();
    registry.crash_worker("a").unwrap();
    settle().await;
    assert_eq!(registry.info().restarting, 1);
    assert!(registry.lookup("a").is_none());
    registry.cast("a", Msg::Add(4)).await.unwrap();
    assert_eq!(registry.call("a", Msg::Total).await.unwrap(), 4);
    assert_eq!(registry.lookup("a"), Some(worker));
}

/// A registry whose workers end as soon as they have started, but for the `lasting`-th, and how many were made.
async fn short_lived(lasting: usize) -> (WorkerRegistry<u32, u32>, Arc<AtomicUsize>) {
    struct ShortLived(bool);

    impl GenServer for ShortLived {
        type Msg = u32;

        async fn init(&mut self, ctx: &mut Context<u32>) -> Result<(), ExitReason> {
            if !self.0 {
                ctx.stop(ExitReason::Normal);
            }
            Ok(())
        }

        async fn handle(&mut self, _: u32, _: &mut Context<u32>) -> Result<(), ExitReason> {
            Ok(())
        }
    }

    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let registry = WorkerRegistry::start(RegistryConfig::default(), move |_: &u32| {
        ShortLived(counted.fetch_add(1, Ordering::SeqCst) + 1 == lasting)
    });
    (registry.await.unwrap(), made)
}

#[tokio::test]
async fn a_cast_goes_to_the_next_worker_if_the_one_that_was_found_has_ended() {
    let (registry, made) = short_lived(4).await;
    registry.cast(&1, 9).await.unwrap();
    settle().await;
    assert_eq!(made.load(Ordering::SeqCst), 4);
    assert_eq!(registry.list_workers()[0].handled, 1);
}

#[tokio::test]
async fn a_cast_gives_its_message_back_if_worker_after_worker_ends_at_once() {
    let (registry, made) = short_lived(usize::MAX).await;
    // Each has started, so that alone is no error.
    assert!(registry.start_worker(&1).await.is_ok());
    let error = registry.cast(&1, 9).await.unwrap_err();
    assert!(matches!(error, CastWorkerError::Ended(9)), "{error}");
    assert_eq!(made.load(Ordering::SeqCst), 17);
    settle().await;
    assert_eq!(registry.info().stopping + registry.info().running, 0);
}

#[tokio::test]
async fn a_worker_may_use_the_registry_for_others() {
    use std::sync::OnceLock;

    type Sums = WorkerRegistry<u64, Sum>;
    struct Sum(ReplyTo<u64>);
    struct Adder(u64, Arc<OnceLock<Sums>>);

    impl GenServer for Adder {
        type Msg = Sum;

        async fn handle(
            &mut self,
            Sum(reply): Sum,
            _: &mut Context<Sum>,
        ) -> Result<(), ExitReason> {
            let below = match (self.0, self.1.get()) {
                (0, _) | (_, None) => 0,
                (key, Some(sums)) => sums.call(&(key - 1), Sum).await?,
            };
            reply.send(self.0 + below);
            Ok(())
        }
    }

    let me = Arc::new(OnceLock::new());
    let sums: Sums = WorkerRegistry::start(RegistryConfig::default(), {
        let me = Arc::clone(&me);
        move |key: &u64| Adder(*key, Arc::clone(&me))
    })
    .await
    .unwrap();
    me.set(sums.clone()).unwrap();
    assert_eq!(sums.call(&20, Sum).await.unwrap(), 210);
    assert_eq!(sums.worker_count(), 21);
    // The workers hold the registry, so it must be stopped.
    sums.stop().await.unwrap();
}
