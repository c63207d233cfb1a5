//! Nothing is left of what has gone.

use std::sync::Arc;
use std::thread;

use otp_core::inbox;
use patterns_pubsub::{Overflow, PubSub, PubSubConfig};

use crate::support::{assert_adds_up, numbers, with};

#[test]
fn a_million_subscriptions_made_and_dropped_leave_no_memory() {
    let pubsub = numbers();
    let mut publisher = pubsub.publisher("orders.0.paid").unwrap();
    let patterns: Vec<String> = (0..97)
        .flat_map(|shard| {
            [
                format!("orders.{shard}.paid"),
                format!("orders.{shard}.*"),
                format!("*.{shard}.>"),
                "orders.>".to_owned(),
            ]
        })
        .collect();
    // Sixteen at a time, the most of them beside others of their pattern; on two threads, so that it takes half the time.
    let make_and_drop = || {
        let mut some = Vec::with_capacity(16);
        for pattern in patterns.iter().cycle().take(500_000 / 16) {
            let own = with(8, Overflow::Disconnect);
            some.push(pubsub.subscribe_with(pattern, own).unwrap());
            some.extend((1..16).map(|_| pubsub.subscribe(pattern).unwrap()));
            some.clear();
        }
    };
    thread::scope(|scope| {
        let other = scope.spawn(make_and_drop);
        for number in 0..10_000 {
            publisher.publish(number).unwrap();
        }
        make_and_drop();
        other.join().unwrap();
    });
    let info = pubsub.info();
    assert_eq!((info.subscribers, info.nodes, info.topics.len()), (0, 0, 0));
    assert_eq!(info.entries, 1, "the publisher's own");
    drop(publisher);
    assert_eq!(pubsub.info().entries, 0);
    let stats = pubsub.stats();
    assert_eq!(
        (stats.subscribed, stats.subscribers, stats.waiting),
        (1_000_000, 0, 0)
    );
    assert_adds_up(&stats);
}

#[test]
fn many_subscriptions_at_once_go_in_any_order() {
    let pubsub = numbers();
    let mut all: Vec<_> = (0..20_000_usize)
        .map(|number| {
            let pattern = ["orders.eu", "orders.*", "orders.>", "orders.us"][number % 4];
            pubsub.subscribe(pattern).unwrap()
        })
        .collect();
    assert_eq!(pubsub.publish("orders.eu", 1), Ok(15_000));
    // Every third first, then from the front, then the rest.
    let mut number = 0;
    all.retain(|_| {
        number += 1;
        number % 3 != 0
    });
    let rest = all.split_off(5_000);
    drop(all);
    let left = rest
        .iter()
        .filter(|subscription| subscription.pattern() != "orders.us")
        .count();
    assert_eq!(pubsub.publish("orders.eu", 2), Ok(left));
    drop(rest);
    let info = pubsub.info();
    assert_eq!((info.subscribers, info.nodes, info.entries), (0, 0, 0));
}

#[test]
fn topics_without_subscribers_are_not_remembered() {
    let pubsub = numbers();
    let wild = pubsub.subscribe("orders.>").unwrap();
    for number in 0..10_000 {
        pubsub.publish(&format!("orders.{number}"), number).unwrap();
    }
    let info = pubsub.info();
    assert_eq!((info.entries, info.nodes), (0, 1));
    assert_eq!(wild.lost(), 10_000 - 1_024);
}

#[test]
fn closures_go_with_the_subscription() {
    let pubsub = numbers();
    let token = Arc::new(());
    let (server, inbox) = inbox::<u64>();
    let held = Arc::clone(&token);
    let map = move |message: patterns_pubsub::Message<u64>| {
        let _ = &held;
        *message
    };
    pubsub.subscribe_server("orders", &server, map).unwrap();
    let held = Arc::clone(&token);
    let latest = Overflow::keep_latest(move |_| Arc::strong_count(&held) as u64);
    let subscription = pubsub.subscribe_with("orders", with(1, latest)).unwrap();
    pubsub.publish("orders", 1).unwrap();
    assert_eq!(Arc::strong_count(&token), 3);
    drop(subscription);
    assert_eq!(Arc::strong_count(&token), 2);
    pubsub.unsubscribe_server("orders", &server);
    assert_eq!(Arc::strong_count(&token), 1);
    drop(inbox);
}

