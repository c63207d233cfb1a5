//! Panics in the program's own code: whom they reach, and that nothing is the worse for them.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use patterns_registry::{Context, ExitReason, GenServer, RegistryConfig, ReplyTo, WorkerRegistry};
use testing::{quiet, settle};

/// What panics when it is told to.
#[derive(Debug, Default)]
struct Bombs {
    hash: AtomicBool,
    eq: AtomicBool,
    clone: AtomicBool,
    drop: AtomicBool,
    keys: AtomicUsize,
}

impl Bombs {
    fn go_off(&self, bomb: &AtomicBool) {
        assert!(!bomb.load(Ordering::SeqCst), "as told");
    }
}

#[derive(Debug)]
struct Key(u32, Arc<Bombs>);

impl Key {
    fn new(key: u32, bombs: &Arc<Bombs>) -> Self {
        bombs.keys.fetch_add(1, Ordering::SeqCst);
        Self(key, Arc::clone(bombs))
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.1.go_off(&self.1.hash);
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.1.go_off(&self.1.eq);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        self.1.go_off(&self.1.clone);
        Self::new(self.0, &self.1)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.1.keys.fetch_sub(1, Ordering::SeqCst);
        self.1.go_off(&self.1.drop);
    }
}

struct Echo(u32);
struct Get(ReplyTo<u32>);

impl GenServer for Echo {
    type Msg = Get;

    async fn handle(&mut self, Get(reply): Get, _: &mut Context<Get>) -> Result<(), ExitReason> {
        reply.send(self.0);
        Ok(())
    }
}

/// A value whose drop panics when it is told to.
#[derive(Debug, Clone, Default)]
struct Value(Option<Arc<Bombs>>);

impl Drop for Value {
    fn drop(&mut self) {
        if let Some(bombs) = &self.0 {
            bombs.go_off(&bombs.drop);
        }
    }
}

type Echoes = WorkerRegistry<Key, Get, Value>;

async fn echoes() -> Echoes {
    quiet();
    let config = RegistryConfig::default();
    let echoes = WorkerRegistry::start_with_values(config, |key: &Key| Echo(key.0));
    echoes.await.unwrap()
}

/// Runs `work` with that bomb, and tells whether it went off.
fn goes_off(bomb: &AtomicBool, work: impl FnOnce()) -> bool {
    bomb.store(true, Ordering::SeqCst);
    let panicked = catch_unwind(AssertUnwindSafe(work)).is_err();
    bomb.store(false, Ordering::SeqCst);
    panicked
}

/// The same of a future.
async fn goes_off_in(bomb: &AtomicBool, work: impl Future<Output = ()>) -> bool {
    let mut work = std::pin::pin!(work);
    bomb.store(true, Ordering::SeqCst);
    let panicked = std::future::poll_fn(|cx| {
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(poll) => poll.map(|()| false),
            Err(_) => std::task::Poll::Ready(true),
        }
    })
    .await;
    bomb.store(false, Ordering::SeqCst);
    panicked
}

/// Asserts that the registry works as if nothing had been.
async fn assert_whole(echoes: &Echoes, bombs: &Arc<Bombs>) {
    let key = Key::new(99, bombs);
    assert_eq!(echoes.call(&key, Get).await.unwrap(), 99);
    echoes.stop_worker(&key).await.unwrap();
    assert!(echoes.lookup(&key).is_none());
    let info = echoes.info();
    assert_eq!((info.starting, info.restarting, info.stopping), (0, 0, 0));
    assert_eq!(info.running, echoes.keys().len());
}

#[tokio::test]
async fn a_panic_in_the_keys_hash_or_eq_reaches_the_caller_and_leaves_the_registry_whole() {
    let (echoes, bombs) = (echoes().await, Arc::default());
    let key = Key::new(1, &bombs);
    echoes.start_worker(&key).await.unwrap();
    for bomb in [&bombs.hash, &bombs.eq] {
        assert!(goes_off(bomb, || drop(echoes.lookup(&key))));
        assert!(goes_off(bomb, || drop(echoes.value(&key))));
        assert!(goes_off(bomb, || {
            let _ = echoes.crash_worker(&key);
        }));
        assert!(goes_off_in(bomb, async { drop(echoes.start_worker(&key).await) }).await);
        assert!(goes_off_in(bomb, async { drop(echoes.call(&key, Get).await) }).await);
        assert!(
            goes_off_in(bomb, async {
                let _ = echoes.stop_worker(&key).await;
            })
            .await
        );
        assert_eq!(echoes.call(&key, Get).await.unwrap(), 1);
        assert_whole(&echoes, &bombs).await;
    }
}

#[tokio::test]
async fn a_panic_in_the_keys_clone_reaches_who_starts_or_lists_and_leaves_nothing_behind() {
    let (echoes, bombs) = (echoes().await, Arc::default());
    let first = Key::new(1, &bombs);
    echoes.start_worker(&first).await.unwrap();
    let second = Key::new(2, &bombs);
    let started = goes_off_in(&bombs.clone, async {
        drop(echoes.start_worker(&second).await);
    });
    assert!(started.await);
    assert!(goes_off(&bombs.clone, || drop(echoes.keys())));
    assert!(goes_off(&bombs.clone, || drop(
        echoes.select(|_, _, _| Some(()))
    )));
    assert!(echoes.lookup(&second).is_none());
    assert_eq!(echoes.worker_count(), 1);
    assert_whole(&echoes, &bombs).await;
}

