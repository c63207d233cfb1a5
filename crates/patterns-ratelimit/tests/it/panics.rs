//! Panics in the program's own code: keys.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use patterns_ratelimit::{KeyedConfig, KeyedRateLimiter, Quota, consume_all};
use testing::{quiet, secs};
use tokio::time::advance;

use crate::support::{Outcome, limiter};

thread_local! {
    /// How many hashes are made before one panics.
    static HASHES: Cell<u32> = const { Cell::new(u32::MAX) };
    static PANICS: Cell<Option<Where>> = const { Cell::new(None) };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Hash,
    Eq,
    Clone,
    Drop,
}

fn may_panic(place: Where) {
    if PANICS.get() == Some(place) {
        PANICS.set(None);
        panic!("as told in {place:?}");
    }
}

/// A key that panics where it is told to.
#[derive(Debug)]
struct Key(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        may_panic(Where::Hash);
        let left = HASHES.get();
        if left < u32::MAX {
            HASHES.set(left.saturating_sub(1));
            assert!(left > 0, "as told: one hash too many");
        }
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        may_panic(Where::Eq);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        may_panic(Where::Clone);
        Self(self.0)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            may_panic(Where::Drop);
        }
    }
}

fn panics<R>(place: Where, work: impl FnOnce() -> R) {
    quiet();
    PANICS.set(Some(place));
    assert!(
        catch_unwind(AssertUnwindSafe(|| drop(work()))).is_err(),
        "{place:?}"
    );
    assert_eq!(PANICS.take(), None);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_key_reaches_the_caller_and_takes_nothing() -> Outcome {
    let limiter = KeyedRateLimiter::<Key>::new(Quota::per_second(1).burst(3))?;
    let one = Key(1);
    panics(Where::Hash, || limiter.allow(&one));
    panics(Where::Clone, || limiter.allow(&one));
    assert!(limiter.is_empty());
    assert!(limiter.allow(&one));
    panics(Where::Eq, || limiter.allow(&one));
    panics(Where::Eq, || limiter.tokens(&one));
    panics(Where::Eq, || limiter.reset(&one));
    panics(Where::Clone, || limiter.keys());
    panics(Where::Clone, || limiter.try_reserve(&one, 1));
    assert_eq!(limiter.tokens(&one), 2);
    panics(Where::Drop, || limiter.reset(&one));
    assert_eq!(limiter.tokens(&one), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_amid_several_levels_leaves_them_all_as_they_were() -> Outcome {
    let (all, before) = (
        limiter(5),
        KeyedRateLimiter::<u64>::new(Quota::per_second(5))?,
    );
    let limiter = KeyedRateLimiter::<Key>::new(Quota::per_second(1).burst(3))?;
    let one = Key(1);
    assert!(limiter.allow(&one));
    let (at, first) = (limiter.at(&one), before.at(&7));
    for _ in 0..3 {
        panics(Where::Eq, || consume_all([&all, &first, &at], 2));
    }
    assert_eq!(
        (all.stats().tokens, before.len(), limiter.tokens(&one)),
        (5, 0, 2)
    );
    assert!(consume_all([&all, &first, &at], 2).is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_forgotten_keys_drop_does_not_end_the_sweeping() -> Outcome {
    let limiter = KeyedRateLimiter::<Key>::start(Quota::per_second(1)).await?;
    for key in 0..500 {
        assert!(limiter.allow(&Key(key)));
    }
    quiet();
    PANICS.set(Some(Where::Drop));
    tokio::time::sleep(secs(31)).await;
    assert_eq!(PANICS.take(), None, "it has panicked");
    tokio::time::sleep(secs(30)).await;
    assert!(limiter.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_somebody_waits_leaves_the_line_whole() -> Outcome {
    let limiter = KeyedRateLimiter::<Key>::new(Quota::per_second(1))?;
    let one = Key(1);
    assert!(limiter.allow(&one));
    let mut waits = Box::pin(limiter.until_ready(&one));
    panics(Where::Clone, || crate::support::poll(&mut waits));
    drop(waits);
    assert_eq!(limiter.stats().waiting, 0);
    let mut waits = Box::pin(limiter.until_ready(&one));
    assert!(crate::support::poll(&mut waits).is_pending());
    panics(Where::Eq, || limiter.allow(&one));
    advance(secs(1)).await;
    assert!(crate::support::poll(&mut waits).is_ready());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_hash_as_the_table_grows_loses_no_place() -> Outcome {
    quiet();
    let config = KeyedConfig {
        quota: Quota::per_hour(1),
        max_keys: Some(500),
        ..KeyedConfig::default()
    };
    let limiter = KeyedRateLimiter::<Key>::new(config)?;
    let (mut allowed, mut panics) = (0, 0);
    for key in 0..2_000 {
        // After the caller's own hash the next one is of a key in the table, if it grows. Each other time it may.
        HASHES.set(if key % 2 == 0 { 1 } else { u32::MAX });
        let asked = catch_unwind(AssertUnwindSafe(|| limiter.allow(&Key(key))));
        HASHES.set(u32::MAX);
        panics += u32::from(asked.is_err());
        allowed += u32::from(asked.unwrap_or(false));
    }
    assert!(panics > 0, "it has grown");
    assert_eq!((allowed as usize, limiter.len()), (500, 500));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_amid_a_change_of_quota_leaves_a_shard_as_it_was_or_changed() -> Outcome {
    let limiter = KeyedRateLimiter::<Key>::new(Quota::per_second(1).burst(10))?;
    for key in 0..300 {
        limiter.set_quota_of(&Key(1_000 + key), Some(Quota::per_second(1)))?;
        limiter.consume(&Key(key), 4)?;
    }
    quiet();
    HASHES.set(150);
    let changed = catch_unwind(AssertUnwindSafe(|| {
        limiter.set_quota(Quota::per_second(7).burst(20))
    }));
    assert!(changed.is_err());
    HASHES.set(u32::MAX);
    for key in 0..300 {
        let tokens = limiter.tokens(&Key(key));
        assert!([6, 16].contains(&tokens), "{tokens}");
    }
    limiter.set_quota(Quota::per_second(7).burst(20))?;
    assert!((0..300).all(|key| limiter.tokens(&Key(key)) == 16));
    Ok(())
}

/// Counts how often it was woken, and panics then if it is to.
struct Bell {
    rung: AtomicUsize,
    panics: bool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "as told");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_keeps_nobody_at_another_key_from_being_woken() -> Outcome {
    quiet();
    let limiter = KeyedRateLimiter::<u64>::new(Quota::per_second(1))?;
    let mut waits = Vec::new();
    for key in 0..8 {
        assert!(limiter.allow(&key));
        let bell = Arc::new(Bell {
            rung: AtomicUsize::new(0),
            panics: key % 2 == 0,
        });
        let waker = Waker::from(Arc::clone(&bell));
        let limiter = limiter.clone();
        let mut wait = Box::pin(async move { limiter.until_ready(&key).await.is_ok() });
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        waits.push((bell, wait));
    }
    limiter.reset_all();
    for (bell, wait) in waits {
        assert_eq!(bell.rung.load(Ordering::SeqCst), 1);
        assert!(wait.await);
    }
    Ok(())
}
