//! Loads of one key, while others ask for it, change it and go, in every order that a schedule checker
//! tries: see `cargo xtask schedules`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use otp_core::inbox;
use schedules::shuttle::future::yield_now;
use schedules::shuttle::thread::{self, JoinHandle};
use schedules::{assert_unlocked, block_on, check, poll_once};

use crate::table::Table;
use crate::{Cache, CacheConfig, Compute, Hooks, RemovalCause};

/// A value that must not be dropped under a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value(u64);

impl Drop for Value {
    fn drop(&mut self) {
        assert_unlocked();
    }
}

type Values = Cache<u32, Value>;

/// A cache of one shard, whose process nobody runs.
fn cache() -> Values {
    cache_with(Hooks::new())
}

fn cache_with(hooks: Hooks<u32, Value>) -> Values {
    let config = CacheConfig {
        shards: NonZeroUsize::new(1),
        ..CacheConfig::default()
    };
    let (server, _unread) = inbox();
    Cache::of(Arc::new(Table::new(&config, hooks)), server)
}

/// The order in which things happen.
#[derive(Debug, Clone, Default)]
struct Moments(Arc<AtomicU64>);

impl Moments {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Asks for key 1 with a load that brings the moment at which it began.
fn ask(cache: &Values, moments: &Moments) -> JoinHandle<u64> {
    let (cache, moments) = (cache.clone(), moments.clone());
    thread::spawn(move || {
        let load = async || {
            assert_unlocked();
            let begun = moments.next();
            yield_now().await;
            Ok::<_, ()>(Value(begun))
        };
        block_on(cache.get_or_load(&1, load))
            .expect("it does not fail")
            .0
    })
}

#[test]
fn all_who_ask_get_one_load() {
    check("three ask", || {
        let (cache, moments) = (cache(), Moments::default());
        let asked = [(); 3].map(|()| ask(&cache, &moments));
        assert_eq!(asked.map(|asked| asked.join().unwrap()), [1; 3]);
        assert_eq!(cache.stats().loads, 1);
        assert_eq!(cache.get(&1), Some(Value(1)));
    });
}

#[test]
fn what_was_loaded_before_a_delete_is_not_there_after_it() {
    check("two ask and one deletes", || {
        let (cache, moments) = (cache(), Moments::default());
        let asked = [(); 2].map(|()| ask(&cache, &moments));
        let deleted = {
            let (cache, moments) = (cache.clone(), moments.clone());
            thread::spawn(move || {
                let begun = moments.next();
                cache.delete(&1);
                begun
            })
        };
        for asked in asked {
            asked.join().unwrap();
        }
        let deleted = deleted.join().unwrap();
        if let Some(value) = cache.get(&1) {
            // A load that began before the delete was over by then, or is not stored.
            assert!(value.0 > deleted, "{} of {deleted}", value.0);
        }
    });
}

#[test]
fn who_asks_after_a_delete_gets_nothing_older() {
    check("a delete and one who asks after it", || {
        let (cache, moments) = (cache(), Moments::default());
        let before = ask(&cache, &moments);
        let after = {
            let (cache, moments) = (cache.clone(), moments.clone());
            thread::spawn(move || {
                let begun = moments.next();
                cache.delete(&1);
                let asked = ask(&cache, &moments).join().unwrap();
                assert!(asked > begun, "{asked} of {begun}");
            })
        };
        before.join().unwrap();
        after.join().unwrap();
    });
}

#[test]
fn what_is_put_is_never_replaced_by_an_older_load() {
    check("two ask and one puts", || {
        let (cache, moments) = (cache(), Moments::default());
        let asked = [(); 2].map(|()| ask(&cache, &moments));
        let put = {
            let cache = cache.clone();
            thread::spawn(move || drop(cache.put(1, Value(1_000))))
        };
        for asked in asked {
            asked.join().unwrap();
        }
        put.join().unwrap();
        assert_eq!(cache.get(&1), Some(Value(1_000)));
    });
}

#[test]
fn who_waits_survives_whoever_goes() {
    check("one goes and two wait", || {
        let (cache, moments) = (cache(), Moments::default());
        let goes = {
            let cache = cache.clone();
            thread::spawn(move || {
                let load = async || {
                    yield_now().await;
                    yield_now().await;
                    Ok::<_, ()>(Value(0))
                };
                let mut asked = Box::pin(cache.get_or_load(&1, load));
                let _ = poll_once(&mut asked);
                drop(asked);
            })
        };
        let asked = [(); 2].map(|()| ask(&cache, &moments));
        for asked in asked {
            assert_eq!(
                asked.join().unwrap(),
                1,
                "one load, after the one that went"
            );
        }
        goes.join().unwrap();
    });
}

#[test]
fn who_waits_survives_an_error() {
    check("one fails and two wait", || {
        let (cache, moments) = (cache(), Moments::default());
        let fails = {
            let cache = cache.clone();
            thread::spawn(move || {
                let load = async || {
                    yield_now().await;
                    Err::<Value, _>("down")
                };
                block_on(cache.get_or_load(&1, load)).map(|value| value.0)
            })
        };
        let asked = [(); 2].map(|()| ask(&cache, &moments));
        for asked in asked {
            assert_eq!(asked.join().unwrap(), 1);
        }
        let failed = fails.join().unwrap();
        assert!(matches!(failed, Err("down") | Ok(1)), "{failed:?}");
    });
}

#[test]
fn computes_lose_nothing() {
    check("two compute and one puts", || {
        let cache = cache();
        let add = |by: u64| {
            let cache = cache.clone();
            thread::spawn(move || {
                let add = async |value: Option<Value>| {
                    yield_now().await;
                    Compute::Put(Value(value.map_or(0, |value| value.0) + by))
                };
                block_on(cache.compute(&1, add));
            })
        };
        let adding = [add(1), add(10)];
        let put = {
            let cache = cache.clone();
            thread::spawn(move || drop(cache.put(1, Value(100))))
        };
        for adding in adding {
            adding.join().unwrap();
        }
        put.join().unwrap();
        let sum = cache.get(&1).unwrap().0;
        // Each addition comes before the put, and is replaced by it, or after it, and is there.
        assert!([100, 101, 110, 111].contains(&sum), "{sum}");
    });
}

#[test]
fn each_value_that_leaves_is_told_of_once() {
    check("a load, a put and a delete, told of", || {
        let told = Arc::new(AtomicU64::new(0));
        let cache = {
            let told = Arc::clone(&told);
            cache_with(Hooks::new().on_removal(move |_, value: &Value, cause| {
                assert_unlocked();
                assert_ne!(cause, RemovalCause::Expired);
                told.fetch_add(value.0, Ordering::SeqCst);
            }))
        };
        let load = {
            let cache = cache.clone();
            thread::spawn(move || {
                let load = async || Ok::<_, ()>(Value(1));
                block_on(cache.get_or_load(&1, load)).map(|value| value.0)
            })
        };
        let change = {
            let cache = cache.clone();
            thread::spawn(move || {
                cache.put(1, Value(100));
                cache.delete(&1);
            })
        };
        let loaded = load.join().unwrap();
        change.join().unwrap();
        assert!(matches!(loaded, Ok(1 | 100)));
        let (stored, loads) = (
            cache.get(&1).map_or(0, |value| value.0),
            cache.stats().loads,
        );
        drop(cache);
        // What was loaded and not stored never was in the cache.
        let told = told.load(Ordering::SeqCst);
        assert!(told == 100 + stored || told == 101 && loads == 1, "{told}");
    });
}
