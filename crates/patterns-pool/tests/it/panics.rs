//! Panics in the program's own code, and drops that use the pool: whom they reach, and that nothing is the worse for them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use patterns_pool::{Guard, Manager, Pid, Pool};
use testing::{advance, quiet, secs, settle};

use crate::support::{Deed, assert_at_rest, parts, sized};

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_guard_is_held_gives_the_member_back() {
    quiet();
    let (_world, pool) = parts(1).await;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = pool.try_checkout().unwrap();
        panic!("as told");
    }));
    assert!(panicked.is_err());
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_is_broken_closes_the_member_even_while_another_panic_unwinds() {
    quiet();
    let (world, pool) = parts(2).await;
    world.broken_panics.store(true, Ordering::SeqCst);
    drop(pool.checkout().await.unwrap());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = pool.try_checkout().unwrap();
        panic!("as told");
    }));
    assert!(panicked.is_err());
    world.broken_panics.store(false, Ordering::SeqCst);
    settle().await;
    assert_eq!(world.closed(), 2);
    assert_at_rest(&pool, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_close_harms_nobody() {
    quiet();
    let (world, pool) = parts(2).await;
    world.close(Deed::Panic);
    for _ in 0..10 {
        Guard::discard(pool.checkout().await.unwrap());
    }
    settle().await;
    assert_at_rest(&pool, 2);
    assert_eq!((pool.info().closing, world.alive()), (0, 2));
    advance(secs(1)).await;
}

/// A member whose drop does as it is told.
struct Item {
    on_drop: Arc<dyn Fn() + Send + Sync>,
}

impl Drop for Item {
    fn drop(&mut self) {
        (self.on_drop)();
    }
}

/// Makes such members, with what their drop does at that time. It has the default `close`.
struct Items(Mutex<Arc<dyn Fn() + Send + Sync>>);

impl Manager for Items {
    type Member = Item;
    type Error = String;

    async fn create(&self, _: u64) -> Result<Item, String> {
        Ok(Item {
            on_drop: Arc::clone(&self.0.lock().unwrap()),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_drop_panics_harms_nobody() {
    quiet();
    let items = Items(Mutex::new(Arc::new(|| panic!("as told"))));
    let pool = Pool::start(sized(2), items).await.unwrap();
    for _ in 0..5 {
        Guard::discard(pool.checkout().await.unwrap());
    }
    pool.retain(|_, _| false);
    settle().await;
    assert_at_rest(&pool, 2);
    let guard = pool.checkout().await.unwrap();
    pool.stop().await.unwrap();
    drop(guard);
    settle().await;
    assert_eq!(pool.info().closing, 0);
}

#[tokio::test(start_paused = true)]
async fn a_members_drop_may_use_the_pool() {
    let drops = Arc::new(AtomicUsize::new(0));
    let items = Items(Mutex::new(Arc::new(|| ())));
    let pool = Pool::start(sized(2), items).await.unwrap();
    let (inner, count) = (pool.clone(), Arc::clone(&drops));
    *pool.manager().0.lock().unwrap() = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let guard = inner.try_checkout();
        inner.retain(|_, _| true);
        let _ = inner.resize(2);
        let _ = (inner.info(), inner.stats());
        drop(guard);
    });
    // Those that are made from now on use it.
    pool.retain(|_, _| false);
    settle().await;
    for _ in 0..10 {
        Guard::discard(pool.checkout().await.unwrap());
    }
    settle().await;
    pool.retain(|_, _| false);
    settle().await;
    assert_at_rest(&pool, 2);
    pool.stop().await.unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 14);
}

/// A waker that panics when it wakes.
struct Explosive;

impl Wake for Explosive {
    fn wake(self: Arc<Self>) {
        panic!("as told");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_keeps_nobody_else_from_being_woken() {
    quiet();
    let (_world, pool) = parts(1).await;
    let out = pool.checkout().await.unwrap();
    let mut waiters: Vec<_> = (0..3).map(|_| Box::pin(pool.checkout())).collect();
    let waker = Waker::from(Arc::new(Explosive));
    for waiter in &mut waiters {
        assert!(
            waiter
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    let other = pool.clone();
    let last = tokio::spawn(async move { other.checkout().await.map(drop) });
    settle().await;
    drop(out);
    drop(waiters);
    last.await.unwrap().unwrap();
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_waiters_task_may_use_the_pool_when_it_is_woken_and_when_it_is_dropped() {
    struct Nosy(Pool<Items>);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            let _ = (self.0.info(), self.0.try_checkout());
        }
    }
    impl Drop for Nosy {
        fn drop(&mut self) {
            let _ = (self.0.info(), self.0.try_checkout());
        }
    }
    let pool = Pool::start(sized(1), Items(Mutex::new(Arc::new(|| ()))))
        .await
        .unwrap();
    let out = pool.checkout().await.unwrap();
    let mut waiters: Vec<_> = (0..3).map(|_| Box::pin(pool.checkout())).collect();
    for waiter in &mut waiters {
        // One each, and another one that takes its place: all that there is of wakers is used.
        for _ in 0..2 {
            let waker = Waker::from(Arc::new(Nosy(pool.clone())));
            assert!(
                waiter
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
    }
    waiters.pop();
    drop(out);
    drop(waiters);
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_has_ended_is_forgotten() {
    let (_world, pool) = parts(1).await;
    let (listener, inbox) = otp_core::inbox::<patterns_pool::PoolEvent>();
    pool.listen(listener.recipient());
    drop((listener, inbox));
    Guard::discard(pool.checkout().await.unwrap());
    settle().await;
    assert_at_rest(&pool, 1);
}

/// A member that is a process, and whose drop panics.
struct Bomb(Pid);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("as told");
    }
}

struct Bombs;

impl Manager for Bombs {
    type Member = Bomb;
    type Error = String;

    async fn create(&self, _: u64) -> Result<Bomb, String> {
        Ok(Bomb(otp_core::spawn(std::future::pending()).unwrap()))
    }

    fn pid(&self, bomb: &Bomb) -> Option<Pid> {
        Some(bomb.0.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_member_whose_drop_panics_harms_nobody() {
    quiet();
    let pool = Pool::start(sized(2), Bombs).await.unwrap();
    let keeper = pool.pid();
    drop(pool.checkout().await.unwrap());
    for member in pool.info().members {
        member.pid.unwrap().kill();
    }
    settle().await;
    advance(secs(1)).await;
    assert_eq!((pool.pid(), pool.stats().crashed), (keeper, 2));
    assert_at_rest(&pool, 2);
}