#[tokio::test]
async fn a_panic_in_the_keys_clone_for_a_listener_is_a_failed_start() {
    let (echoes, bombs) = (echoes().await, Arc::<Bombs>::default());
    let (address, _events) = otp_core::inbox::<patterns_registry::WorkerEvent<Key>>();
    echoes.listen(address.recipient());
    let key = Key::new(1, &bombs);
    let armed = Arc::clone(&bombs);
    let starting = echoes.start_worker(&key);
    let mut starting = std::pin::pin!(starting);
    // The start is asked for; the event is made later, in the worker's process.
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(starting.as_mut().poll(&mut cx).is_pending());
    armed.clone.store(true, Ordering::SeqCst);
    let error = starting.await.unwrap_err();
    armed.clone.store(false, Ordering::SeqCst);
    assert_eq!(
        error.to_string(),
        "the worker did not start: panicked: as told"
    );
    settle().await;
    assert_whole(&echoes, &bombs).await;
}

#[tokio::test]
async fn a_panic_in_the_drop_of_a_key_or_a_value_harms_no_other_worker() {
    let (echoes, bombs) = (echoes().await, Arc::default());
    let (kept, goes) = (Key::new(1, &bombs), Key::new(2, &bombs));
    let other = echoes.start_worker(&kept).await.unwrap().into_server();
    let pid = other.pid();
    for _ in 0..3 {
        let value = Value(Some(Arc::clone(&bombs)));
        echoes.start_worker_with(&goes, value).await.unwrap();
        bombs.drop.store(true, Ordering::SeqCst);
        let stopped = echoes.stop_worker(&goes).await;
        settle().await;
        bombs.drop.store(false, Ordering::SeqCst);
        assert_eq!(stopped, Ok(()));
        assert_eq!(other.pid(), pid);
        assert_whole(&echoes, &bombs).await;
    }
    // A worker that crashes for good takes the same way.
    let value = Value(Some(Arc::clone(&bombs)));
    echoes.start_worker_with(&goes, value).await.unwrap();
    bombs.drop.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        echoes.crash_worker(&goes).unwrap();
        settle().await;
    }
    bombs.drop.store(false, Ordering::SeqCst);
    assert_eq!(other.pid(), pid);
    assert_whole(&echoes, &bombs).await;
}

#[tokio::test]
async fn a_panic_in_a_closure_reaches_its_caller() {
    let (echoes, bombs) = (echoes().await, Arc::default());
    let key = Key::new(1, &bombs);
    echoes.start_worker(&key).await.unwrap();
    let on = AtomicBool::new(false);
    assert!(goes_off(&on, || drop(
        echoes.update_value(&key, |_| panic!("as told"))
    )));
    assert!(goes_off(&on, || {
        echoes.count(|_, _, _| panic!("as told"));
    }));
    assert!(
        goes_off_in(&on, async {
            drop(echoes.call(&key, |_| panic!("as told")).await as Result<u32, _>);
        })
        .await
    );
    assert_whole(&echoes, &bombs).await;
}

#[tokio::test]
async fn no_key_is_left_behind() {
    let (echoes, bombs) = (echoes().await, Arc::<Bombs>::default());
    for number in 0..10 {
        let key = Key::new(number, &bombs);
        echoes.start_worker(&key).await.unwrap();
        if number % 2 == 0 {
            echoes.stop_worker(&key).await.unwrap();
        }
    }
    echoes.stop().await.unwrap();
    settle().await;
    assert_eq!(bombs.keys.load(Ordering::SeqCst), 0);
}

/// A value that uses the registry when it is dropped.
#[derive(Clone, Default)]
struct Curious(Option<WorkerRegistry<u32, Get, Self>>);

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(registry) = &self.0 {
            assert!(registry.lookup(&1).is_none());
            assert_eq!(registry.keys().len(), registry.worker_count());
            registry.update_value(&2, |_| Self(None));
        }
    }
}

#[tokio::test]
async fn what_is_dropped_may_use_the_registry() {
    let registry: WorkerRegistry<u32, Get, Curious> =
        WorkerRegistry::start_with_values(RegistryConfig::default(), |key: &u32| Echo(*key))
            .await
            .unwrap();
    registry.start_worker(&2).await.unwrap();
    let value = Curious(Some(registry.clone()));
    registry.start_worker_with(&1, value).await.unwrap();
    registry.stop_worker(&1).await.unwrap();
    let value = Curious(Some(registry.clone()));
    registry.update_value(&2, move |_| value.clone());
    registry.update_value(&2, |_| Curious(None));
    assert_eq!(registry.worker_count(), 1);
    registry.stop().await.unwrap();
}