#[test]
fn payloads_go_when_all_have_received_them() {
    let pubsub: PubSub<Arc<()>> = PubSub::new(PubSubConfig::default()).unwrap();
    let mut one = pubsub.subscribe("things").unwrap();
    let mut other = pubsub.subscribe("things").unwrap();
    let thing = Arc::new(());
    for _ in 0..100 {
        pubsub.publish("things", Arc::clone(&thing)).unwrap();
    }
    while let Some(event) = one.try_recv() {
        drop(event);
    }
    assert_eq!(Arc::strong_count(&thing), 101);
    while let Some(event) = other.try_recv() {
        drop(event);
    }
    assert_eq!(Arc::strong_count(&thing), 1);
}

#[test]
fn payloads_are_not_kept_for_one_that_went_or_missed_them() {
    let pubsub: PubSub<Arc<()>> = PubSub::new(PubSubConfig::default()).unwrap();
    let few = with(2, Overflow::DropOldest);
    let mut misses = pubsub.subscribe_with("things", few).unwrap();
    let mut reads = pubsub.subscribe("things").unwrap();
    let goes = pubsub.subscribe("things").unwrap();
    let ends = pubsub.subscribe("things").unwrap();
    let thing = Arc::new(());
    for _ in 0..5 {
        pubsub.publish("things", Arc::clone(&thing)).unwrap();
    }
    while let Some(event) = reads.try_recv() {
        drop(event);
    }
    drop(goes);
    assert!(pubsub.unsubscribe(&ends.info()));
    while let Some(event) = misses.try_recv() {
        drop(event);
    }
    assert_eq!(
        Arc::strong_count(&thing),
        6,
        "one has taken what it was owed along"
    );
    drop(ends);
    assert_eq!(Arc::strong_count(&thing), 1);
    let stats = pubsub.stats();
    assert_eq!((stats.waiting, stats.discarded, stats.lost), (0, 10, 3));
    assert_adds_up(&stats);
}

#[test]
fn no_more_is_kept_than_the_largest_capacity_of_those_who_are_there() {
    let pubsub: PubSub<Arc<()>> = PubSub::new(PubSubConfig::default()).unwrap();
    let small = pubsub
        .subscribe_with("things", with(2, Overflow::DropOldest))
        .unwrap();
    let large = pubsub
        .subscribe_with("things", with(9, Overflow::DropOldest))
        .unwrap();
    let thing = Arc::new(());
    for _ in 0..20 {
        pubsub.publish("things", Arc::clone(&thing)).unwrap();
    }
    assert_eq!(Arc::strong_count(&thing), 10);
    drop(large);
    assert_eq!(Arc::strong_count(&thing), 3);
    pubsub.publish("things", Arc::clone(&thing)).unwrap();
    assert_eq!(Arc::strong_count(&thing), 3);
    drop(small);
    assert_eq!(Arc::strong_count(&thing), 1);
}

#[test]
fn one_that_waited_and_went_is_not_woken_in_the_place_of_another() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let pubsub = numbers();
    let counts = [(); 4].map(|()| Arc::new(Count(AtomicUsize::new(0))));
    let mut all = counts.each_ref().map(|count| {
        let mut subscription = pubsub.subscribe("numbers").unwrap();
        let waker = Waker::from(Arc::clone(count));
        assert!(
            subscription
                .poll_recv(&mut Context::from_waker(&waker))
                .is_pending()
        );
        Some(subscription)
    });
    all[1] = None;
    all[2] = None;
    let came = pubsub.subscribe("numbers").unwrap();
    for count in &counts {
        count.0.store(0, Ordering::SeqCst);
    }
    pubsub.publish("numbers", 1).unwrap();
    let woken = counts
        .each_ref()
        .map(|count| count.0.load(Ordering::SeqCst));
    assert_eq!(woken, [1, 0, 0, 1]);
    assert_eq!(
        counts.each_ref().map(Arc::strong_count),
        [1; 4],
        "no waker is kept"
    );
    drop(came);
}
