//! Panics of others, kept from going further.

use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

use otp_core::contained::{Contained, catch, catch_future, contain, drop_contained, wake};

/// Counts its drops, and panics in each.
struct Torn(Arc<AtomicUsize>);

impl Drop for Torn {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("torn");
    }
}

fn torn() -> (Torn, Arc<AtomicUsize>) {
    let drops = Arc::new(AtomicUsize::new(0));
    (Torn(Arc::clone(&drops)), drops)
}

#[test]
fn what_does_not_panic_comes_back() {
    assert_eq!(catch(|| 7).unwrap(), 7);
}

#[test]
fn a_panic_says_what_it_said() {
    let text = catch(|| panic!("row 7")).unwrap_err();
    assert_eq!(&*text.message(), "row 7");
    let formatted = catch(|| panic!("row {}", 8)).unwrap_err();
    assert_eq!(&*formatted.message(), "row 8");
    let other = catch(|| panic_any(9_u64)).unwrap_err();
    assert_eq!(&*other.message(), "Box<dyn Any>");
    assert_eq!(other.into_inner().downcast_ref(), Some(&9_u64));
    assert_eq!(format!("{text:?}"), "Payload(\"row 7\")");
}

#[test]
fn a_panic_goes_on_as_it_was() {
    let payload = catch(|| panic_any(9_u64)).unwrap_err();
    let again = catch_unwind(AssertUnwindSafe(|| payload.resume()));
    assert_eq!(again.unwrap_err().downcast_ref(), Some(&9_u64));
}

#[test]
fn what_a_panic_carried_may_panic_in_its_drop() {
    let (carried, drops) = torn();
    let payload = catch(|| panic_any(carried)).unwrap_err();
    drop(payload);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    let (carried, drops) = torn();
    contain(|| panic_any(carried));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_drop_that_panics_goes_no_further() {
    let (value, drops) = torn();
    drop_contained(value);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    let (value, drops) = torn();
    drop(Contained::new(value));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

/// Panics when it wakes.
struct Angry(AtomicUsize);

impl Wake for Angry {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("not now");
    }
}

#[test]
fn a_waker_that_panics_was_woken() {
    let waker = Arc::new(Angry(AtomicUsize::new(0)));
    wake(Some(Waker::from(Arc::clone(&waker))));
    assert_eq!(waker.0.load(Ordering::SeqCst), 1);
    wake(None);
}

#[test]
fn a_contained_value_is_used_and_taken_out_like_any_other() {
    let mut list = Contained::new(vec![1]);
    list.push(2);
    assert_eq!(list.len(), 2);
    assert_eq!(list.into_inner(), [1, 2]);
    let (value, drops) = torn();
    let value = Contained::new(value).into_inner();
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop_contained(value);
}

#[tokio::test]
async fn the_panic_of_a_future_is_its_outcome() {
    assert_eq!(catch_future(ready(7)).await.unwrap(), 7);
    let mut polls = 0;
    let work = poll_fn(|cx| {
        polls += 1;
        if polls < 3 {
            cx.waker().wake_by_ref();
            return Poll::<()>::Pending;
        }
        panic!("third poll")
    });
    let panic = catch_future(work).await.unwrap_err();
    assert_eq!(&*panic.message(), "third poll");
}

#[tokio::test]
async fn a_future_is_dropped_before_its_outcome_is_told() {
    let (value, drops) = torn();
    let work = async move {
        let _value = Arc::new(Contained::new(value));
        7
    };
    assert_eq!(catch_future(work).await.unwrap(), 7);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

/// Is ready at once, and holds what panics when it is dropped.
struct Holding<T, V>(T, Option<V>);

impl<T: Unpin, V: Unpin> Future for Holding<T, V> {
    type Output = V;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Self::Output> {
        Poll::Ready(self.1.take().unwrap())
    }
}

#[tokio::test]
async fn a_panic_in_the_drop_of_a_future_is_its_outcome_and_its_value_is_dropped() {
    let (value, drops) = torn();
    let output = Arc::new(());
    let panic = catch_future(Holding(value, Some(Arc::clone(&output)))).await;
    assert_eq!(&*panic.unwrap_err().message(), "torn");
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(&output), 1);
}

#[tokio::test]
async fn after_its_end_a_caught_future_is_pending() {
    let mut work = pin!(catch_future(ready(1)));
    assert!(!work.is_over());
    assert_eq!(work.as_mut().await.unwrap(), 1);
    assert!(work.is_over());
    tokio::select! {
        biased;
        _ = work.as_mut() => panic!("told twice"),
        () = ready(()) => {}
    }
}

#[test]
fn dropped_before_its_end_a_caught_future_drops_the_inner_one() {
    let (value, drops) = torn();
    let work = catch_future(async move {
        let _value = value;
        pending::<()>().await;
    });
    assert!(catch(|| drop(work)).is_err());
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}
