//! Checking out and giving back, as long as nobody has to wait.

use std::thread;

use patterns_pool::{CheckoutError, Guard, MemberStatus, Order, PoolConfig, WaitedFor};
use testing::{advance, ms, secs, settle};

use crate::support::{World, assert_at_rest, lazy, parts, sized, workers};

#[tokio::test(start_paused = true)]
async fn all_members_are_there_when_the_start_returns() {
    let (world, pool) = parts(3).await;
    let info = pool.info();
    assert!(info.open);
    assert_eq!(
        (info.size, info.available, info.in_use, info.waiting),
        (3, 3, 0, 0)
    );
    assert_eq!(
        info.members
            .iter()
            .map(|member| member.id)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(
        info.members
            .iter()
            .all(|member| member.status == MemberStatus::Idle && member.alive)
    );
    assert_eq!(world.made(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_checkout_and_its_return_are_seen_in_the_info() {
    let (_world, pool) = parts(3).await;
    let one = pool.checkout().await.unwrap();
    let two = pool.checkout().await.unwrap();
    advance(secs(7)).await;
    let info = pool.info();
    assert_eq!((info.available, info.in_use), (1, 2));
    let out: Vec<_> = info
        .members
        .iter()
        .filter(|member| member.out_for.is_some())
        .collect();
    assert_eq!(out.len(), 2);
    for member in out {
        assert_eq!(
            (member.status, member.out_for),
            (MemberStatus::InUse, Some(secs(7)))
        );
        assert!(member.taken_at.unwrap().file().ends_with("lending.rs"));
        assert_eq!(member.age, secs(7));
    }
    let id = Guard::id(&one);
    drop((one, two));
    assert_at_rest(&pool, 3);
    let info = pool.info();
    let jobs = |id| {
        info.members
            .iter()
            .find(|member| member.id == id)
            .unwrap()
            .jobs
    };
    assert_eq!(jobs(id), 1);
    assert_eq!(
        info.members.iter().map(|member| member.jobs).sum::<u64>(),
        2
    );
    assert_eq!((pool.stats().lent, pool.stats().waited), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_member_that_came_back_last_is_lent_first() {
    let (_world, pool) = parts(3).await;
    let guards = [
        pool.try_checkout().unwrap(),
        pool.try_checkout().unwrap(),
        pool.try_checkout().unwrap(),
    ];
    let ids = guards.each_ref().map(|guard| guard.id);
    for guard in guards {
        drop(guard);
    }
    let again = [
        pool.try_checkout().unwrap(),
        pool.try_checkout().unwrap(),
        pool.try_checkout().unwrap(),
    ];
    let [a, b, c] = ids;
    assert_eq!(again.each_ref().map(|guard| guard.id), [c, b, a]);
}

#[tokio::test(start_paused = true)]
async fn with_fifo_the_member_that_is_idle_for_longest_is_lent_first() {
    let world = World::new();
    let pool = world
        .pool(PoolConfig {
            order: Order::Fifo,
            ..sized(3)
        })
        .await;
    let guards = [
        pool.try_checkout().unwrap(),
        pool.try_checkout().unwrap(),
        pool.try_checkout().unwrap(),
    ];
    let ids = guards.each_ref().map(|guard| guard.id);
    let [one, two, three] = guards;
    drop(two);
    drop(three);
    drop(one);
    let again = [
        pool.try_checkout().unwrap(),
        pool.try_checkout().unwrap(),
        pool.try_checkout().unwrap(),
    ];
    let [a, b, c] = ids;
    assert_eq!(again.each_ref().map(|guard| guard.id), [b, c, a]);
}

#[tokio::test(start_paused = true)]
async fn a_try_that_finds_nothing_idle_fails_at_once_and_says_why() {
    let (_world, pool) = parts(1).await;
    let _out = pool.try_checkout().unwrap();
    match pool.try_checkout() {
        Err(CheckoutError::Timeout {
            waited,
            cause:
                WaitedFor::Return {
                    in_use: 1,
                    waiting: 0,
                },
        }) => {
            assert_eq!(waited, ms(0));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        pool.checkout_timeout(ms(0)).await,
        Err(CheckoutError::Timeout { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_try_at_a_pool_without_members_has_one_made_for_the_next() {
    let world = World::new();
    let pool = world.pool(lazy(2)).await;
    assert!(pool.try_checkout().unwrap_err().is_timeout());
    assert!(pool.try_checkout().unwrap_err().is_timeout());
    settle().await;
    assert_eq!(world.made(), 1, "two wishes at the same time are one");
    let _one = pool.try_checkout().unwrap();
    assert!(pool.try_checkout().unwrap_err().is_timeout());
    settle().await;
    assert_eq!(world.made(), 2);
    let _two = pool.try_checkout().unwrap();
    assert!(pool.try_checkout().unwrap_err().is_timeout());
    settle().await;
    assert_eq!(world.made(), 2, "there is no room for a third one");
}

#[tokio::test(start_paused = true)]
async fn a_guard_can_be_dropped_on_a_thread_without_a_runtime() {
    let (_world, pool) = parts(1).await;
    let guard = pool.checkout().await.unwrap();
    thread::spawn(move || drop(guard)).join().unwrap();
    assert_at_rest(&pool, 1);
    // One that has to be closed as well.
    let guard = pool.checkout().await.unwrap();
    thread::spawn(move || Guard::discard(guard)).join().unwrap();
    settle().await;
    assert_at_rest(&pool, 1);
    assert_eq!(pool.stats().closed, 1);
}

#[tokio::test]
async fn a_checkout_can_be_awaited_on_a_thread_without_a_runtime() {
    let (_world, pool) = parts(1).await;
    let waiting = pool.checkout().await.unwrap();
    let other = pool.clone();
    let thread = thread::spawn(move || {
        let guard = block_on(other.checkout()).unwrap();
        guard.id
    });
    while pool.info().waiting == 0 {
        tokio::task::yield_now().await;
    }
    let id = waiting.id;
    drop(waiting);
    let joined = tokio::task::spawn_blocking(move || thread.join().unwrap());
    assert_eq!(joined.await.unwrap(), id);
}

/// Runs a future on this thread, without any runtime.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(thread::current())).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut work = std::pin::pin!(work);
    loop {
        match work.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(done) => return done,
            std::task::Poll::Pending => thread::park(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_clones_of_a_handle_are_one_pool() {
    let (_world, pool) = parts(1).await;
    let clone = pool.clone();
    let _out = clone.checkout().await.unwrap();
    assert!(pool.try_checkout().is_err());
    drop(clone);
    assert!(pool.info().open);
}

#[tokio::test(start_paused = true)]
async fn what_a_handle_prints_shows_how_it_is() {
    let (_census, pool) = workers(1).await;
    let text = format!("{pool:?}");
    assert!(
        text.contains("available: 1") && text.contains("size: 1"),
        "{text}"
    );
    let guard = pool.checkout().await.unwrap();
    assert!(format!("{guard:?}").contains("id: 1"));
}
