//! `get_or_load`: one load for each key, whatever becomes of who began it.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use patterns_cache::{Cache, CacheConfig, Loaded, Source};
use testing::{advance, ms, quiet, secs, settle};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, LocalSet, spawn_local, yield_now};

use crate::support::cache;

type Outcome = Result<(u32, Source), &'static str>;

/// Begins to ask for the key "k" with a load that ends as `gate` says. It fails if the gate is dropped.
fn ask(
    cache: &Cache<&'static str, u32>,
    begun: &Rc<Cell<u32>>,
) -> (
    JoinHandle<Outcome>,
    oneshot::Sender<Result<u32, &'static str>>,
) {
    let (gate, opened) = oneshot::channel();
    let (cache, begun) = (cache.clone(), Rc::clone(begun));
    let asked = spawn_local(async move {
        let load = async || {
            begun.set(begun.get() + 1);
            opened.await.expect("the test opens each gate")
        };
        cache.get_or_load_with_source(&"k", load).await
    });
    (asked, gate)
}

async fn locally<F: Future>(work: F) -> F::Output {
    LocalSet::new().run_until(work).await
}

#[tokio::test]
async fn a_missing_key_is_loaded_once_however_many_ask() {
    locally(async {
        let (cache, begun) = (cache().await, Rc::default());
        let (first, gate) = ask(&cache, &begun);
        yield_now().await;
        let others: Vec<_> = (0..1_000).map(|_| ask(&cache, &begun)).collect();
        settle().await;
        assert_eq!(begun.get(), 1);
        gate.send(Ok(7)).unwrap();
        assert_eq!(first.await.unwrap(), Ok((7, Source::Loaded)));
        for (other, _gate) in others {
            assert_eq!(other.await.unwrap(), Ok((7, Source::Coalesced)));
        }
        assert_eq!(begun.get(), 1);
        assert_eq!(cache.get("k"), Some(7));
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses), (1, 1_001));
        assert_eq!(
            (stats.loads, stats.failed_loads, stats.coalesced),
            (1, 0, 1_000)
        );
    })
    .await;
}

#[tokio::test]
async fn a_live_value_is_not_loaded() {
    let cache = cache().await;
    cache.put("k", 1);
    let load = async || -> Result<u32, Infallible> { unreachable!("it is there") };
    assert_eq!(
        cache.get_or_load_with_source(&"k", load).await,
        Ok((1, Source::Fresh))
    );
    assert_eq!(cache.get_or_load(&"k", load).await, Ok(1));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.loads), (2, 0, 0));
}

