//! Futures that are dropped at every place where they can be.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use patterns_cache::{Cache, CacheConfig, Compute, Source};
use testing::{advance, at_each_await, polled_after, secs, settle};
use tokio::task::yield_now;

/// Counts itself while it lives.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_dropped_wherever_the_key_is_free_and_nothing_is_left() {
    for which in 0..6 {
        at_each_await(async |times| {
            let config = CacheConfig {
                default_ttl: Some(secs(10)),
                stale_for: secs(10),
                ..CacheConfig::default()
            };
            let cache: Cache<&str, u32> = Cache::start(config).await.unwrap();
            let alive = Arc::new(AtomicUsize::new(0));
            let load = {
                let alive = Arc::clone(&alive);
                move || async move {
                    let _alive = Alive::new(&alive);
                    for _ in 0..3 {
                        yield_now().await;
                    }
                    Ok::<_, Infallible>(1)
                }
            };
            let compute = |_| {
                let alive = Alive::new(&alive);
                async move {
                    let _alive = alive;
                    yield_now().await;
                    Compute::Put(2)
                }
            };
            let ready = match which {
                0 => polled_after(cache.get_or_load(&"k", load), times, settle).await,
                1 => polled_after(cache.get_or_revalidate(&"k", load), times, settle).await,
                2 => polled_after(cache.compute(&"k", compute), times, settle).await,
                // One that waits for another.
                3 => {
                    let first = tokio::spawn({
                        let (cache, load) = (cache.clone(), load.clone());
                        async move { cache.get_or_load(&"k", load).await }
                    });
                    yield_now().await;
                    let ready = polled_after(cache.get_or_load(&"k", load), times, settle).await;
                    assert_eq!(first.await.unwrap(), Ok(1));
                    ready
                }
                4 => {
                    cache.put("k", 9);
                    advance(secs(11)).await;
                    polled_after(cache.get_or_revalidate(&"k", load), times, settle).await
                }
                _ => {
                    polled_after(
                        Cache::<u32, u32>::start(CacheConfig::default()),
                        times,
                        settle,
                    )
                    .await
                }
            };
            settle().await;
            assert_eq!(
                alive.load(Ordering::SeqCst),
                0,
                "case {which}, {times} polls"
            );
            cache.delete("k");
            let fresh = cache.get_or_load_with_source(&"k", async || Ok::<_, Infallible>(5));
            assert_eq!(
                fresh.await,
                Ok((5, Source::Loaded)),
                "case {which}, {times} polls"
            );
            ready
        })
        .await;
    }
}

/// A waker that does nothing but be there.
struct Held;

impl Wake for Held {
    fn wake(self: Arc<Self>) {}
}

#[tokio::test]
async fn who_waits_and_goes_leaves_nothing_behind() {
    let cache: Cache<&str, u32> = Cache::start(CacheConfig::default()).await.unwrap();
    let hangs = || std::future::pending::<Result<u32, Infallible>>();
    let mut noop = Context::from_waker(Waker::noop());
    let mut loading = pin!(cache.get_or_load(&"k", hangs));
    assert!(loading.as_mut().poll(&mut noop).is_pending());

    let held = Arc::new(Held);
    {
        let waker = Waker::from(Arc::clone(&held));
        let mut cx = Context::from_waker(&waker);
        let mut waiting = pin!(cache.get_or_load(&"k", hangs));
        for _ in 0..3 {
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(
            Arc::strong_count(&held),
            3,
            "one waker is kept, however often it is polled"
        );
    }
    assert_eq!(Arc::strong_count(&held), 1);
}
