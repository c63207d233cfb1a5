//! Waiting for one's turn.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use patterns_ratelimit::{
    Denied, KeyedConfig, KeyedRateLimiter, Quota, RateLimiter, WaitError, WaitOptions,
};
use testing::{ms, secs};
use tokio::task::yield_now;
use tokio::time::{Instant, advance};

use crate::support::{Outcome, keyed, limited, limiter, poll};

fn within(timeout: Duration) -> WaitOptions {
    WaitOptions {
        timeout,
        ..WaitOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_goes_on_at_the_time() -> Outcome {
    let limiter = RateLimiter::new(Quota::every(ms(100)))?;
    let begun = Instant::now();
    for turn in 0..5 {
        let allowed = limiter.until_ready().await?;
        assert_eq!(begun.elapsed(), ms(100 * turn));
        assert_eq!(allowed.remaining(), 0);
    }
    let keyed = KeyedRateLimiter::<String>::new(Quota::every(ms(100)))?;
    let begun = Instant::now();
    for turn in 0..5 {
        keyed.until_ready("a").await?;
        assert_eq!(begun.elapsed(), ms(100 * turn));
    }
    assert_eq!((limiter.stats().allowed, keyed.stats().allowed), (5, 5));
    Ok(())
}

/// Starts those who wait one after the other, and returns who came when.
async fn arrivals(limiter: &RateLimiter, costs: &[u32]) -> Vec<(usize, u32, u64)> {
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for (index, cost) in costs.iter().copied().enumerate() {
        let (limiter, arrived) = (limiter.clone(), Arc::clone(&arrived));
        tasks.push(tokio::spawn(async move {
            limiter
                .until_ready_with(cost, WaitOptions::default())
                .await
                .unwrap();
            let seconds = begun.elapsed().as_millis() as u64 / 1_000;
            arrived.lock().unwrap().push((index, cost, seconds));
        }));
        yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    let arrived = arrived.lock().unwrap();
    arrived.clone()
}

#[tokio::test(start_paused = true)]
async fn first_come_is_first_served_whatever_it_costs() {
    let limiter = limiter(5);
    let arrived = arrivals(&limiter, &[5, 4, 1, 1, 5, 2]).await;
    assert_eq!(
        arrived,
        [
            (0, 5, 0),
            (1, 4, 4),
            (2, 1, 5),
            (3, 1, 6),
            (4, 5, 11),
            (5, 2, 13)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_wait_overtakes_nobody() -> Outcome {
    let limiter = limiter(5);
    limiter.consume(3)?;
    let mut waits = Box::pin(limiter.until_ready_with(4, WaitOptions::default()));
    assert!(poll(&mut waits).is_pending());
    assert_eq!(limiter.stats().waiting, 1);
    // Two are there, and spoken for.
    assert_eq!(limiter.stats().tokens, 0);
    assert_eq!(limiter.consume(1).unwrap_err(), limited(secs(3)));
    advance(secs(2)).await;
    assert!(!limiter.allow());
    advance(secs(1)).await;
    assert!(
        limiter.allow(),
        "one is left when the one who waits has got theirs"
    );
    assert!(!limiter.allow());
    assert!(poll(&mut waits).is_ready());
    assert_eq!(limiter.stats().waiting, 0);
    assert!(!limiter.allow());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_wait_overtakes_nobody_at_a_key() -> Outcome {
    let limiter = keyed(2);
    limiter.consume("a", 2)?;
    let mut waits = Box::pin(limiter.until_ready("a"));
    assert!(poll(&mut waits).is_pending());
    assert!(limiter.allow("b"), "another key is another line");
    advance(secs(1)).await;
    assert!(!limiter.allow("a"));
    assert!(poll(&mut waits).is_ready());
    advance(secs(1)).await;
    assert!(limiter.allow("a"));
    assert_eq!(limiter.stats().waiting, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_gets_no_more_than_the_capacity() -> Outcome {
    let limiter = limiter(2);
    limiter.consume(2)?;
    let mut waiting: Vec<_> = (0..6).map(|_| Box::pin(limiter.until_ready())).collect();
    for waits in &mut waiting {
        assert!(poll(waits).is_pending());
    }
    // Nobody was polled for long: what is in the bucket is two, not a hundred.
    advance(secs(100)).await;
    let granted = waiting
        .iter_mut()
        .filter_map(|waits| poll(waits).is_ready().then_some(()))
        .count();
    assert_eq!(granted, 2);
    assert!(!limiter.allow());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_has_no_chance_in_time_is_told_at_once() -> Outcome {
    let limiter = limiter(2);
    limiter.consume(2)?;
    let begun = Instant::now();
    let refused = limiter
        .until_ready_with(2, within(ms(1_999)))
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        WaitError::Timeout {
            retry_after: secs(2)
        }
    );
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(limiter.until_ready_with(2, within(secs(2))).await.is_ok());
    assert_eq!(begun.elapsed(), secs(2));
    assert!(matches!(
        limiter.until_ready_with(1, within(Duration::ZERO)).await,
        Err(WaitError::Timeout { .. })
    ));
    let stats = limiter.stats();
    assert_eq!((stats.allowed, stats.rejected), (2, 2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn those_before_count_for_the_chance() -> Outcome {
    let limiter = limiter(1);
    limiter.consume(1)?;
    let mut first = Box::pin(limiter.until_ready());
    assert!(poll(&mut first).is_pending());
    let refused = limiter
        .until_ready_with(1, within(ms(1_500)))
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        WaitError::Timeout {
            retry_after: secs(2)
        }
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_is_late_by_no_fault_of_their_own_is_told_at_the_deadline() -> Outcome {
    let limiter = limiter(1);
    let reservation = limiter.try_reserve(1)?;
    let begun = Instant::now();
    let waits = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.until_ready_with(1, within(ms(1_500))).await }
    });
    yield_now().await;
    // What was reserved is settled at more than was thought.
    reservation.settle(3);
    let refused = waits.await?.unwrap_err();
    assert_eq!(
        refused,
        WaitError::Timeout {
            retry_after: ms(1_500)
        }
    );
    assert_eq!(begun.elapsed(), ms(1_500));
    let stats = limiter.stats();
    assert_eq!((stats.waiting, stats.rejected), (0, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_others_is_told_at_the_deadline() -> Outcome {
    let limiter = limiter(1);
    let reservation = limiter.try_reserve(1)?;
    let mut first = Box::pin(limiter.until_ready());
    assert!(poll(&mut first).is_pending());
    let second = limiter.until_ready_with(1, within(secs(2)));
    tokio::pin!(second);
    assert!(futures_pending(&mut second).await);
    reservation.settle(10);
    assert!(matches!(second.await, Err(WaitError::Timeout { .. })));
    assert_eq!(limiter.stats().waiting, 1);
    Ok(())
}

async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn jitter_makes_it_later_but_never_too_late() -> Outcome {
    let limiter = limiter(1);
    let jitter = WaitOptions {
        jitter: secs(10),
        ..WaitOptions::default()
    };
    let begun = Instant::now();
    limiter.until_ready_with(1, jitter).await?;
    assert_eq!(
        begun.elapsed(),
        Duration::ZERO,
        "who need not wait does not"
    );
    let mut later = 0;
    for _ in 0..20 {
        limiter.reset();
        limiter.consume(1)?;
        let begun = Instant::now();
        limiter.until_ready_with(1, jitter).await?;
        assert!(
            begun.elapsed() >= secs(1) && begun.elapsed() <= secs(11) + ms(1),
            "{:?}",
            begun.elapsed()
        );
        later += u32::from(begun.elapsed() > ms(1_100));
    }
    assert!(later > 0);
    for _ in 0..20 {
        limiter.reset();
        limiter.consume(1)?;
        let begun = Instant::now();
        limiter
            .until_ready_with(
                1,
                WaitOptions {
                    timeout: ms(1_200),
                    jitter: secs(10),
                },
            )
            .await?;
        assert!(begun.elapsed() <= ms(1_201), "{:?}", begun.elapsed());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_is_not_waited_for() -> Outcome {
    let limiter = limiter(2);
    let never = WaitError::Denied(Denied::Impossible {
        cost: 3,
        capacity: 2,
    });
    assert_eq!(
        limiter
            .until_ready_with(3, WaitOptions::default())
            .await
            .unwrap_err(),
        never
    );
    let once = RateLimiter::new(Quota::once(1))?;
    once.until_ready().await?;
    assert!(matches!(
        once.until_ready().await,
        Err(WaitError::Denied(Denied::Impossible { .. }))
    ));
    let keyed = keyed(2);
    assert_eq!(
        keyed
            .until_ready_with("a", 3, WaitOptions::default())
            .await
            .unwrap_err(),
        never
    );
    assert!(keyed.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_goes_by_a_changed_quota() -> Outcome {
    let limiter = limiter(1);
    limiter.consume(1)?;
    let begun = Instant::now();
    let waits = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.until_ready().await }
    });
    yield_now().await;
    limiter.set_quota(Quota::every(ms(10)))?;
    waits.await??;
    assert_eq!(begun.elapsed(), ms(10));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_what_can_no_longer_be_is_told() -> Outcome {
    let (limiter, keyed) = (limiter(5), keyed(5));
    limiter.consume(5)?;
    keyed.consume("a", 5)?;
    let options = WaitOptions::default();
    let one = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.until_ready_with(5, options).await }
    });
    let two = tokio::spawn({
        let keyed = keyed.clone();
        async move { keyed.until_ready_with("a", 5, options).await }
    });
    yield_now().await;
    let begun = Instant::now();
    limiter.set_quota(Quota::per_second(1).burst(4))?;
    keyed.set_quota(Quota::per_second(1).burst(4))?;
    let never = WaitError::Denied(Denied::Impossible {
        cost: 5,
        capacity: 4,
    });
    assert_eq!(
        (one.await?.unwrap_err(), two.await?.unwrap_err()),
        (never, never)
    );
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!((limiter.stats().waiting, keyed.stats().waiting), (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reset_lets_those_in_who_wait() -> Outcome {
    let limiter = limiter(2);
    limiter.consume(2)?;
    let begun = Instant::now();
    let waits = [(); 2].map(|()| {
        let limiter = limiter.clone();
        tokio::spawn(async move { limiter.until_ready().await })
    });
    yield_now().await;
    limiter.reset();
    for waits in waits {
        waits.await??;
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(!limiter.allow());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_a_key_lets_those_in_who_wait_for_it() -> Outcome {
    let limiter = keyed(2);
    limiter.consume("a", 2)?;
    let begun = Instant::now();
    let waits = [(); 2].map(|()| {
        let limiter = limiter.clone();
        tokio::spawn(async move { limiter.until_ready("a").await })
    });
    yield_now().await;
    limiter.reset("a");
    for waits in waits {
        waits.await??;
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(!limiter.allow("a"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_all_keys_lets_those_in_who_wait() -> Outcome {
    let keyed = keyed(1);
    assert!(keyed.allow("a") && keyed.allow("b"));
    let begun = Instant::now();
    let waits = tokio::spawn({
        let keyed = keyed.clone();
        async move { keyed.until_ready("a").await }
    });
    yield_now().await;
    keyed.reset_all();
    assert_eq!(keyed.keys(), ["a"], "whoever is waited for stays");
    assert!(!keyed.allow("a"), "what came back is spoken for");
    waits.await??;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(!keyed.allow("a") && keyed.allow("b"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_waited_for_is_not_forgotten() -> Outcome {
    let limiter = KeyedRateLimiter::<u64>::new(Quota::every(ms(10)))?;
    assert!(limiter.allow(&1));
    let mut waits = Box::pin(limiter.until_ready(&1));
    assert!(poll(&mut waits).is_pending());
    advance(secs(5)).await;
    for key in 10..5_000 {
        assert!(limiter.allow(&key));
    }
    assert!(!limiter.allow(&1), "it is spoken for");
    assert!(poll(&mut waits).is_ready());
    assert!(!limiter.allow(&1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_without_room_is_not_waited_for() -> Outcome {
    let config = KeyedConfig {
        quota: Quota::per_second(1),
        max_keys: Some(1),
        ..KeyedConfig::default()
    };
    let limiter = KeyedRateLimiter::<u64>::new(config)?;
    assert!(limiter.allow(&1));
    let refused = limiter.until_ready(&2).await.unwrap_err();
    assert_eq!(
        refused,
        WaitError::Denied(Denied::TooManyKeys { max_keys: 1 })
    );
    limiter.until_ready(&1).await?;
    Ok(())
}

#[test]
fn without_a_runtime_what_is_there_is_given_and_nothing_is_waited_for() -> Outcome {
    let limiter = RateLimiter::new(Quota::per_hour(1))?;
    let ready = |future| {
        let mut future: std::pin::Pin<Box<dyn Future<Output = _>>> = Box::pin(future);
        match poll(&mut future) {
            std::task::Poll::Ready(done) => done,
            std::task::Poll::Pending => panic!("it waits"),
        }
    };
    assert!(ready(limiter.until_ready()).is_ok());
    assert_eq!(
        ready(limiter.until_ready()).unwrap_err(),
        WaitError::NoTimers
    );
    assert_eq!(limiter.stats().waiting, 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let refused = runtime.block_on(limiter.until_ready()).unwrap_err();
    assert_eq!(refused, WaitError::NoTimers);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_wait_and_all_get_theirs_in_order() -> Outcome {
    let limiter = RateLimiter::new(Quota::per_second(1_000).burst(10))?;
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for index in 0..10_000 {
        let (limiter, arrived) = (limiter.clone(), Arc::clone(&arrived));
        tasks.push(tokio::spawn(async move {
            limiter.until_ready().await.unwrap();
            arrived.lock().unwrap().push(index);
        }));
    }
    for task in tasks {
        task.await?;
    }
    assert!(arrived.lock().unwrap().is_sorted());
    assert!(
        begun.elapsed() >= ms(9_990) && begun.elapsed() < ms(10_100),
        "{:?}",
        begun.elapsed()
    );
    Ok(())
}
