//! Panics in code of the program's: who gets them, and what becomes of the row.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Atomic};

use patterns_store::{Bag, OrderedSet, Store, TableError, TableOwner};
use testing::quiet;

use crate::support::{Alive, Counted, owner, panic_of, store};

#[test]
fn a_panic_in_with_leaves_the_row_as_it_was() {
    let owner: TableOwner<u32, u32> = owner();
    owner.put(1, 10).unwrap();
    assert_eq!(
        panic_of(|| owner.with(&1, |_| panic!("as told"))),
        "as told"
    );
    assert_eq!(owner.get(&1), Ok(Some(10)));
}

#[test]
fn a_panic_in_alter_removes_the_row_that_was_moved_into_it() {
    let alive = Alive::default();
    let owner: TableOwner<u32, Counted> = owner();
    let index = owner.index(|key, _| *key).unwrap();
    let mut changes = owner.changes(8).unwrap();
    owner.put(1, alive.value()).unwrap();
    let panic = panic_of(|| {
        owner.alter(&1, |value| {
            let _value = value;
            panic!("as told")
        })
    });
    assert_eq!(panic, "as told");
    assert!(owner.get(&1).unwrap().is_none());
    assert_eq!(owner.size(), Ok(0));
    assert!(index.get(&1).unwrap().is_empty());
    let kinds: Vec<_> = std::iter::from_fn(|| changes.try_recv())
        .map(|change| matches!(change, patterns_store::Change::Deleted { .. }))
        .collect();
    assert_eq!(kinds, [false, true]);
    assert_eq!(alive.count(), 0);
}

#[test]
fn a_panic_in_alter_of_a_missing_row_puts_none() {
    let owner: TableOwner<u32, u32> = owner();
    panic_of(|| owner.alter(&1, |_| panic!("as told")));
    assert_eq!(owner.size(), Ok(0));
}

#[test]
fn a_panic_in_select_and_fold_changes_nothing() {
    let owner: TableOwner<u32, u32> = owner();
    for key in 0..100 {
        owner.put(key, key).unwrap();
    }
    let mut seen = 0;
    panic_of(|| {
        owner.select(|_, _| {
            seen += 1;
            assert!(seen < 50, "as told");
            Some(())
        })
    });
    panic_of(|| owner.fold(0, |_, _, _| panic!("as told")));
    assert_eq!(owner.size(), Ok(100));
}

#[test]
fn a_panic_in_select_delete_leaves_a_whole_table() {
    let alive = Alive::default();
    let owner: TableOwner<u32, Counted> = owner();
    for key in 0..1_000 {
        owner.put(key, alive.value()).unwrap();
    }
    let mut judged = 0;
    panic_of(|| {
        owner.select_delete(|_, _| {
            judged += 1;
            assert!(judged < 500, "as told");
            true
        })
    });
    let left = owner.size().unwrap();
    assert!((501..1_000).contains(&left), "{left} are left");
    assert_eq!(owner.snapshot().unwrap().len(), left);
    assert_eq!(alive.count(), left);
    assert_eq!(owner.select_delete(|_, _| true), Ok(left));
    assert_eq!(alive.count(), 0);
}

/// A value whose `Clone` panics when it is told to.
#[derive(Debug)]
struct Fragile(Arc<AtomicBool>, Counted);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!self.0.load(Atomic::SeqCst), "as told");
        Self(Arc::clone(&self.0), self.1.clone())
    }
}

#[test]
fn a_panic_in_clone_reaches_the_reader_and_harms_nothing() {
    let alive = Alive::default();
    let breaks = Arc::new(AtomicBool::new(false));
    let owner: TableOwner<u32, Fragile, Bag> = owner_of_fragile(&breaks, &alive);
    breaks.store(true, Atomic::SeqCst);
    panic_of(|| owner.get(&1));
    panic_of(|| owner.snapshot());
    breaks.store(false, Atomic::SeqCst);
    assert_eq!(owner.get(&1).unwrap().len(), 3);
    assert_eq!(alive.count(), 3);
}

