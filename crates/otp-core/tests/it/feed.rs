//! A bounded queue that says what it lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use otp_core::contained::wake;
use otp_core::feed::{Feed, Received};
use proptest::prelude::*;

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn push<T>(feed: &Feed<T>, item: T) {
    let pushed = feed.push(item);
    wake(pushed.waker);
}

#[test]
fn what_is_lost_is_counted_where_it_would_have_stood() {
    let feed = Feed::new(2);
    for n in 1..=5 {
        push(&feed, n);
    }
    assert!(!feed.has_room());
    assert_eq!((feed.len(), feed.capacity()), (2, 2));
    assert_eq!(feed.try_recv(), Some(Received::Item(1)));
    push(&feed, 6);
    assert_eq!(feed.try_recv(), Some(Received::Item(2)));
    assert_eq!(feed.try_recv(), Some(Received::Lost(3)));
    assert_eq!(feed.try_recv(), Some(Received::Item(6)));
    assert_eq!(feed.try_recv(), None);
    assert!(feed.is_empty());
}

#[test]
fn what_is_refused_comes_back() {
    let feed = Feed::new(0);
    assert_eq!(feed.push("a").refused, Some("a"));
    assert!(feed.lose().is_none());
    assert_eq!(feed.try_recv(), Some(Received::Lost(2)));
}

#[test]
fn who_waits_is_woken_by_an_item_by_a_loss_and_by_the_end() {
    let feed = Feed::new(1);
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let cx = Context::from_waker(&waker);
    assert_eq!(feed.poll_recv(&cx), Poll::Pending);
    push(&feed, 1);
    assert_eq!(bell.0.load(Ordering::SeqCst), 1);
    assert_eq!(feed.poll_recv(&cx), Poll::Ready(Some(Received::Item(1))));
    assert_eq!(feed.poll_recv(&cx), Poll::Pending);
    wake(feed.lose());
    assert_eq!(bell.0.load(Ordering::SeqCst), 2);
    assert_eq!(feed.poll_recv(&cx), Poll::Ready(Some(Received::Lost(1))));
    assert_eq!(feed.poll_recv(&cx), Poll::Pending);
    assert!(!feed.is_finished());
    wake(feed.close());
    assert_eq!(bell.0.load(Ordering::SeqCst), 3);
    assert_eq!(feed.poll_recv(&cx), Poll::Ready(None));
    assert!(feed.is_finished());
}

#[test]
fn after_its_end_what_is_there_is_received_and_nothing_is_added() {
    let feed = Feed::new(4);
    push(&feed, 1);
    assert!(feed.close().is_none());
    assert!(!feed.has_room());
    assert_eq!(feed.push(2).refused, Some(2));
    assert_eq!(feed.try_recv(), Some(Received::Item(1)));
    assert_eq!(feed.try_recv(), Some(Received::Lost(1)));
    assert!(feed.is_finished());
}

#[test]
fn an_abandoned_feed_keeps_nothing() {
    let item = Arc::new(());
    let feed = Feed::new(4);
    push(&feed, Arc::clone(&item));
    feed.abandon();
    assert_eq!(Arc::strong_count(&item), 1);
    drop(feed.push(Arc::clone(&item)));
    assert_eq!(Arc::strong_count(&item), 1);
    assert_eq!(
        format!("{feed:?}"),
        "Feed { waiting: 0, lost: 1, capacity: 4 }"
    );
}

/// Counts its drops, and panics in each.
struct Torn(Arc<AtomicUsize>);

impl Drop for Torn {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("as told");
    }
}

#[test]
fn what_an_abandoned_feed_held_may_panic_in_its_drop() {
    let drops = Arc::new(AtomicUsize::new(0));
    let feed = Feed::new(4);
    for _ in 0..3 {
        push(&feed, Torn(Arc::clone(&drops)));
    }
    feed.abandon();
    assert_eq!(drops.load(Ordering::SeqCst), 3);
}

#[derive(Debug, Clone)]
enum Step {
    Push,
    Lose,
    Receive,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Push),
        1 => Just(Step::Lose),
        2 => Just(Step::Receive)
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    /// Everything that was put in comes out in its place, as itself or in a count.
    #[test]
    fn items_and_counts_add_up(capacity in 0_usize..5, steps in steps()) {
        let feed = Feed::new(capacity);
        // What is to be received: `None` for one that is lost.
        let mut model = VecDeque::new();
        let mut next = 0_u32;
        for step in steps {
            match step {
                Step::Push => {
                    next += 1;
                    let refused = feed.push(next).refused;
                    let has_room = model.iter().flatten().count() < capacity;
                    prop_assert_eq!(refused.is_none(), has_room);
                    model.push_back(has_room.then_some(next));
                }
                Step::Lose => {
                    drop(feed.lose());
                    model.push_back(None);
                }
                Step::Receive => match feed.try_recv() {
                    Some(Received::Item(item)) => prop_assert_eq!(model.pop_front(), Some(Some(item))),
                    Some(Received::Lost(count)) => {
                        prop_assert!(count > 0);
                        for _ in 0..count {
                            prop_assert_eq!(model.pop_front(), Some(None));
                        }
                        prop_assert!(!matches!(model.front(), Some(None)), "one count for all of them");
                    }
                    None => prop_assert!(model.is_empty()),
                },
            }
        }
    }
}
