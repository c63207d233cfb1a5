//! Keys and values whose own code panics, or uses a registry.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use otp_core::{DuplicateRegistry, Registry, RegistryEvent, inbox};

use super::{Names, register, server};
use crate::support::{Log, Msg, Outcome, inside};

thread_local! {
    /// After how many more uses the code of a key panics; for good at zero.
    static LEFT: Cell<u32> = const { Cell::new(u32::MAX) };
}

fn used() {
    LEFT.set(LEFT.get().saturating_sub(u32::from(LEFT.get() != u32::MAX)));
    assert!(LEFT.get() > 0, "a key's");
}

/// A key whose `Hash`, `Eq` and `Clone` panic when their time has come.
#[derive(Debug)]
struct Key(u32, Arc<()>);

impl Key {
    fn new(number: u32) -> Self {
        Self(number, Arc::default())
    }
}

impl Clone for Key {
    fn clone(&self) -> Self {
        used();
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        used();
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        used();
        self.0.hash(state);
    }
}

/// Calls `work` with a panic at the first use of a key's code, then at the second and so on, until it gets through.
fn at_every_use<R>(mut work: impl FnMut() -> R, mut after: impl FnMut()) -> (u32, R) {
    for uses in 1..50 {
        LEFT.set(uses);
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut work));
        LEFT.set(u32::MAX);
        match done {
            Ok(done) => return (uses - 1, done),
            Err(_) => after(),
        }
    }
    panic!("it never gets through")
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_any_moment_of_a_registration_registers_nothing() -> Outcome {
    let names: Registry<Key, Msg, Key> = Registry::new();
    let topics: DuplicateRegistry<Key, Msg, Key> = DuplicateRegistry::new();
    let (address, mut events) = inbox::<RegistryEvent<Key, Key>>();
    names.listen(address.recipient());
    topics.listen(address.recipient());
    let a = server().await;
    let (names_too, topics_too) = (names.clone(), topics.clone());
    let panics = inside(&a, move |_, ctx| {
        let pid = ctx.pid();
        let mut panics = 0;
        for number in 0..40 {
            // Again and again: sooner or later a shard has to grow.
            let (uses, done) = at_every_use(
                || names_too.register(ctx, Key::new(number), Key::new(0)),
                || assert_eq!(names_too.keys(&pid).len(), number as usize),
            );
            done.unwrap();
            panics += uses;
            let (uses, ()) = at_every_use(
                || topics_too.register(ctx, Key::new(number / 4), Key::new(0)),
                || assert_eq!(topics_too.keys(&pid).len(), number as usize),
            );
            panics += uses;
            assert_eq!(names_too.count(), number as usize + 1);
            assert_eq!(topics_too.count(), number as usize + 1);
        }
        panics
    });
    assert!(panics.await > 200, "the keys' code is used");
    let told = std::iter::from_fn(|| events.try_recv()).count();
    assert_eq!(told, 80, "each registration once");
    a.stop().await?;
    assert_eq!((names.count(), topics.count()), (0, 0));
    let told = std::iter::from_fn(|| events.try_recv()).count();
    assert_eq!(told, 80);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_entries_are_given_back_gives_back_all_or_nothing() -> Outcome {
    let topics: DuplicateRegistry<Key, Msg, u32> = DuplicateRegistry::new();
    let (address, mut events) = inbox::<RegistryEvent<Key, u32>>();
    topics.listen(address.recipient());
    let a = server().await;
    let inner = topics.clone();
    inside(&a, move |_, ctx| {
        let pid = ctx.pid();
        (0..6).for_each(|number| inner.register(ctx, Key::new(number % 2), number));
        let key = Key::new(0);
        let asked = |value: &u32| {
            used();
            *value != 2
        };
        let (panics, gone) = at_every_use(
            || inner.unregister_if(ctx, &key, asked),
            || {
                assert_eq!(inner.values(&key, &pid), [0, 2, 4]);
                assert_eq!(inner.keys(&pid).len(), 6);
            },
        );
        assert!(panics > 4);
        assert_eq!(gone, [0, 4]);
        assert_eq!(inner.values(&key, &pid), [2]);
        assert_eq!(inner.keys(&pid).len(), 4);
    })
    .await;
    assert_eq!(std::iter::from_fn(|| events.try_recv()).count(), 8);
    a.stop().await?;
    assert_eq!(topics.count(), 0);
    assert_eq!(std::iter::from_fn(|| events.try_recv()).count(), 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_look_or_a_change_leaves_all_as_it_was() -> Outcome {
    let names: Registry<Key, Msg, Key> = Registry::new();
    let a = server().await;
    let inner = names.clone();
    inside(&a, move |_, ctx| {
        let (pid, key) = (ctx.pid(), Key::new(1));
        inner.register(ctx, Key::new(1), Key::new(5)).unwrap();
        let whole = || assert_eq!(inner.value(&key, &pid).map(|value| value.0), Some(5));
        at_every_use(|| inner.lookup(&key).map(drop), whole);
        at_every_use(|| inner.whereis(&key).map(drop), whole);
        at_every_use(|| inner.keys(&pid).len(), whole);
        at_every_use(|| inner.select(|key, _, _| Some(key.clone())).len(), whole);
        let (panics, (new, before)) = at_every_use(
            || inner.update_value(ctx, &key, |_| Key::new(6)).unwrap(),
            whole,
        );
        assert!(panics > 1);
        assert_eq!((new.0, before.0), (6, 5));
    })
    .await;
    a.stop().await?;
    assert_eq!(names.count(), 0);
    Ok(())
}

/// A key whose `Hash` panics from some moment on, and whose drop panics.
#[derive(Clone)]
struct Torn(u32, Arc<AtomicBool>);

impl PartialEq for Torn {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Torn {}

impl Hash for Torn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(!self.1.load(Ordering::Relaxed), "a hash");
        self.0.hash(state);
    }
}

/// A key or value whose drop panics, once it is told to. Two such panics at once would end the program.
#[derive(Clone)]
struct Bad(u32, Arc<AtomicBool>);

impl Drop for Bad {
    fn drop(&mut self) {
        assert!(!self.1.load(Ordering::Relaxed), "a drop");
    }
}

impl PartialEq for Bad {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Bad {}

impl Hash for Bad {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_panics_at_the_end_of_its_owner_costs_the_others_nothing() -> Outcome {
    let names: Registry<Torn, Msg, u32> = Registry::new();
    let other = Names::new();
    let a = server().await;
    let breaks = Arc::new(AtomicBool::new(false));
    let (inner, broken) = (names.clone(), Arc::clone(&breaks));
    inside(&a, move |_, ctx| {
        inner.register(ctx, Torn(0, broken), 0).unwrap();
        inner.register(ctx, Torn(1, Arc::default()), 1).unwrap();
    })
    .await;
    register(&other, &a, "key", 1).await?;
    breaks.store(true, Ordering::Relaxed);
    let call = a.call(Msg::Keep);
    let (pid, end) = (a.pid().ok_or("none")?, a.pid().ok_or("none")?.monitor());
    a.cast(Msg::end(otp_core::ExitReason::Normal))?;
    assert!(end.await.is_normal());
    drop(call);
    assert!(names.lookup(&Torn(1, Arc::default())).is_none());
    assert_eq!(names.count(), 1, "the one that cannot be found");
    assert_eq!(other.count(), 0);
    assert!(names.keys(&pid).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn drops_that_panic_stay_where_they_are() -> Outcome {
    let names: Registry<Bad, Msg, Bad> = Registry::new();
    let topics: DuplicateRegistry<Bad, Msg, Bad> = DuplicateRegistry::new();
    let a = server().await;
    let breaks = Arc::new(AtomicBool::new(false));
    let (inner, also, broken) = (names.clone(), topics.clone(), Arc::clone(&breaks));
    inside(&a, move |_, ctx| {
        for number in 0..3 {
            let bad = |number| Bad(number, Arc::clone(&broken));
            assert!(inner.register(ctx, bad(number), bad(7)).is_ok());
            also.register(ctx, bad(1), bad(number));
        }
    })
    .await;
    let other = Names::new();
    register(&other, &a, "key", 1).await?;
    breaks.store(true, Ordering::Relaxed);
    a.stop().await?;
    breaks.store(false, Ordering::Relaxed);
    assert_eq!((names.count(), topics.count(), other.count()), (0, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_drop_of_a_value_may_use_its_registry() -> Outcome {
    #[derive(Clone)]
    struct Counts(Registry<u32, Msg, Self>, Log);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.1.note(format!("{}", self.0.count()));
        }
    }
    let (names, log) = (Registry::<u32, Msg, Counts>::new(), Log::default());
    let a = server().await;
    let (inner, noted) = (names.clone(), log.clone());
    inside(&a, move |_, ctx| {
        for key in [1, 2] {
            let registered = inner.register(ctx, key, Counts(inner.clone(), noted.clone()));
            assert!(registered.is_ok());
        }
        assert!(
            inner
                .register(ctx, 1, Counts(inner.clone(), noted.clone()))
                .is_err()
        );
        drop(inner.unregister(ctx, &1));
    })
    .await;
    assert_eq!(log.take(), ["2", "1"]);
    a.stop().await?;
    assert_eq!(log.take(), ["0"]);
    Ok(())
}
