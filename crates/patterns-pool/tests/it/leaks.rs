//! Members that borrowers keep, or forget.

use patterns_pool::{Guard, PoolConfig, PoolEvent};
use testing::{advance, ms, secs, settle};

use crate::support::{World, sized};

#[tokio::test(start_paused = true)]
async fn a_member_that_is_kept_for_long_is_reported_with_file_and_line_once() {
    let world = World::new();
    let pool = world
        .pool(PoolConfig {
            leak_after: Some(secs(60)),
            ..sized(3)
        })
        .await;
    let (listener, mut events) = otp_core::inbox::<PoolEvent>();
    pool.listen(listener.recipient());
    let line = line!() + 1;
    let kept = pool.checkout().await.unwrap();
    // One that is forgotten altogether.
    std::mem::forget(pool.try_checkout().unwrap());
    // And one that comes back in time.
    drop(pool.checkout().await.unwrap());
    advance(secs(59)).await;
    assert_eq!(pool.stats().leaks, 0);
    advance(ms(1_002)).await;
    assert_eq!(pool.stats().leaks, 2);
    let mut leaks = Vec::new();
    while let Some(event) = events.try_recv() {
        let PoolEvent::Leaked(leak) = event else {
            panic!("{event:?}");
        };
        assert!((secs(60)..secs(60) + ms(3)).contains(&leak.held));
        assert!(leak.taken_at.file().ends_with("leaks.rs"));
        leaks.push((leak.id, leak.taken_at.line()));
    }
    leaks.sort_unstable_by_key(|(_, line)| *line);
    assert_eq!(leaks[0], (Guard::id(&kept), line));
    assert_eq!(leaks[1].1, line + 2);
    advance(secs(600)).await;
    assert_eq!(pool.stats().leaks, 2);
    // When it is lent again it can leak again.
    drop(kept);
    let _again = pool.checkout().await.unwrap();
    let _other = pool.checkout().await.unwrap();
    advance(secs(61)).await;
    assert_eq!(pool.stats().leaks, 4);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_borrower_who_had_to_wait_begins_when_it_gets_its_member() {
    let world = World::new();
    let pool = world
        .pool(PoolConfig {
            leak_after: Some(secs(60)),
            ..sized(1)
        })
        .await;
    let first = pool.checkout().await.unwrap();
    let other = pool.clone();
    let second = tokio::spawn(async move {
        let guard = other.checkout_timeout(secs(1_000)).await.unwrap();
        tokio::time::sleep(secs(59)).await;
        drop(guard);
    });
    advance(secs(50)).await;
    drop(first);
    settle().await;
    assert_eq!(pool.info().members[0].out_for, Some(secs(0)));
    second.await.unwrap();
    assert_eq!(pool.stats().leaks, 0);
}

#[tokio::test(start_paused = true)]
async fn the_place_of_a_checkout_is_known_for_transactions_and_jobs_too() {
    let world = World::new();
    let pool = world.pool(sized(1)).await;
    let line = line!() + 2;
    let seen = pool
        .transaction(async |_| pool.info().members[0].taken_at.unwrap().line())
        .await
        .unwrap();
    assert_eq!(seen, line);
    let (_census, workers) = crate::support::workers(1).await;
    let line = line!() + 1;
    let mut job = Box::pin(workers.process(|reply| crate::support::Job::Delay(secs(1), reply)));
    assert!(!crate::support::polled(&mut job, 1).await);
    assert_eq!(workers.info().members[0].taken_at.unwrap().line(), line);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_was_taken_for_good_is_no_leak() {
    let world = World::new();
    let pool = world
        .pool(PoolConfig {
            leak_after: Some(secs(1)),
            ..sized(1)
        })
        .await;
    let _part = Guard::take(pool.checkout().await.unwrap());
    advance(secs(10)).await;
    assert_eq!(pool.stats().leaks, 0);
}
