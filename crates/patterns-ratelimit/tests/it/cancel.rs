//! Futures that are dropped, at every await.

use patterns_ratelimit::{KeyedConfig, KeyedRateLimiter, Quota, WaitOptions};
use testing::{at_each_await, ms, polled, secs, settle};
use tokio::time::advance;

use crate::support::{Outcome, keyed, limiter, poll};

#[tokio::test(start_paused = true)]
async fn whoever_goes_leaves_their_place_and_takes_nothing() -> Outcome {
    for polls in 0..4 {
        let limiter = limiter(3);
        limiter.consume(3)?;
        let mut first = Box::pin(limiter.until_ready_with(3, WaitOptions::default()));
        let mut second = Box::pin(limiter.until_ready());
        for _ in 0..polls {
            assert!(poll(&mut first).is_pending());
            assert!(poll(&mut second).is_pending());
        }
        drop(first);
        advance(secs(1)).await;
        if polls > 0 {
            assert_eq!(limiter.stats().waiting, 1);
            assert!(
                poll(&mut second).is_ready(),
                "the next one need not wait for whoever went"
            );
        } else {
            assert!(limiter.allow());
        }
        drop(second);
        let stats = limiter.stats();
        assert_eq!((stats.waiting, stats.tokens, stats.rejected), (0, 0, 0));
        advance(secs(3)).await;
        assert_eq!(limiter.stats().tokens, 3);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_is_next_is_woken_when_the_first_one_goes() -> Outcome {
    let limiter = limiter(5);
    limiter.consume(5)?;
    let mut first = Box::pin(limiter.until_ready_with(5, WaitOptions::default()));
    assert!(poll(&mut first).is_pending());
    let second = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.until_ready().await }
    });
    tokio::task::yield_now().await;
    drop(first);
    let begun = tokio::time::Instant::now();
    second.await??;
    assert_eq!(begun.elapsed(), secs(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_from_a_key_leaves_nothing_behind() -> Outcome {
    for polls in 0..4 {
        let limiter = keyed(1);
        assert!(limiter.allow("a"));
        let mut waits = Box::pin(limiter.until_ready("a"));
        for _ in 0..polls {
            assert!(poll(&mut waits).is_pending());
        }
        drop(waits);
        assert_eq!(limiter.stats().waiting, 0);
        advance(secs(1)).await;
        assert!(limiter.allow("a"));
        limiter.reset("a");
        assert!(limiter.is_empty());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_goes_during_the_jitter_gives_the_tokens_back() -> Outcome {
    let (limiter, keyed) = (limiter(1), keyed(1));
    let mut seen = 0;
    for _ in 0..50 {
        limiter.reset();
        keyed.reset("a");
        limiter.consume(1)?;
        keyed.consume("a", 1)?;
        let jitter = WaitOptions {
            jitter: secs(1_000_000),
            ..WaitOptions::default()
        };
        let mut waits = Box::pin(limiter.until_ready_with(1, jitter));
        let mut keyed_waits = Box::pin(keyed.until_ready_with("a", 1, jitter));
        assert!(poll(&mut waits).is_pending() && poll(&mut keyed_waits).is_pending());
        advance(ms(1_000)).await;
        // Granted, and asleep.
        let (one, two) = (poll(&mut waits), poll(&mut keyed_waits));
        if one.is_pending() && two.is_pending() {
            seen += 1;
            assert_eq!((limiter.stats().waiting, limiter.stats().tokens), (0, 0));
            drop((waits, keyed_waits));
            assert_eq!((limiter.stats().tokens, keyed.tokens("a")), (1, 1));
        }
    }
    assert!(seen > 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_start_leaves_no_process() -> Outcome {
    // What otp-core keeps for a runtime is there from the first process on.
    KeyedRateLimiter::<u64>::start(KeyedConfig::default())
        .await?
        .stop()
        .await?;
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = alive();
    at_each_await(async |times| {
        let start = KeyedRateLimiter::<u64>::start(KeyedConfig::default());
        let done = polled(start, times).await;
        settle().await;
        assert_eq!(alive(), before, "after {times} polls");
        done
    })
    .await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stop_still_stops() -> Outcome {
    at_each_await(async |times| {
        let limiter = KeyedRateLimiter::<u64>::start(Quota::per_second(1))
            .await
            .unwrap();
        let done = polled(limiter.stop(), times).await;
        settle().await;
        assert_eq!(limiter.pid().is_some(), times == 0, "after {times} polls");
        assert!(limiter.allow(&1));
        done
    })
    .await;
    Ok(())
}