impl PartialEq for Fragile {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

fn owner_of_fragile<T>(breaks: &Arc<AtomicBool>, alive: &Alive) -> TableOwner<u32, Fragile, T>
where
    T: patterns_store::TableType<u32, Fragile>,
{
    let owner = owner();
    for _ in 0..3 {
        let value = Fragile(Arc::clone(breaks), alive.value());
        owner.put(1, value).map(drop).unwrap();
    }
    owner
}

#[test]
fn a_panic_in_clone_for_a_listener_calls_the_write_off() {
    let alive = Alive::default();
    let breaks = Arc::new(AtomicBool::new(false));
    let owner: TableOwner<u32, Fragile> = owner_of_fragile(&breaks, &alive);
    let mut changes = owner.changes(8).unwrap();
    breaks.store(true, Atomic::SeqCst);
    panic_of(|| owner.put(2, Fragile(Arc::clone(&breaks), alive.value())));
    panic_of(|| owner.delete(&1));
    panic_of(|| owner.clear());
    panic_of(|| owner.select_delete(|_, _| true));
    breaks.store(false, Atomic::SeqCst);
    assert_eq!(owner.member(&2), Ok(false));
    assert_eq!(owner.member(&1), Ok(true));
    assert!(changes.try_recv().is_none());
    assert_eq!(alive.count(), 1);
}

/// A key whose `Eq` and `Ord` panic when they are told to.
#[derive(Debug, Clone)]
struct Touchy(u32, Arc<AtomicBool>);

impl Touchy {
    fn touch(&self) {
        assert!(!self.1.load(Atomic::SeqCst), "as told");
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        self.touch();
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> Ordering {
        self.touch();
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::hash::Hash for Touchy {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

fn a_touchy_key_harms_nothing<T>()
where
    T: patterns_store::UniqueKeys<Touchy, u32> + patterns_store::Lookup<Touchy, u32, Touchy>,
{
    let panics = Arc::new(AtomicBool::new(false));
    let key = |number| Touchy(number, Arc::clone(&panics));
    let owner: TableOwner<Touchy, u32, T> = crate::support::bounded(11);
    for number in 0..10 {
        owner.put(key(number), number).unwrap();
    }
    panics.store(true, Atomic::SeqCst);
    panic_of(|| owner.get(&key(1)));
    panic_of(|| owner.put(key(1), 99));
    panic_of(|| owner.take(&key(1)));
    panic_of(|| owner.alter(&key(1), |_| None));
    panic_of(|| owner.update_counter(&key(1), 1));
    panic_of(|| owner.compare_and_swap(&key(1), &1, 2));
    panics.store(false, Atomic::SeqCst);
    assert_eq!(owner.size(), Ok(10));
    for number in 0..10 {
        assert_eq!(owner.get(&key(number)), Ok(Some(number)));
    }
    owner.put(key(10), 10).unwrap();
    assert!(owner.put(key(11), 11).is_err(), "no place was lost or won");
}

#[test]
fn a_panic_in_eq_or_ord_harms_nothing() {
    a_touchy_key_harms_nothing::<patterns_store::Set>();
    a_touchy_key_harms_nothing::<OrderedSet>();
}

#[test]
fn a_panic_in_an_indexs_closure_calls_the_write_off() {
    let owner: TableOwner<u32, u32> = owner();
    let of = |_: &u32, value: &u32| {
        assert!(*value != 13, "as told");
        *value
    };
    let first = owner.index(|_, value| *value).unwrap();
    let second = owner.index(of).unwrap();
    owner.put(1, 10).unwrap();
    panic_of(|| owner.put(1, 13));
    panic_of(|| owner.put(2, 13));
    panic_of(|| owner.update_counter(&1, 3));
    panic_of(|| owner.compare_and_swap(&1, &10, 13));
    assert_eq!(owner.snapshot(), Ok(vec![(1, 10)]));
    for index in [&first.get(&10), &second.get(&10)] {
        assert_eq!(*index, Ok(vec![(1, 10)]));
    }
    // The value was moved: the row is gone, and both indexes know.
    panic_of(|| owner.alter(&1, |_| Some(13)));
    assert_eq!(owner.size(), Ok(0));
    for index in [&first.range(..), &second.range(..)] {
        assert_eq!(*index, Ok(vec![]));
    }
}

#[test]
fn an_index_over_rows_that_it_cannot_take_is_not_made() {
    let owner: TableOwner<u32, u32> = owner();
    for key in 0..100 {
        owner.put(key, key).unwrap();
    }
    panic_of(|| {
        owner.index(|_, value| {
            assert!(*value != 50, "as told");
            *value
        })
    });
    assert_eq!(owner.info().unwrap().watchers, 0);
    owner.put(50, 50).unwrap();
}

#[test]
fn a_panic_in_the_ord_of_an_index_value_breaks_the_index_and_nothing_else() {
    quiet();
    let owner: TableOwner<u32, u32> = owner();
    let panics = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&panics);
    let index = owner
        .index(move |_, value| Touchy(*value, Arc::clone(&told)))
        .unwrap();
    for key in 0..10 {
        owner.put(key, key).unwrap();
    }
    let mut changes = owner.changes(8).unwrap();
    panics.store(true, Atomic::SeqCst);
    assert_eq!(
        owner.put(3, 30).unwrap(),
        Some(3),
        "the row's change is made"
    );
    panics.store(false, Atomic::SeqCst);
    assert!(changes.try_recv().is_some(), "others are told");
    assert_eq!(index.range(..).unwrap_err(), TableError::IndexBroken);
    owner.put(4, 40).unwrap();
    assert_eq!(owner.get(&3), Ok(Some(30)));
    drop(index);
    let again = owner.index(|_, value| *value).unwrap();
    assert_eq!(again.get(&30), Ok(vec![(3, 30)]));
}

#[tokio::test]
async fn a_panic_in_code_that_the_owner_runs_reaches_the_caller_and_the_store_goes_on() {
    quiet();
    let breaks = Arc::new(AtomicBool::new(false));
    let alive = Alive::default();
    let store: Store<u32, Fragile> = store().await;
    store
        .put(1, Fragile(Arc::clone(&breaks), alive.value()))
        .await
        .unwrap();
    let pid = store.pid().unwrap();
    breaks.store(true, Atomic::SeqCst);
    let asked = store.clone();
    let error = tokio::spawn(async move { asked.get(1).await })
        .await
        .unwrap_err();
    assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"as told"));
    let asked = store.clone();
    let work = async move { asked.with_owner(|_| -> u32 { panic!("as told") }).await };
    assert!(tokio::spawn(work).await.unwrap_err().is_panic());
    breaks.store(false, Atomic::SeqCst);
    assert!(store.get(1).await.unwrap().is_some());
    assert_eq!(store.pid(), Some(pid));
}

#[test]
fn a_waker_that_panics_harms_no_writer() {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Wake, Waker};
    struct Bad(AtomicUsize);
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Atomic::SeqCst);
            panic!("as told");
        }
    }
    quiet();
    let owner: TableOwner<u32, u32> = owner();
    let bad = Arc::new(Bad(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&bad));
    let mut changes = owner.changes(8).unwrap();
    {
        let recv = pin!(changes.recv());
        assert!(recv.poll(&mut Context::from_waker(&waker)).is_pending());
    }
    owner.put(1, 10).unwrap();
    assert_eq!(bad.0.load(Atomic::SeqCst), 1);
    assert!(changes.try_recv().is_some());
}
