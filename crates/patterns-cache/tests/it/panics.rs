//! User code that panics: the panic reaches the caller, and the cache goes on.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use patterns_cache::Cache;
use testing::{advance, secs};

use crate::support::{Counted, Drops, bounded, cache};

thread_local! {
    /// Which of a touchy value's functions panics.
    static TOUCHY: Cell<&'static str> = const { Cell::new("") };
}

fn panic_if(what: &str) {
    if TOUCHY.get() == what {
        // Unlike `panic!`, it does not print anything.
        std::panic::resume_unwind(Box::new(()));
    }
}

/// Runs `work` while the function called `what` panics, and expects it to.
fn panics<R>(what: &'static str, work: impl FnOnce() -> R) {
    TOUCHY.set(what);
    let result = catch_unwind(AssertUnwindSafe(work));
    TOUCHY.set("");
    assert!(result.is_err(), "the panic in `{what}` reaches the caller");
}

#[derive(Debug)]
struct Touchy(u64);

impl Clone for Touchy {
    fn clone(&self) -> Self {
        panic_if("clone");
        Self(self.0)
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        panic_if("eq");
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        panic_if("hash");
        self.0.hash(state);
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        panic_if("drop");
    }
}

#[tokio::test]
async fn a_panic_in_hash_or_eq_leaves_everything_as_it_was() {
    let cache: Cache<Touchy, u64> = bounded(100).await;
    cache.extend((0..100).map(|key| (Touchy(key), key)));
    for what in ["hash", "eq"] {
        panics(what, || cache.get(&Touchy(1)));
        panics(what, || cache.contains_key(&Touchy(1)));
        panics(what, || cache.delete(&Touchy(1)));
        panics(what, || cache.put(Touchy(1), 2));
        panics(what, || cache.put_with_ttl(Touchy(1), 2, secs(0)));
    }
    assert_eq!(cache.len(), 100);
    assert_eq!((cache.stats().hits, cache.stats().misses), (0, 0));
    assert!((0..100).all(|key| cache.get(&Touchy(key)) == Some(key)));
    assert_eq!(cache.put(Touchy(1), 3), Some(1));
}

#[tokio::test]
async fn what_a_panicking_put_was_given_is_dropped() {
    let cache: Cache<Touchy, Counted> = cache().await;
    let drops = Drops::default();
    cache.put(Touchy(1), drops.value());
    panics("eq", || cache.put(Touchy(1), drops.value()));
    assert_eq!(drops.count(), 1);
    assert!(cache.contains_key(&Touchy(1)));
}

#[tokio::test]
async fn a_panic_in_a_values_clone_leaves_it_readable() {
    let cache = cache().await;
    cache.put(1, Touchy(1));
    panics("clone", || cache.get(&1));
    assert_eq!(cache.get(&1), Some(Touchy(1)));
    assert_eq!(cache.stats().hits, 1, "the read that panicked was none");
}

#[tokio::test]
async fn a_panic_in_a_keys_clone_leaves_the_keys_listable() {
    let cache = cache().await;
    cache.extend((0..10).map(|key| (Touchy(key), key)));
    panics("clone", || cache.keys());
    assert_eq!(cache.keys().len(), 10);
}

#[tokio::test]
async fn a_panic_in_a_drop_comes_after_the_work_is_done() {
    let cache = bounded(1).await;
    cache.put(1, Touchy(1));
    panics("drop", || drop(cache.put(1, Touchy(2))));
    assert_eq!(cache.get(&1), Some(Touchy(2)));
    panics("drop", || cache.put(2, Touchy(3)));
    assert_eq!((cache.get(&1), cache.get(&2)), (None, Some(Touchy(3))));
    panics("drop", || cache.clear());
    assert!(cache.is_empty());
    cache.put(1, Touchy(4));
    assert_eq!(cache.get(&1), Some(Touchy(4)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_swept_values_drop_does_not_end_the_sweeping() {
    let cache = cache().await;
    cache.put_with_ttl(1, Touchy(1), secs(1));
    TOUCHY.set("drop");
    advance(secs(30)).await;
    TOUCHY.set("");
    assert_eq!(cache.stats().expired, 1);
    cache.put_with_ttl(2, Touchy(2), secs(1));
    advance(secs(30)).await;
    assert_eq!(cache.stats().expired, 2);
}