#[tokio::test]
async fn waiters_survive_the_error_of_who_began() {
    locally(async {
        let (cache, begun) = (cache().await, Rc::default());
        let (first, gate) = ask(&cache, &begun);
        let (second, gate2) = ask(&cache, &begun);
        let (third, _gate3) = ask(&cache, &begun);
        settle().await;
        gate.send(Err("refused")).unwrap();
        assert_eq!(first.await.unwrap(), Err("refused"), "the error is its own");
        settle().await;
        assert_eq!(begun.get(), 2, "one of the others loads, and one waits");
        assert_eq!(cache.get("k"), None, "nothing is kept of an error");
        gate2.send(Ok(2)).unwrap();
        assert_eq!(second.await.unwrap(), Ok((2, Source::Loaded)));
        assert_eq!(third.await.unwrap(), Ok((2, Source::Coalesced)));
        let stats = cache.stats();
        assert_eq!(
            (stats.loads, stats.failed_loads, stats.coalesced),
            (1, 1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn waiters_survive_the_cancellation_of_who_began() {
    locally(async {
        let (cache, begun) = (cache().await, Rc::default());
        let (first, _gate) = ask(&cache, &begun);
        let (second, gate2) = ask(&cache, &begun);
        settle().await;
        first.abort();
        settle().await;
        assert_eq!(begun.get(), 2);
        gate2.send(Ok(2)).unwrap();
        assert_eq!(second.await.unwrap(), Ok((2, Source::Loaded)));
        assert_eq!(cache.stats().failed_loads, 1);
    })
    .await;
}

#[tokio::test]
async fn waiters_survive_the_panic_of_who_began() {
    for before_the_future in [true, false] {
        locally(async move {
            let cache: Cache<&str, u32> = cache().await;
            let (gate, opened) = oneshot::channel::<()>();
            let panicking = cache.clone();
            let first = spawn_local(async move {
                let load = || {
                    if before_the_future {
                        resume_unwind(Box::new("oh"));
                    }
                    async {
                        let _ = opened.await;
                        resume_unwind(Box::new("oh"))
                    }
                };
                panicking
                    .get_or_load::<_, _, _, u32, Infallible>(&"k", load)
                    .await
            });
            let (second, gate2) = ask(&cache, &Rc::default());
            settle().await;
            drop(gate);
            assert!(first.await.unwrap_err().is_panic(), "it reaches its caller");
            gate2.send(Ok(2)).unwrap();
            assert_eq!(second.await.unwrap(), Ok((2, Source::Loaded)));
        })
        .await;
    }
}

#[tokio::test]
async fn a_waiter_that_goes_hinders_nobody() {
    locally(async {
        let (cache, begun) = (cache().await, Rc::default());
        let (first, gate) = ask(&cache, &begun);
        settle().await;
        let (second, _gate) = ask(&cache, &begun);
        let (third, _gate) = ask(&cache, &begun);
        settle().await;
        second.abort();
        settle().await;
        gate.send(Ok(1)).unwrap();
        assert_eq!(first.await.unwrap(), Ok((1, Source::Loaded)));
        assert_eq!(third.await.unwrap(), Ok((1, Source::Coalesced)));
    })
    .await;
}

#[tokio::test]
async fn what_was_deleted_or_cleared_meanwhile_is_not_stored_and_not_given_to_who_asks_later() {
    for clear in [true, false] {
        locally(async move {
            let (cache, begun) = (cache().await, Rc::default());
            let (before, gate) = ask(&cache, &begun);
            settle().await;
            if clear {
                cache.clear();
            } else {
                assert_eq!(cache.delete("k"), None);
            }
            let (after, gate2) = ask(&cache, &begun);
            settle().await;
            assert_eq!(begun.get(), 2, "who asks after the change loads anew");
            gate.send(Ok(1)).unwrap();
            assert_eq!(before.await.unwrap(), Ok((1, Source::Loaded)));
            assert_eq!(cache.get("k"), None, "it is older than the change");
            gate2.send(Ok(2)).unwrap();
            assert_eq!(after.await.unwrap(), Ok((2, Source::Loaded)));
            assert_eq!(cache.get("k"), Some(2));
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_put_meanwhile_is_newer_than_what_was_loaded() {
    locally(async {
        let (cache, begun) = (cache().await, Rc::default());
        let (asked, gate) = ask(&cache, &begun);
        settle().await;
        cache.put("k", 9);
        gate.send(Ok(1)).unwrap();
        assert_eq!(asked.await.unwrap(), Ok((1, Source::Loaded)));
        assert_eq!(cache.get("k"), Some(9));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_load_may_choose_the_time_to_live() {
    let config = CacheConfig {
        default_ttl: Some(secs(10)),
        ..CacheConfig::default()
    };
    let cache: Cache<&str, u32> = Cache::start(config).await.unwrap();
    let never = |result: Result<u32, Infallible>| result.unwrap();
    never(cache.get_or_load(&"default", async || Ok(1)).await);
    let short = async || Ok(Loaded::with_ttl(2, secs(1)));
    never(cache.get_or_load(&"short", short).await);
    let none = async || Ok(Loaded::with_ttl(3, ms(0)));
    assert_eq!(never(cache.get_or_load(&"none", none).await), 3);
    assert!(cache.contains_key("default") && cache.contains_key("short"));
    assert!(!cache.contains_key("none"), "only who waited got it");
    advance(secs(1)).await;
    assert!(cache.contains_key("default") && !cache.contains_key("short"));
    advance(secs(9)).await;
    assert!(cache.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_expired_value_is_loaded_anew() {
    let cache = cache().await;
    cache.put_with_ttl("k", 1, secs(1));
    advance(secs(1)).await;
    let load = async || Ok::<_, Infallible>(2);
    assert_eq!(
        cache.get_or_load_with_source(&"k", load).await,
        Ok((2, Source::Loaded))
    );
    assert_eq!(cache.stats().expired, 1);
}

#[tokio::test]
async fn a_load_that_asks_for_its_own_key_panics_where_it_would_wait_for_itself() {
    let cache: Cache<&str, u32> = cache().await;
    let inner = cache.clone();
    let asked = tokio::spawn(async move {
        let load = || async {
            let other = inner.get_or_load(&"other", || {
                Box::pin(async {
                    inner
                        .get_or_load(&"k", async || Ok::<_, Infallible>(1))
                        .await
                })
            });
            other.await
        };
        inner.get_or_load(&"k", load).await
    });
    let panic = asked.await.unwrap_err().into_panic();
    let text = panic.downcast_ref::<&str>().unwrap();
    assert!(text.contains("asks for that key"), "{text}");
    assert_eq!(
        cache
            .get_or_load(&"k", async || Ok::<_, Infallible>(2))
            .await,
        Ok(2)
    );
}

#[tokio::test]
async fn a_load_may_use_the_cache_and_load_other_keys() {
    let cache: Cache<String, u64> = cache().await;
    fn fibonacci(cache: &Cache<String, u64>, n: u64) -> impl Future<Output = u64> {
        let load = move || {
            Box::pin(async move {
                let before = Box::pin(fibonacci(cache, n - 1)).await;
                Ok::<u64, Infallible>(before + Box::pin(fibonacci(cache, n - 2)).await)
            })
        };
        async move {
            if n < 2 {
                return n;
            }
            cache
                .get_or_load(n.to_string().as_str(), load)
                .await
                .unwrap()
        }
    }
    assert_eq!(fibonacci(&cache, 60).await, 1_548_008_755_920);
    assert_eq!(cache.stats().loads, 59);
}

#[tokio::test]
async fn errors_are_kept_if_they_are_asked_to_be() {
    tokio::time::pause();
    let cache: Cache<&str, Result<u32, &str>> = cache().await;
    let failing = async || Err::<u32, _>("down");
    assert_eq!(
        cache.get_or_try_load(&"k", secs(1), failing).await,
        Err("down")
    );
    let fine = async || Ok::<_, &str>(1);
    assert_eq!(
        cache.get_or_try_load(&"k", secs(1), fine).await,
        Err("down")
    );
    assert_eq!(cache.get("k"), Some(Err("down")));
    advance(secs(1)).await;
    assert_eq!(cache.get_or_try_load(&"k", secs(1), fine).await, Ok(1));
    advance(secs(9)).await;
    assert_eq!(cache.get("k"), Some(Ok(1)), "a value has the default time");
    assert_eq!(
        cache.get_or_try_load(&"z", secs(0), failing).await,
        Err("down")
    );
    assert_eq!(cache.get("z"), None);
}

#[tokio::test]
async fn a_kept_error_goes_to_all_who_wait() {
    locally(async {
        let cache: Cache<&str, Result<u32, &str>> = cache().await;
        let (loads, gate) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
        let asked: Vec<_> = (0..100)
            .map(|_| {
                let (cache, loads, gate) = (cache.clone(), Rc::clone(&loads), Rc::clone(&gate));
                spawn_local(async move {
                    let load = async || {
                        loads.set(loads.get() + 1);
                        gate.notified().await;
                        Err::<u32, _>("down")
                    };
                    cache.get_or_try_load(&"k", secs(0), load).await
                })
            })
            .collect();
        settle().await;
        gate.notify_one();
        for asked in asked {
            assert_eq!(asked.await.unwrap(), Err("down"));
        }
        assert_eq!(loads.get(), 1);
    })
    .await;
}

#[tokio::test]
async fn keys_do_not_wait_for_each_other() {
    locally(async {
        let (cache, begun) = (cache().await, Rc::default());
        let (slow, gate) = ask(&cache, &begun);
        settle().await;
        let others: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
        for key in &others {
            let key: &'static str = String::leak(key.clone());
            let load = async || Ok::<_, io::Error>(1);
            assert_eq!(cache.get_or_load(&key, load).await.unwrap(), 1);
        }
        gate.send(Ok(0)).unwrap();
        assert_eq!(slow.await.unwrap(), Ok((0, Source::Loaded)));
    })
    .await;
}

#[tokio::test]
async fn a_stopped_cache_still_loads() {
    let cache = cache().await;
    cache.stop().await.unwrap();
    let load = async || Ok::<_, Infallible>(1);
    assert_eq!(cache.get_or_load(&"k", load).await, Ok(1));
}

/// Many that ask for the same keys while others delete them, with loads that fail, panic and are
/// dropped: what anybody gets was loaded for its key, no two loads of a key run side by side while
/// nobody deletes, and all that happened is counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_each_gets_a_value_that_was_loaded_for_its_key() {
    const KEYS: u64 = 8;
    for deletes in [false, true] {
        let cache: Cache<u64, u64> = cache().await;
        let running: Arc<[AtomicUsize; 8]> = Arc::default();
        let begun = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..8_000_u64)
            .map(|round| {
                let (cache, begun) = (cache.clone(), Arc::clone(&begun));
                let running = Arc::clone(&running);
                let asked = tokio::spawn(async move {
                    let (key, dice) = (round % KEYS, round % 13);
                    let load = || {
                        begun.fetch_add(1, Ordering::Relaxed);
                        let alone = Running::begin(running, usize::try_from(key).unwrap());
                        async move {
                            yield_now().await;
                            assert!(deletes || alone.is_alone());
                            match dice {
                                0 => Err("failed"),
                                1 => resume_unwind(Box::new("a panic of a load")),
                                _ => Ok(Loaded::with_ttl(key * 1_000_000 + round, ms(dice))),
                            }
                        }
                    };
                    let got = cache.get_or_load(&key, load).await;
                    if deletes && dice == 3 {
                        cache.delete(&key);
                    }
                    got.map(|value| assert_eq!(value / 1_000_000, key, "of another key"))
                });
                if round % 17 == 0 {
                    asked.abort();
                }
                asked
            })
            .collect();
        let mut failed = 0;
        for task in tasks {
            match task.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    assert_eq!(error, "failed");
                    failed += 1;
                }
                Err(error) => {
                    let panic = error.try_into_panic().ok();
                    let text = panic.map(|panic| *panic.downcast::<&str>().unwrap());
                    assert!(text.is_none_or(|text| text == "a panic of a load"));
                }
            }
        }
        let stats = cache.stats();
        let begun = begun.load(Ordering::Relaxed) as u64;
        assert_eq!(
            stats.loads + stats.failed_loads,
            begun,
            "each load is counted"
        );
        assert!(failed <= stats.failed_loads, "each error is of a load");
        cache.clear();
        for key in 0..KEYS {
            let load = async || Ok::<_, Infallible>(key);
            let asked = cache.get_or_load_with_source(&key, load).await;
            assert_eq!(asked, Ok((key, Source::Loaded)), "no key is stuck");
        }
    }
}

/// Counts the loads of a key that run at the moment.
struct Running(Arc<[AtomicUsize; 8]>, usize);

impl Running {
    fn begin(running: Arc<[AtomicUsize; 8]>, key: usize) -> Self {
        running[key].fetch_add(1, Ordering::SeqCst);
        Self(running, key)
    }

    fn is_alone(&self) -> bool {
        self.0[self.1].load(Ordering::SeqCst) == 1
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0[self.1].fetch_sub(1, Ordering::SeqCst);
    }
}

/// Panics when it wakes.
struct Angry;

impl Wake for Angry {
    fn wake(self: Arc<Self>) {
        panic!("as told");
    }
}

/// Counts how often it was woken.
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_keeps_no_other_from_being_woken() {
    quiet();
    let cache: Cache<&str, u32> = cache().await;
    let (open, opened) = oneshot::channel::<u32>();
    let mut loads = Box::pin(cache.get_or_load(&"k", async || opened.await));
    let mut angry = Box::pin(cache.get_or_load(&"k", async || Ok::<_, Infallible>(2)));
    let mut waits = Box::pin(cache.get_or_load(&"k", async || Ok::<_, Infallible>(3)));
    let bell = Arc::new(Bell(AtomicUsize::new(0)));
    let (ring, rage) = (Waker::from(Arc::clone(&bell)), Waker::from(Arc::new(Angry)));
    assert!(
        loads
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    assert!(
        angry
            .as_mut()
            .poll(&mut Context::from_waker(&rage))
            .is_pending()
    );
    assert!(
        waits
            .as_mut()
            .poll(&mut Context::from_waker(&ring))
            .is_pending()
    );
    open.send(1).unwrap();
    assert_eq!(loads.await.unwrap(), 1);
    assert_eq!(bell.0.load(Ordering::SeqCst), 1);
    assert_eq!(waits.await.unwrap(), 1);
}
